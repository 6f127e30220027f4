import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { allowedEnvironment } from '../src/processes/environment.ts';
import { gitIn } from '../src/repository/git.ts';
import { type Finished, ownEnvironment, runProgram } from './child-program.ts';
import type { Comparison } from './comparison.ts';

/** A copy of the last commit of a repository, with nothing installed in it. */
export const cloneOf = async (root: string, folder: string): Promise<string> => {
  const tree = join(folder, 'tree');
  await gitIn(folder, allowedEnvironment(process.env)).read(['clone', '--quiet', '--local', '--no-hardlinks', root, tree], {
    network: true,
  });
  return tree;
};

/** `npm ci` in a fresh clone. The first one fills npm's cache; the second one is timed, into a tree without packages again. */
export const installation: Comparison = {
  name: 'installation',
  onRequest: true,
  run: async ({ root, folder }, show) => {
    const tree = await cloneOf(root, folder);
    const argv = ['npm', 'ci', '--prefix', tree, '--no-audit', '--no-fund', '--loglevel=error'];
    const install = (more: readonly string[]): Promise<Finished> =>
      runProgram({ argv: [...argv, ...more], cwd: tree, environment: ownEnvironment(), timeoutSeconds: 600 });
    const first = await install([]);
    rmSync(join(tree, 'node_modules'), { recursive: true, force: true });
    const { seconds } = await install(['--prefer-offline']);
    show({
      what: 'npm ci in a fresh clone, warm cache',
      value: seconds,
      unit: 's',
      target: { bound: 'most', value: 60 },
      note: `one run; the installation before it, with the cache as it was found: ${first.seconds.toFixed(1)} s`,
    });
  },
};
