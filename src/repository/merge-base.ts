import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fetchOptions, isShallow, missing } from './commits.ts';
import type { Git } from './git.ts';
import type { Remote } from './remote.ts';

const depths: readonly string[] = ['--deepen=50', '--deepen=500', '--deepen=5000', '--unshallow'];

export interface CommonAncestor {
  readonly commit: string;
  /** How many are equally good: more than one where both sides merged each other. */
  readonly count: number;
}

/**
 * The best common ancestor of head and a commit of the base branch, from their whole history as far
 * as it can tell: a shallow clone is deepened until no hidden history could hold a better one. Of
 * several the one on the base branch's own line counts. Throws `base-not-found`, or `shallow-clone`
 * where history is missing and cannot be fetched.
 */
export const commonAncestor = async (git: Git, head: string, other: string, remote: Remote | null): Promise<CommonAncestor> => {
  const found = await deepened(git, remote, [head, other], async () => {
    const bases = await mergeBases(git, head, other);
    return bases.length > 0 && !(await historyIsHidden(git, [head, other], bases)) ? bases : null;
  });
  if (found === null)
    throw await missing(git, `The common ancestor of ${head} and ${other} was looked for. The history of this clone does not reach it.`);
  return { commit: found.length === 1 ? (found[0] ?? head) : await onOwnLine(git, other, found), count: found.length };
};

/**
 * Asks again after each deepening until there is an answer; null where history cannot be fetched
 * any further.
 */
export const deepened = async <T>(
  git: Git,
  remote: Remote | null,
  tips: readonly string[],
  ask: () => Promise<T | null>,
): Promise<T | null> => {
  const known = await ask();
  if (known !== null || remote === null) return known;
  for (const depth of depths) {
    if (!(await isShallow(git))) return null;
    // A developer's own commit is not known to the remote: then the history of what is known must
    // do.
    let fetched = await git.run(['fetch', ...fetchOptions, depth, '--end-of-options', remote.address, ...tips], { network: true });
    if (fetched.code !== 0)
      fetched = await git.run(['fetch', ...fetchOptions, depth, '--end-of-options', remote.address], { network: true });
    const found = await ask();
    if (found !== null) return found;
    if (fetched.code !== 0) return null;
  }
  return null;
};

const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');

const mergeBases = async (git: Git, head: string, other: string): Promise<readonly string[]> =>
  lines((await git.line(['merge-base', '--all', head, other])) ?? '');

/**
 * Whether history is cut off at a commit that the tips reach and the bases do not: behind it a
 * better base could lie.
 */
const historyIsHidden = async (git: Git, tips: readonly string[], bases: readonly string[]): Promise<boolean> => {
  if (!(await isShallow(git))) return false;
  const folder = (await git.read(['rev-parse', '--show-toplevel'])).toString('utf8').trimEnd();
  const file = (await git.read(['rev-parse', '--git-path', 'shallow'])).toString('utf8').trimEnd();
  const cut = new Set(lines(readFileSync(resolve(folder, file), 'utf8')));
  const reached = (await git.read(['rev-list', ...tips, '--not', ...bases])).toString('utf8');
  return lines(reached).some((commit) => cut.has(commit));
};

/**
 * Whoever merged both ways chose the other ancestors; the first parents of the base branch are what
 * it was at a time.
 */
const onOwnLine = async (git: Git, branch: string, bases: readonly string[]): Promise<string> => {
  const line = lines((await git.read(['rev-list', '--first-parent', branch])).toString('utf8'));
  return line.find((commit) => bases.includes(commit)) ?? bases[0] ?? branch;
};
