/**
 * Generates what is derived from tables in the source: the inputs and outputs of action.yml, tables of the documentation
 * (between markers) and the JSON Schemas. `--check` changes nothing and fails when a file differs.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { commandNames, commandTable, modeNames } from '../src/config/command-table.ts';
import { optionDefault, optionSummary, optionUsage } from '../src/config/help.ts';
import { type NamedOption, optionsOn } from '../src/config/option-table.ts';
import { outputTable } from '../src/config/output-table.ts';
import { configSchema } from '../src/config/schema.ts';
import { errorTable } from '../src/errors.ts';
import { type ModelConfig, parseModelConfig, readJsonFile } from '../src/models/config.ts';
import { modelFacts } from '../src/models/facts.ts';
import { miniatures as shipped } from '../src/models/miniatures.ts';
import { type ModelCard, readModelCard } from '../src/models/model-source.ts';
import { builtinOptimizations } from '../src/optimizations/registry.ts';
import { armParts, entryKeys } from '../src/planning/arm-digest.ts';
import { configDefaultsOf } from '../src/planning/config-defaults.ts';
import { baseline } from '../src/records/baseline.ts';
import { plan } from '../src/records/plan.ts';
import { sampleLine } from '../src/records/sample.ts';
import { verdict } from '../src/records/verdict.ts';
import { coverageDocumentSchema } from '../src/report/coverage.ts';
import { reportDocumentSchema } from '../src/report/document.ts';
import { code, table } from './markdown-table.ts';
import { type Documented, optimizationSections } from './optimization-sections.ts';
import type { SchemaNode } from './schema-node.ts';
import { serveSchemas, serveSections } from './serve-protocol.ts';

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

const inputDefault = (option: NamedOption): string => (option.row.kind === 'switch' ? String(option.row.default) : optionDefault(option));

const choicesOf = ({ row }: NamedOption): string =>
  'choices' in row && row.choices !== null ? ` One or more of ${row.choices.join(', ')}.` : '';

const actionInputs = (): string =>
  [
    '  mode:',
    `    description: ${JSON.stringify(`What to do: ${modeNames.join(', ')}.`)}`,
    '    default: run',
    ...optionsOn('action').flatMap((option) => [
      `  ${option.outside}:`,
      `    description: ${JSON.stringify(`${sentence(option.row.summary)}${choicesOf(option)}`)}`,
      // The token of the job is there without asking; every other empty default is filled in by the program.
      `    default: ${option.name === 'token' ? '${{ github.token }}' : JSON.stringify(inputDefault(option))}`,
    ]),
  ].join('\n');

const actionOutputs = (): string =>
  Object.entries(outputTable)
    .flatMap(([name, summary]) => [`  ${name}:`, `    description: ${JSON.stringify(sentence(summary))}`])
    .join('\n');

const inputTable = (): string =>
  table(
    ['Input', 'Default', 'What it does'],
    [
      ['`mode`', '`run`', `What to do: ${modeNames.map(code).join(', ')}.`],
      ...optionsOn('action').map((option) => [
        code(option.outside),
        option.name === 'token' ? 'the token of the job' : code(inputDefault(option)),
        `${sentence(option.row.summary)}${choicesOf(option)}`,
      ]),
    ],
  );

const outputsTable = (): string =>
  table(
    ['Output', 'What it is'],
    Object.entries(outputTable).map(([name, summary]) => [code(name), sentence(summary)]),
  );

const commandsTable = (): string =>
  table(
    ['Command', 'What it does'],
    commandNames.map((name) => [code(name), sentence(commandTable[name].summary)]),
  );

const cliTable = (): string =>
  table(
    ['Option', 'What it does'],
    optionsOn('cli').map((option) => [code(optionUsage(option)), sentence(optionSummary(option).replace(/ \[(.*)\]$/, '. Default: `$1`'))]),
  );

const errorsTable = (): string =>
  table(
    ['Code', 'Exit', 'What to do'],
    Object.entries(errorTable).map(([name, { exit, remedy }]) => [code(name), String(exit), remedy]),
  );

const configRows = (node: SchemaNode, path: string): readonly (readonly string[])[] =>
  Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const here = path === '' ? key : `${path}.${key}`;
    const inner = child.items?.properties === undefined ? child : child.items;
    const nested = inner.properties === undefined ? [] : configRows(inner, child.items === undefined ? here : `${here}[]`);
    const plain =
      child.default === undefined || (typeof child.default === 'object' && child.properties !== undefined)
        ? ''
        : JSON.stringify(child.default);
    const allowed = child.enum === undefined ? '' : ` One of ${child.enum.join(', ')}.`;
    const row = [code(here), code(plain), `${child.description ?? ''}${allowed}`.trim()];
    return child.properties === undefined ? [row, ...nested] : nested;
  });

const configTable = (optimizations: readonly Documented[]): string =>
  table(
    ['Key', 'Default', 'Meaning'],
    configRows(z.toJSONSchema(configSchema(configDefaultsOf(optimizations)), { io: 'input' }) as SchemaNode, ''),
  );

const armTable = (): string =>
  table(
    ['Part', 'What counts', 'Keys'],
    Object.entries(armParts).map(([part, what]) => {
      const keys = Object.entries(entryKeys).filter(([, owner]) => 'part' in owner && owner.part === part);
      return [part, what, keys.map(([key]) => code(key)).join(', ')];
    }),
  );

const judgeKeys = (): string =>
  table(
    ['Key', 'Says'],
    Object.entries(entryKeys).flatMap(([key, owner]) => ('judge' in owner ? [[code(key), owner.judge]] : [])),
  );

const models = join(import.meta.dirname, '..', 'models');

const shape = (config: ModelConfig): string => {
  const { text } = config;
  const keys = 'kvHeads' in text ? `${text.kvHeads} key-value` : `latent keys and values of rank ${text.latentRank}`;
  const parts = [`${text.layers} layers, ${text.hidden} wide, ${text.heads} heads, ${keys}`];
  if ('experts' in config) {
    const { experts, chosen, width } = config.experts;
    const [shared, dense] = 'shared' in config.experts ? [config.experts.shared, config.experts.denseLayers] : [0, 0];
    if (dense > 0) parts.push(`${dense} layer with a feed-forward of ${text.feedForward}`);
    parts.push(`${experts} experts of ${width}, ${chosen} chosen${shared > 0 ? `, ${shared} shared` : ''}`);
  } else parts.push(`feed-forward ${text.feedForward}`);
  if ('vision' in config) parts.push(`vision tower: ${config.vision.depth} layers, ${config.vision.hidden} wide`);
  parts.push(`vocabulary ${text.vocabulary}`);
  return parts.join('; ');
};

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const qualityText = ({ quality, id }: ModelCard): string => {
  const of = (name: string): number => {
    const value = quality[name];
    if (value === undefined) throw new Error(`the card of ${id} has no ${name}`);
    return value;
  };
  return 'perplexity' in quality
    ? `perplexity ${of('perplexity').toFixed(2)}, next token right ${percent(of('top1Accuracy'))}, ${of('bitsPerByte').toFixed(3)} bits per byte`
    : `captions right ${percent(of('exactCaptions'))}, blind ${percent(of('blindExactCaptions'))}`;
};

const miniatures = (): string =>
  table(
    ['Model', 'Family', 'Shape', 'Parameters', 'Trained on', 'Steps', 'Quality', 'Licence'],
    readdirSync(models)
      .filter((id) => existsSync(join(models, id, 'card.json')))
      .sort()
      .map((id) => {
        const card = readModelCard(join(models, id));
        const config = parseModelConfig(readJsonFile(join(models, id, 'config.json')), id);
        const said = (name: string): string => String(card[name]);
        return [
          code(id),
          code(card.family),
          shape(config),
          card.parameters.toLocaleString('en'),
          said('data'),
          Number(said('steps')).toLocaleString('en'),
          qualityText(card),
          card.licence,
        ];
      }),
  );

const shippedFacts = () =>
  shipped.map((id) => modelFacts(id, '', parseModelConfig(readJsonFile(join(models, id, 'config.json')), id), true));

/** Marker name → what stands between `generated: NAME` and `end of NAME`. */
const sectionsOf = (optimizations: readonly Documented[]): Readonly<Record<string, () => string>> => ({
  'action-inputs': actionInputs,
  'action-outputs': actionOutputs,
  inputs: inputTable,
  outputs: outputsTable,
  commands: commandsTable,
  options: cliTable,
  errors: errorsTable,
  configuration: () => configTable(optimizations),
  'arm-digest': armTable,
  'judge-keys': judgeKeys,
  miniatures,
  ...optimizationSections(optimizations, shippedFacts()),
  ...serveSections,
});

