import { GateError } from '../errors.ts';
import type { Git } from './git.ts';
import { followLinks, linksAt } from './links.ts';

const leaveOutLinks = (thrown: unknown): readonly string[] => {
  if (thrown instanceof GateError && thrown.code === 'link-invalid') return [];
  throw thrown;
};

/**
 * The files of a commit below a folder, through links too, sorted by their bytes. A link that cannot
 * be followed stands for itself.
 */
export const filesAt = async (git: Git, commit: string, folder: string): Promise<readonly string[]> => {
  const below = folder.replace(/\/+$/, '');
  const paths = await filesBelow(git, commit, below, below, new Set());
  return paths.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
};

/**
 * The files below `folder`, as paths below `shown`: another name of it, which leads through a link. `entered`: folders that were
 * listed. None is listed twice, since links may lead to a folder above themselves.
 */
const filesBelow = async (git: Git, commit: string, folder: string, shown: string, entered: Set<string>): Promise<readonly string[]> => {
  const real = (await followLinks([folder], linksAt(git, commit))).get(folder) ?? folder;
  if (entered.has(real)) return [];
  entered.add(real);
  const listed = (await git.read(['ls-tree', '-r', '-z', '--full-tree', commit, '--', `${real}/`])).toString('utf8');
  const found: string[] = [];
  for (const entry of listed.split('\0')) {
    const path = entry.slice(entry.indexOf('\t') + 1);
    const name = `${shown}${path.slice(real.length)}`;
    if (entry.startsWith('100')) found.push(name);
    if (!entry.startsWith('120000')) continue;
    // A link that cannot be followed is listed: reading it says why.
    const inside = await filesBelow(git, commit, path, name, entered).catch(leaveOutLinks);
    found.push(...(inside.length === 0 ? [name] : inside));
  }
  return found;
};
