import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GateError } from '../src/errors.ts';
import { allowedEnvironment } from '../src/processes/environment.ts';
import type { Benchmark } from './benchmark.ts';
import { runProgram } from './child-program.ts';
import { cloneOf } from './installation.ts';

const optimizations = 'structured-pruning,tensor-decomposition';
const models = 'mini-qwen3-dense,mini-qwen3-moe,mini-glm4-moe-lite,mini-qwen3-vl';
/** Any verdict is a whole run; 2 is a mistake. */
const verdicts: readonly number[] = [0, 1, 3];

/** What a developer waits for: two optimizations and four models in a clean tree, with an empty store and with a full one. */
export const wholeRun: Benchmark = {
  name: 'whole-run',
  onRequest: true,
  run: async ({ root, folder, seed }, show) => {
    const tree = await cloneOf(root, folder);
    const program = join(tree, 'dist', 'cli.js');
    if (!existsSync(program)) throw new GateError('internal', 'dist/cli.js is not committed: a clone of this repository cannot run');
    const environment = { ...allowedEnvironment(process.env), NO_COLOR: '1', ORT_PATH: root };
    const argv = [process.execPath, program, 'run', '--optimizations', optimizations, '--models', models, '--seed', String(seed)];
    for (const store of ['cold', 'warm']) {
      const places = ['--store', join(folder, 'store'), '--run-dir', join(folder, `run-${store}`)];
      const { seconds, code } = await runProgram({
        argv: [...argv, ...places],
        cwd: tree,
        environment,
        timeoutSeconds: 900,
        accepted: verdicts,
      });
      show({
        what: `whole run on a clean tree, ${store} store`,
        value: seconds,
        unit: 's',
        target: { bound: 'most', value: 90 },
        note: `2 optimizations × 4 miniatures, head equal to base; exit status ${code}; one run`,
      });
    }
  },
};
