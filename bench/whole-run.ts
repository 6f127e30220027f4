import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GateError } from '../src/errors.ts';
import { allowedEnvironment } from '../src/processes/environment.ts';
import type { Benchmark } from './benchmark.ts';
import { runProgram } from './child-program.ts';
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

/** What a developer waits for in a clean tree: with an empty store and with a full one. */
export const wholeRun: Benchmark = {
  name: 'whole-run',
  onRequest: true,
  run: async ({ root, folder, seed }, show) => {
    const tree = await cloneOf(root, folder);
    const program = join(tree, 'dist', 'cli.js');
    if (!existsSync(program)) throw new GateError('internal', 'dist/cli.js is not committed: a clone of this repository cannot run');
    const environment = { ...allowedEnvironment(process.env), NO_COLOR: '1', ORT_PATH: root };
    for (const [at, { what, options, store, seconds: most }] of runs.entries()) {
      const places = ['--store', join(folder, `store-${store}`), '--run-dir', join(folder, `run-${at}`)];
      const { seconds, code } = await runProgram({
        argv: [process.execPath, program, 'run', '--base', 'HEAD', '--seed', String(seed), ...options, ...places],
        cwd: tree,
        environment,
        timeoutSeconds: 1800,
        accepted: verdicts,
      });
      show({
        what,
        value: seconds,
        unit: 's',
        target: { bound: 'most', value: most },
        note: `head equal to base; exit status ${code}; one run`,
      });
    }
  },
};
