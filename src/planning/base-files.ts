import { baselineName } from '../baselines/file-path.ts';
import { readBaseline } from '../baselines/text.ts';
import { asSentence, type ErrorCode, GateError } from '../errors.ts';
import type { Baseline } from '../records/baseline.ts';
import type { Repository } from '../repository/repository.ts';
import { type Acceptances, acceptedPath, noAcceptances, readAcceptances } from './acceptances.ts';

/** Runner class, perhaps a project, and model: nothing else below baselines/ is read. */
const baselineFile = /^baselines\/[^/]+\/(?:[^/]+\/)?[^/]+\.json$/;

/** What could be read, and a sentence on each file that could not. */
export interface BaseFiles<T> {
  readonly found: readonly T[];
  readonly warnings: readonly string[];
}

const ofFile: ReadonlySet<ErrorCode> = new Set([
  'acceptance-invalid',
  'baseline-invalid',
  'document-invalid',
  'document-too-large',
  'lfs-pointer',
  'link-invalid',
]);

/**
 * A broken file of base stops nobody: it is taken as absent, also by the pull request that repairs
 * it. Throws again what is no fault of the file.
 */
const unreadable = (path: string, thrown: unknown): string => {
  if (!(thrown instanceof GateError) || !ofFile.has(thrown.code)) throw thrown;
  return `${path} of base counts as absent, because it cannot be read. ${asSentence(thrown.message)} Correct it, or delete it.`;
};

/** The baselines of these models (null: of cells without one) as a commit has them, whatever the working tree says. */
export const baselinesAt = async (
  repository: Repository,
  commit: string,
  models: readonly (string | null)[],
): Promise<BaseFiles<Baseline>> => {
  const found: Baseline[] = [];
  const warnings: string[] = [];
  for (const path of await repository.filesAt(commit, 'baselines')) {
    if (!baselineFile.test(path) || !models.some((model) => path.endsWith(`/${baselineName(model)}`))) continue;
    try {
      const text = await repository.fileAt(commit, path);
      if (text !== null) found.push(readBaseline(path.slice('baselines/'.length), text));
    } catch (thrown) {
      warnings.push(unreadable(path, thrown));
    }
  }
  return { found, warnings };
};

/** Throws what is wrong with a file below baselines/. Files that the gate does not read are never wrong. */
const requireReadable = (path: string, text: string): void => {
  if (path.endsWith(acceptedPath(''))) readAcceptances(path, text);
  else if (baselineFile.test(path)) readBaseline(path.slice('baselines/'.length), text);
};

/** More edits than this are counted, not named. */
const namedEdits = 20;

export interface Sided {
  readonly base: string;
  readonly head: string;
}

/**
 * What head's commit changes below baselines/, as sentences: only base's files are read, so no change brings its own comparator.
 * Throws `baseline-invalid` or `acceptance-invalid` for a file that head breaks: no later run could read it.
 * @param folders where each side works
 */
export const baselineEdits = async (repository: Repository, commits: Sided, folders: Sided): Promise<readonly string[]> => {
  const listed = await Promise.all([commits.base, commits.head].map((commit) => repository.filesAt(commit, 'baselines')));
  const shared = [...new Set(listed.flat())].filter((one) => one.endsWith('.json') && one !== acceptedPath('')).sort();
  const accepted: Sided = { base: acceptedPath(folders.base), head: acceptedPath(folders.head) };
  const edits: string[] = [];
  for (const path of [accepted, ...shared.map((each): Sided => ({ base: each, head: each }))]) {
    const is = await repository.fileAt(commits.head, path.head);
    // What base has there may be broken: head may be the change that repairs it.
    const was = await repository.fileAt(commits.base, path.base).catch((thrown: unknown) => unreadable(path.base, thrown));
    if (was === is) continue;
    const how = was === null ? 'added' : is === null ? 'removed' : 'changed';
    if (is !== null) requireReadable(path.head, is);
    edits.push(`${path.head} was ${how}; base's baselines and acceptances are in force until the merge.`);
  }
  const more = edits.length - namedEdits;
  return more > 0 ? [...edits.slice(0, namedEdits), `${more} more files below baselines/ were changed.`] : edits;
};

/** What a commit's file accepts, and a sentence where it cannot be read as a whole. */
export interface ReadAcceptances {
  readonly file: Acceptances;
  readonly warnings: readonly string[];
}

/**
 * Acceptances count from base only: a pull request cannot accept its own regression.
 * @param folder where base works
 */
export const acceptancesAt = async (repository: Repository, commit: string, folder: string): Promise<ReadAcceptances> => {
  const path = acceptedPath(folder);
  try {
    const text = await repository.fileAt(commit, path);
    return { file: text === null ? noAcceptances : readAcceptances(path, text), warnings: [] };
  } catch (thrown) {
    return { file: noAcceptances, warnings: [unreadable(path, thrown)] };
  }
};

/**
 * What head's commit accepts. Throws `acceptance-invalid` for a file that cannot be read, unless base
 * has the same one.
 */
export const headAcceptances = async (repository: Repository, commits: Sided, folders: Sided): Promise<Acceptances> => {
  const path = acceptedPath(folders.head);
  const is = await repository.fileAt(commits.head, path);
  const was = await repository.fileAt(commits.base, acceptedPath(folders.base)).catch((thrown: unknown) => unreadable(path, thrown));
  return is === null || is === was ? noAcceptances : readAcceptances(path, is);
};
