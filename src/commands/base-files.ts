import { posix } from 'node:path';
import { z } from 'zod';
import { readBaseline } from '../baselines/text.ts';
import type { Baseline } from '../records/baseline.ts';
import { decodeDocument } from '../records/decode.ts';
import { type Acceptance, acceptance } from '../records/plan.ts';
import type { Repository } from '../repository/repository.ts';

const acceptedFile = z.strictObject({ schema: z.literal('optimization-gate/accepted/1'), accepted: z.array(acceptance) });

/** Runner class and model: nothing else below baselines/ is read. */
const baselineFile = /^baselines\/[^/]+\/[^/]+\.json$/;

/** The baselines of these models as a commit has them, whatever the working tree says. */
export const baselinesAt = async (repository: Repository, commit: string, models: readonly string[]): Promise<readonly Baseline[]> => {
  const found: Baseline[] = [];
  for (const path of await repository.filesAt(commit, 'baselines')) {
    if (!baselineFile.test(path) || !models.some((model) => path.endsWith(`/${model}.json`))) continue;
    const text = await repository.fileAt(commit, path);
    if (text !== null) found.push(readBaseline(path.slice('baselines/'.length), text));
  }
  return found;
};

/** Projects of one repository have cells of the same names: each has acceptances of its own, in the folder that it works in. */
const acceptedPath = (folder: string): string => posix.join(folder, 'baselines/accepted.json');

const readAccepted = (path: string, text: string): readonly Acceptance[] => decodeDocument(acceptedFile, text, path, 1 << 20).accepted;

/** Whether a file below baselines/ would stop every run that reads it. */
const isBroken = (path: string, text: string): boolean => {
  try {
    if (path.endsWith(acceptedPath(''))) readAccepted(path, text);
    else if (baselineFile.test(path)) readBaseline(path.slice('baselines/'.length), text);
    return false;
  } catch {
    return true;
  }
};

/** More edits than this are counted, not named. */
const namedEdits = 20;

interface Sided {
  readonly base: string;
  readonly head: string;
}

/**
 * What head's commit changes below baselines/, as sentences: only base's files are read, so no change brings its own yardstick.
 * @param folders where each side works
 */
export const baselineEdits = async (repository: Repository, commits: Sided, folders: Sided): Promise<readonly string[]> => {
  const listed = await Promise.all([commits.base, commits.head].map((commit) => repository.filesAt(commit, 'baselines')));
  const shared = [...new Set(listed.flat())].filter((one) => one.endsWith('.json') && one !== acceptedPath('')).sort();
  const accepted: Sided = { base: acceptedPath(folders.base), head: acceptedPath(folders.head) };
  const edits: string[] = [];
  for (const path of [accepted, ...shared.map((each): Sided => ({ base: each, head: each }))]) {
    const [was, is] = [await repository.fileAt(commits.base, path.base), await repository.fileAt(commits.head, path.head)];
    if (was === is) continue;
    const how = was === null ? 'added' : is === null ? 'removed' : 'changed';
    const broken = is !== null && isBroken(path.head, is) ? ' It cannot be read: after the merge every run would stop there.' : '';
    edits.push(`${path.head} was ${how}; base's baselines and acceptances are in force until the merge.${broken}`);
  }
  const more = edits.length - namedEdits;
  return more > 0 ? [...edits.slice(0, namedEdits), `${more} more files below baselines/ were changed.`] : edits;
};

/**
 * Acceptances count from base only: a pull request cannot accept its own regression.
 * @param folder where base works
 */
export const acceptancesAt = async (repository: Repository, commit: string, folder: string): Promise<readonly Acceptance[]> => {
  const path = acceptedPath(folder);
  const text = await repository.fileAt(commit, path);
  return text === null ? [] : readAccepted(path, text);
};
