/** Plants what the catalogue of mutants holds, and says what became of it: docs/mutants.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Clone } from '../__tests__/mutants/clone.ts';
import { mutantsConfiguration } from '../__tests__/mutants/configuration.ts';
import type { Outcome } from '../__tests__/mutants/outcome.ts';
import { type Placed, reachOf, together } from '../__tests__/mutants/together.ts';
import { mostTogether, placed, type TriedOne, tryTogether } from '../__tests__/mutants/trial.ts';
import { code, table } from './markdown-table.ts';

/** Most of a run is one thread's work. */
const lanes = Math.min(4, availableParallelism());

const usage =
  'npm run mutants -- [--only ID[,ID]] [--kind mutants|placebos] [--seed N] [--without METRIC[,METRIC]] [--json FILE] [--known FILE] [--write]';

/** Those of the catalogue that were asked for: by id, or by optimization. */
const chosen = (only: readonly string[], kind: string | undefined): readonly Placed[] =>
  (['mutants', 'placebos'] as const)
    .filter((each) => kind === undefined || kind === each)
    .flatMap(placed)
    .filter(({ optimization, planted: { id } }) => only.length === 0 || only.includes(id) || only.includes(optimization));

const share = (results: readonly TriedOne[], kind: Outcome['kind']): string => {
  const of = results.filter(({ outcome }) => outcome.kind === kind).length;
  return `${of} of ${results.length} (${(of / Math.max(1, results.length)).toFixed(2)})`;
};

const head = ['In', 'Planted', 'What', 'Outcome', 'By'];
const row = ({ trial: { optimization, planted }, outcome }: TriedOne): readonly string[] => [
  code(optimization),
  code(planted.id),
  planted.what,
  outcome.kind,
  outcome.by,
];

/** The score in one line, and what was planted, in the catalogue's order, with what became of it. */
const summary = (results: readonly TriedOne[], seed: string): string => {
  const tried = new Map(results.map((result) => [result.trial.planted, result]));
  const [mutants = [], placebos = []] = (['mutants', 'placebos'] as const).map((kind) =>
    placed(kind).flatMap(({ planted }) => tried.get(planted) ?? []),
  );
  const seconds = results.reduce((sum, each) => sum + each.seconds, 0);
  return [
    `Seed ${seed}, ${(seconds / 60).toFixed(0)} minutes. Caught by the right metric: ${share(mutants, 'caught')}. Placebos left alone: ${share(placebos, 'left-alone')}.`,
    ...(mutants.length === 0 ? [] : ['## Mistakes', table(head, mutants.map(row))]),
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

/** What an earlier `--json` has of the same edits. */
const knownIn = (file: string | undefined, trials: readonly Placed[]): readonly TriedOne[] => {
  if (file === undefined) return [];
  const earlier = JSON.parse(readFileSync(file, 'utf8')) as readonly TriedOne[];
  const of = new Map(earlier.map((result) => [JSON.stringify(result.trial), result]));
  return trials.flatMap((trial) => {
    const found = of.get(JSON.stringify(trial));
    return found === undefined ? [] : [{ ...found, trial }];
  });
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      kind: { type: 'string' },
      seed: { type: 'string', default: '1' },
      without: { type: 'string', default: '' },
      json: { type: 'string' },
      known: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  });
  const only = values.only.flatMap((ids) => ids.split(','));
  const without = values.without.split(',').filter((id) => id !== '');
  if (values.write && (only.length > 0 || without.length > 0 || values.kind !== undefined))
    throw new Error('Only a whole run is written to docs/mutants.md.');
  const trials = chosen(only, values.kind);
  const results: TriedOne[] = [...knownIn(values.known, trials)];
  const rest = trials.filter((trial) => !results.some((result) => result.trial === trial));
  const groups = [...together(rest, await reachOf(), mostTogether)];
  const tryAll = async (clone: Clone): Promise<void> => {
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
      const { tried, said } = await tryTogether(clone, group, values.seed, without);
      results.push(...tried.map((one) => ({ ...one, seconds: one.seconds / clones.length })));
      if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
      for (const { trial, outcome, seconds } of tried)
        console.log(`${trial.optimization} ${trial.planted.id}: ${outcome.kind}, ${outcome.by} (${seconds.toFixed(0)} s)`);
      if (tried.some(({ outcome }) => outcome.by === 'no report')) console.error(said);
    }
  };
  const clones = Array.from({ length: Math.min(lanes, groups.length) }, () => new Clone({ 'optimization-gate.yml': mutantsConfiguration }));
  try {
    await Promise.all(clones.map(tryAll));
  } finally {
    for (const clone of clones) clone.remove();
  }
  const text = summary(results, values.seed);
  console.log(`\n${text}`);
  if (values.write) writePage(text);
};

try {
  await main();
} catch (thrown) {
  console.error(`${thrown instanceof Error ? thrown.message : String(thrown)}\n${usage}`);
  process.exitCode = 2;
}
