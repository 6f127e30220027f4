import { z } from 'zod';
import { readBaseline } from '../baselines/text.ts';
import type { Baseline } from '../records/baseline.ts';
import { decodeDocument } from '../records/decode.ts';
import { type Acceptance, acceptance } from '../records/plan.ts';
import type { Repository } from '../repository/repository.ts';

const acceptedFile = z.strictObject({ schema: z.literal('optimization-gate/accepted/1'), accepted: z.array(acceptance) });

/** The baselines of these models as a commit has them, whatever the working tree says. */
export const baselinesAt = async (repository: Repository, commit: string, models: readonly string[]): Promise<readonly Baseline[]> => {
  const found: Baseline[] = [];
  for (const path of await repository.filesAt(commit, 'baselines')) {
    const name = path.split('/').at(-1) ?? '';
    if (!models.some((model) => name === `${model}.json`)) continue;
    const text = await repository.fileAt(commit, path);
    if (text !== null) found.push(readBaseline(path.slice('baselines/'.length), text));
  }
  return found;
};

/** Acceptances count from base only: a pull request cannot accept its own regression. */
export const acceptancesAt = async (repository: Repository, commit: string): Promise<readonly Acceptance[]> => {
  const text = await repository.fileAt(commit, 'baselines/accepted.json');
  return text === null ? [] : decodeDocument(acceptedFile, text, 'baselines/accepted.json', 1 << 20).accepted;
};