/** Replaces what stands between the markers of every section in `text`. Throws when a marker is unknown or has no end. */
export const filledIn = (text: string, path: string, optimizations: readonly Documented[] = builtinOptimizations): string => {
  const sections = sectionsOf(optimizations);
  let count = 0;
  const filled = text.replace(
    /^(<!--|#) generated: ([a-z-]+)( -->)?\n[\s\S]*?^\1 end of \2( -->)?$/gm,
    (_whole, open: string, name: string, close: string | undefined) => {
      const section = sections[name];
      if (section === undefined) throw new Error(`${path}: nothing is called "${name}"`);
      count += 1;
      const gap = open === '#' ? '' : '\n';
      return `${open} generated: ${name}${close ?? ''}\n${gap}${section()}\n${gap}${open} end of ${name}${close ?? ''}`;
    },
  );
  const marked = [/^(<!--|#) generated: /gm, /^(<!--|#) end of /gm].map((marker) => filled.match(marker)?.length ?? 0);
  if (marked.some((found) => found !== count)) throw new Error(`${path}: a generated section has no end`);
  return filled;
};

const schemasOf = (optimizations: readonly Documented[]) => ({
  'optimization-gate': { schema: configSchema(configDefaultsOf(optimizations)), title: 'optimization-gate.yml' },
  plan: { schema: plan, title: 'plan.json: what is to be measured and by which rule' },
  'samples-line': { schema: sampleLine, title: 'One line of samples.jsonl' },
  verdict: { schema: verdict, title: 'verdict.json: the decision, recomputable from plan, samples and baselines' },
  report: { schema: reportDocumentSchema, title: 'report.json: the decision for scripts' },
  coverage: { schema: coverageDocumentSchema, title: 'coverage.json: what was judged and what was not, and why' },
  baseline: { schema: baseline, title: 'baselines/<runner class>/<model>.json' },
});

const schemaText = ({ schema, title }: { readonly schema: z.ZodType; readonly title: string }): string =>
  `${JSON.stringify({ ...z.toJSONSchema(schema, { io: 'input' }), title }, null, 2)}\n`;

const documented = (root: string): readonly string[] => [
  'action.yml',
  'README.md',
  'models/README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** Every generated file as it should be: path → content. `optimizations`: those that are documented. */
export const generatedFiles = (root: string, optimizations: readonly Documented[] = builtinOptimizations): ReadonlyMap<string, string> =>
  new Map([
    ...documented(root).map((path) => [path, filledIn(readFileSync(join(root, path), 'utf8'), path, optimizations)] as const),
    ...Object.entries(schemasOf(optimizations)).map(([name, schema]) => [`schemas/${name}.schema.json`, schemaText(schema)] as const),
    ...[...serveSchemas()].map(([name, schema]) => [`schemas/${name}.schema.json`, `${JSON.stringify(schema, null, 2)}\n`] as const),
  ]);

/** The paths whose content on disk is not what would be generated. */
export const drifted = (root: string): readonly string[] =>
  [...generatedFiles(root)]
    .filter(([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text)
    .map(([path]) => path);

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const paths = drifted(root);
  if (process.argv.includes('--check')) {
    for (const path of paths) console.error(`${path} is not what the source says: run \`npm run docs\`.`);
    process.exitCode = paths.length === 0 ? 0 : 1;
  } else {
    const files = generatedFiles(root);
    for (const path of paths) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), files.get(path) ?? '');
      console.log(`wrote ${path}`);
    }
  }
}
