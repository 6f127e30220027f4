import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { catalogues } from '../__tests__/mutants/catalogue.ts';
import { Clone } from '../__tests__/mutants/clone.ts';
import { mutantsConfiguration } from '../__tests__/mutants/configuration.ts';
import type { Mutant, Placebo } from '../__tests__/mutants/mutant.ts';
import { type Outcome, outcomeOfMutant, outcomeOfPlacebo } from '../__tests__/mutants/outcome.ts';
import { table } from './markdown-table.ts';

const usage = 'npm run mutants -- [--only ID[,ID]] [--kind mutants|placebos] [--seed N] [--json FILE]';

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

/** Plants one thing in the clone, runs the cell that it concerns, and takes it out again. */
const tryOne = (clone: Clone, { optimization, planted, judge }: Trial, seed: string): Result => {
  const { id, what, edits, model = 'mini-qwen3-dense', entry = optimization } = planted;
  const started = performance.now();
  try {
    clone.edit(edits);
    const scope = ['--models', model, '--optimizations', entry, '--base', 'HEAD', '--seed', seed, '--quick'];
    const { report, errors } = clone.gate(id, ...scope);
    const outcome = judge(report?.cells ?? []);
    if (report === null) console.error(errors);
    return {
      optimization,
      kind: 'noticedBy' in planted ? 'mutant' : 'placebo',
      id,
      what,
      outcome,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    clone.mend();
  }
};

const share = (results: readonly Result[], kind: Outcome['kind']): string => {
  const of = results.filter(({ outcome }) => outcome.kind === kind).length;
  return `${of} of ${results.length} (${(of / Math.max(1, results.length)).toFixed(2)})`;
};

const main = (): void => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      kind: { type: 'string' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
    },
  });
  const only = values.only.flatMap((ids) => ids.split(','));
  const clone = new Clone({ 'optimization-gate.yml': mutantsConfiguration });
  const results: Result[] = [];
  try {
    for (const trial of trials(only, values.kind)) {
      const result = tryOne(clone, trial, values.seed);
      results.push(result);
      console.log(`${result.optimization} ${result.id}: ${result.outcome.kind}, ${result.outcome.by} (${result.seconds.toFixed(0)} s)`);
    }
  } finally {
    clone.remove();
  }
  const rows = results.map(({ optimization, id, what, outcome }) => [optimization, id, what, outcome.kind, outcome.by]);
  console.log(`\n${table(['Optimization', 'Planted', 'What', 'Outcome', 'By'], rows)}`);
  const mutants = results.filter(({ kind }) => kind === 'mutant');
  const placebos = results.filter(({ kind }) => kind === 'placebo');
  console.log(
    `\nSeed ${values.seed}. Caught by the right metric: ${share(mutants, 'caught')}. Placebos left alone: ${share(placebos, 'left-alone')}.`,
  );
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
};

try {
  main();
} catch (thrown) {
  console.error(`${thrown instanceof Error ? thrown.message : String(thrown)}\n${usage}`);
  process.exitCode = 2;
}
