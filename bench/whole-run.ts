import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GateError } from '../src/errors.ts';
import { allowedEnvironment } from '../src/processes/environment.ts';
import { runProgram } from './child-program.ts';
import type { Comparison } from './comparison.ts';
import { cloneOf } from './installation.ts';

/** Any verdict is a whole run; 2 is a mistake. */
const verdicts: readonly number[] = [0, 1, 3];

interface Waiting {
  readonly what: string;
  readonly options: readonly string[];
  readonly store: string;
  readonly seconds: number;
}

const two = ['--optimizations', 'structured-pruning,tensor-decomposition'];
/** One after the other: the second of each finds what the first built and scored. */
const runs: readonly Waiting[] = [
  { what: 'two optimizations × 4 miniatures, cold store', options: two, store: 'two', seconds: 90 },
  { what: 'the same, warm store', options: two, store: 'two', seconds: 90 },
  { what: 'all optimizations × 4 miniatures, cold store', options: [], store: 'all', seconds: 300 },
  { what: 'the same, warm store', options: [], store: 'all', seconds: 300 },
];

/** Other weights become zero in all four models, and nothing becomes faster or slower: quality is all that a run can find. */
const change = ['--set', 'optimizations.sparse-network.with.importance=random'];

/** Confirming launches of the cell that had most: 0 where nothing was suspect, 12 where one look decided. */
const mostConfirmed = (runFolder: string): number => {
  const counts = new Map<string, number>();
  for (const line of readFileSync(join(runFolder, 'samples.jsonl'), 'utf8').split('\n')) {
    const [, cell] = /^\{"line":"launch",.*"cell":"([^"]+)","purpose":"confirm"/.exec(line) ?? [];
    if (cell !== undefined) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
};

/** What a developer waits for: in a clean tree with an empty store and with a full one, and after a change of one optimization. */
export const wholeRun: Comparison = {
  name: 'whole-run',
  onRequest: true,
  run: async ({ root, folder, seed }, show) => {
    const tree = await cloneOf(root, folder);
    const program = join(tree, 'dist', 'cli.js');
    if (!existsSync(program)) throw new GateError('internal', 'dist/cli.js is not committed: a clone of this repository cannot run');
    const environment = { ...allowedEnvironment(process.env), NO_COLOR: '1', ORT_PATH: root };
    const run = (options: readonly string[], store: string, runFolder: string): ReturnType<typeof runProgram> => {
      const places = ['--store', join(folder, `store-${store}`), '--run-dir', runFolder];
      return runProgram({
        argv: [process.execPath, program, 'run', '--base', 'HEAD', '--seed', String(seed), ...options, ...places],
        cwd: tree,
        environment,
        timeoutSeconds: 1800,
        accepted: verdicts,
      });
    };
    for (const [at, { what, options, store, seconds: most }] of runs.entries()) {
      const { seconds, code } = await run(options, store, join(folder, `run-${at}`));
      show({
        what,
        value: seconds,
        unit: 's',
        target: { bound: 'most', value: most },
        note: `head equal to base; exit status ${code}; one run`,
      });
    }
    const changed = join(folder, 'run-changed');
    const { seconds, code } = await run(change, 'all', changed);
    const confirmed = mostConfirmed(changed);
    show({
      what: 'a change of one optimization × 4 miniatures, warm store',
      value: seconds,
      unit: 's',
      target: confirmed > 12 ? null : { bound: 'most', value: confirmed === 0 ? 90 : 180 },
      note: `exit status ${code}; ${confirmed === 0 ? 'nothing was suspect' : `up to ${confirmed} confirming launches of a cell`}; one run`,
    });
  },
};
