import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { GateError } from '../src/errors.ts';
import { allowedEnvironment } from '../src/processes/environment.ts';
import { gitIn } from '../src/repository/git.ts';
import type { Benchmark, Row } from './benchmark.ts';
import { ownEnvironment, runProgram } from './child-program.ts';

const optimizations = 'structured-pruning,tensor-decomposition';
const models = 'mini-qwen3-dense,mini-qwen3-moe,mini-glm4-moe-lite,mini-qwen3-vl';
/** Any verdict is a whole run; 2 is a mistake. */
const verdicts: readonly number[] = [0, 1, 3];

/** What a developer waits for: the packages, then a whole run over two optimizations and four models, with an empty store and with a full one. */
export const wholeRun: Benchmark = {
  name: 'whole-run',
  onRequest: true,
  run: async ({ root, folder, seed }, show) => {
    const tree = join(folder, 'tree');
    await gitIn(folder, allowedEnvironment(process.env)).read(['clone', '--quiet', '--local', '--no-hardlinks', root, tree], {
      network: true,
    });
    show(await installation(tree));
    if (!existsSync(join(tree, 'dist', 'cli.js')))
      throw new GateError('internal', 'dist/cli.js is not committed: a clone of this repository cannot run', { where: 'whole-run' });
    for (const store of ['cold', 'warm']) {
      const argv = [process.execPath, join(tree, 'dist', 'cli.js'), 'run', '--optimizations', optimizations, '--models', models];
      const places = ['--store', join(folder, 'store'), '--run-dir', join(folder, `run-${store}`), '--seed', String(seed)];
      const environment = { ...allowedEnvironment(process.env), NO_COLOR: '1' };
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

/** The first installation fills npm's cache; the second one is timed, into a tree without packages again. */
const installation = async (tree: string): Promise<Row> => {
  const argv = ['npm', 'ci', '--prefix', tree, '--no-audit', '--no-fund', '--loglevel=error'];
  const install = (more: readonly string[]) =>
    runProgram({ argv: [...argv, ...more], cwd: tree, environment: ownEnvironment(), timeoutSeconds: 600 });
  const first = await install([]);
  rmSync(join(tree, 'node_modules'), { recursive: true, force: true });
  const { seconds } = await install(['--prefer-offline']);
  return {
    what: 'npm ci in a fresh clone, warm cache',
    value: seconds,
    unit: 's',
    target: { bound: 'most', value: 60 },
    note: `the installation before it, cache as it was found: ${first.seconds.toFixed(1)} s`,
  };
};
