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

const acceptedPath = 'baselines/accepted.json';

const readAccepted = (text: string): readonly Acceptance[] => decodeDocument(acceptedFile, text, acceptedPath, 1 << 20).accepted;

/** Whether a file below baselines/ would stop every run that reads it. */
const isBroken = (path: string, text: string): boolean => {
  try {
    if (path === acceptedPath) readAccepted(text);
    else if (baselineFile.test(path)) readBaseline(path.slice('baselines/'.length), text);
    return false;
  } catch {
    return true;
  }
};

/** More edits than this are counted, not named. */
const namedEdits = 20;

/** What head's commit changes below baselines/, as sentences: only base's files are read, so no change brings its own yardstick. */
export const baselineEdits = async (repository: Repository, base: string, head: string): Promise<readonly string[]> => {
  const [before, after] = await Promise.all([base, head].map((commit) => repository.filesAt(commit, 'baselines')));
  const edits: string[] = [];
  for (const path of [...new Set([...(before ?? []), ...(after ?? [])])].filter((one) => one.endsWith('.json')).sort()) {
    const [was, is] = [await repository.fileAt(base, path), await repository.fileAt(head, path)];
    if (was === is) continue;
    const how = was === null ? 'added' : is === null ? 'removed' : 'changed';
    const broken = is !== null && isBroken(path, is) ? ' It cannot be read: after the merge every run would stop there.' : '';
    edits.push(`${path} was ${how}; base's baselines and acceptances are in force until the merge.${broken}`);
  }
  const more = edits.length - namedEdits;
  return more > 0 ? [...edits.slice(0, namedEdits), `${more} more files below baselines/ were changed.`] : edits;
};

/** Acceptances count from base only: a pull request cannot accept its own regression. */
export const acceptancesAt = async (repository: Repository, commit: string): Promise<readonly Acceptance[]> => {
  const text = await repository.fileAt(commit, acceptedPath);
  return text === null ? [] : readAccepted(text);
};
