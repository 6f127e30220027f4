import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { catalogues } from '../__tests__/mutants/catalogue.ts';
import { Clone } from '../__tests__/mutants/clone.ts';
import { mutantsConfiguration } from '../__tests__/mutants/configuration.ts';
import type { Mutant, Placebo } from '../__tests__/mutants/mutant.ts';
import { type Outcome, outcomeOfMutant, outcomeOfPlacebo } from '../__tests__/mutants/outcome.ts';
import { entryOf, modelOf, reachOf, together } from '../__tests__/mutants/together.ts';
import { code, table } from './markdown-table.ts';

const usage = 'npm run mutants -- [--only ID[,ID]] [--kind mutants|placebos] [--seed N] [--json FILE] [--write]';

interface Trial {
  readonly optimization: string;
  readonly planted: Mutant | Placebo;
  readonly judge: (cells: Parameters<typeof outcomeOfPlacebo>[0]) => Outcome;
}

interface Result {
  readonly optimization: string;
  readonly kind: 'mutant' | 'placebo';
  readonly id: string;
  readonly what: string;
  readonly outcome: Outcome;
  readonly seconds: number;
}

const trials = (only: readonly string[], kind: string | undefined): readonly Trial[] =>
  catalogues.flatMap(({ optimization, mutants, placebos }) =>
    [
      ...(kind === 'placebos'
        ? []
        : mutants.map((planted): Trial => ({ optimization, planted, judge: (cells) => outcomeOfMutant(planted, cells) }))),
      ...(kind === 'mutants' ? [] : placebos.map((planted): Trial => ({ optimization, planted, judge: outcomeOfPlacebo }))),
    ].filter(({ planted: { id } }) => only.length === 0 || only.includes(id) || only.includes(optimization)),
  );

/** Runs of so many cells at most: a run that ends badly says nothing of any of them. */
const mostTogether = 6;

/** Plants some things in the clone, runs the cells that they concern, and takes them out again. */
const tryTogether = (clone: Clone, group: readonly Trial[], seed: string): readonly Result[] => {
  const started = performance.now();
  try {
    clone.edit(group.flatMap(({ planted }) => planted.edits));
    const [models, entries] = [[...new Set(group.map(modelOf))].join(), group.map(entryOf).join()];
    const scope = ['--models', models, '--optimizations', entries, '--base', 'HEAD', '--seed', seed, '--quick'];
    const { report, errors } = clone.gate(
      group
        .map(({ planted }) => planted.id)
        .join('+')
        .slice(0, 200),
      ...scope,
    );
    if (report === null) console.error(errors);
    const seconds = (performance.now() - started) / 1000 / group.length;
    return group.map((trial) => {
      const cells = (report?.cells ?? []).filter(({ optimization }) => optimization === entryOf(trial));
      const { id, what } = trial.planted;
      const kind = 'noticedBy' in trial.planted ? 'mutant' : 'placebo';
      return { optimization: trial.optimization, kind, id, what, outcome: trial.judge(cells), seconds };
    });
  } finally {
    clone.mend();
  }
};

const countOf = (results: readonly Result[], kind: Outcome['kind']): number =>
  results.filter(({ outcome }) => outcome.kind === kind).length;

const share = (results: readonly Result[], kind: Outcome['kind']): string => {
  const of = countOf(results, kind);
  return `${of} of ${results.length} (${(of / Math.max(1, results.length)).toFixed(2)})`;
};

/** The score in one line, and what was planted, with what became of it. */
const summary = (results: readonly Result[], seed: string): string => {
  const [mutants, placebos] = (['mutant', 'placebo'] as const).map((kind) => results.filter((each) => each.kind === kind)) as [
    Result[],
    Result[],
  ];
  const seconds = results.reduce((sum, each) => sum + each.seconds, 0);
  const row = ({ optimization, id, what, outcome }: Result): readonly string[] => [
    code(optimization),
    code(id),
    what,
    outcome.kind,
    outcome.by,
  ];
  const head = ['In', 'Planted', 'What', 'Outcome', 'By'];
  return [
    `Seed ${seed}, ${(seconds / 60).toFixed(0)} minutes. Caught by the right metric: ${share(mutants, 'caught')}. Placebos left alone: ${share(placebos, 'left-alone')}.`,
    ...(mutants.length === 0 ? [] : ['## Mutants', table(head, mutants.map(row))]),
    ...(placebos.length === 0 ? [] : ['## Placebos', table(head, placebos.map(row))]),
  ].join('\n\n');
};

const page = join(import.meta.dirname, '..', 'docs', 'mutants.md');
const marker = '<!-- below: written by `npm run mutants -- --write` -->';

/** Puts a whole run in the place of the one before it. */
const writePage = (text: string): void => {
  const [prose] = readFileSync(page, 'utf8').split(marker);
  writeFileSync(page, `${prose}${marker}\n\n${text}\n`);
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      kind: { type: 'string' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  });
  const only = values.only.flatMap((ids) => ids.split(','));
  if (values.write && (only.length > 0 || values.kind !== undefined)) throw new Error('Only a whole run is written to docs/mutants.md.');
  const clone = new Clone({ 'optimization-gate.yml': mutantsConfiguration });
  const results: Result[] = [];
  try {
    for (const group of together(trials(only, values.kind), await reachOf(), mostTogether)) {
      for (const result of tryTogether(clone, group, values.seed)) {
        results.push(result);
        console.log(`${result.optimization} ${result.id}: ${result.outcome.kind}, ${result.outcome.by} (${result.seconds.toFixed(0)} s)`);
      }
    }
  } finally {
    clone.remove();
  }
  const text = summary(results, values.seed);
  console.log(`\n${text}`);
  if (values.write) writePage(text);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
};

try {
  await main();
} catch (thrown) {
  console.error(`${thrown instanceof Error ? thrown.message : String(thrown)}\n${usage}`);
  process.exitCode = 2;
}
