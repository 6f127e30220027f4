import { join, relative, sep } from 'node:path';
import { GateError } from '../errors.ts';

/** Removes `node_modules` and installs it anew, whatever lies in it. */
const cleanInstall = /\bnpm (?:[^;&|]* )?(?:ci|clean-install|install-clean|ic|cit|install-ci-test)\b/;

interface Place {
  /** Folder of the gate's package. */
  readonly packageRoot: string;
  /** Root of the checkout, and the folder in it where `setup:` runs. */
  readonly repository: string;
  readonly folder: string;
}

/** The folder in whose `node_modules` a package lies; null for one that lies in none. */
export const installedIn = (packageRoot: string): string | null => {
  const at = `${packageRoot}${sep}`.indexOf(`${sep}node_modules${sep}`);
  return at === -1 ? null : packageRoot.slice(0, at);
};

/** Whether a `setup:` that runs in the checkout would remove the running gate. */
export const removesGate = (setup: string | null, { packageRoot, repository, folder }: Place): boolean => {
  const project = installedIn(packageRoot);
  if (setup === null || project === null || !cleanInstall.test(setup)) return false;
  // From a member of a workspace, npm installs at its root.
  const inside = relative(project, join(repository, folder));
  return inside === '' || (inside !== '..' && !inside.startsWith(`..${sep}`));
};

/** Throws `gate-in-project` where head's `setup:` would remove the running gate. */
export const requireOwnPlace = (setup: string | null, place: Place): void => {
  if (!removesGate(setup, place)) return;
  throw new GateError(
    'gate-in-project',
    `\`setup: ${setup}\` was to be run in the checkout. It removes node_modules, in which the gate itself lies: ${place.packageRoot}.`,
    { where: 'setup' },
  );
};
