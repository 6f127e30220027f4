import { lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asGateError, asSentence, GateError } from '../errors.ts';
import { startedBy } from '../planning/comparison.ts';
import { digestOf } from '../records/decode.ts';
import type { Plan } from '../records/plan.ts';
import type { CommandContext } from '../run/context.ts';
import { dropSamples, type RunFolder, readRunSamples, samplesBytes, samplesName, setSamplesAside, takeSamples } from '../run/run-folder.ts';
import { samplesKey } from './cache-keys.ts';

/** What earlier samples must agree with. */
export interface Resumption {
  readonly plan: Plan;
  /** Digest of the plan. */
  readonly digest: string;
  readonly runnerClass: string;
}

const isOwnFolder = (context: CommandContext): boolean => startedBy(context).kind === 'developer';

/**
 * Sees to it that the samples of the run folder may be resumed. A developer's own are taken as they
 * lie there. For a host, code of an earlier job on the same machine may have written them: what lies
 * there is set aside, and the samples come from an entry of the workflow cache. Such an entry is
 * saved once all code under test has ended. Throws what `readRunSamples` throws of a developer's.
 */
export const resumeSamples = async (context: CommandContext, run: RunFolder, resumption: Resumption): Promise<void> => {
  const { plan, digest } = resumption;
  if (isOwnFolder(context)) {
    const { launches, at } = readRunSamples(run, plan, digest).samples;
    if (launches.length > 0 && at !== null)
      context.host.log.info(
        `${reusedWords(launches.length, at, run.samplesFile)} To measure anew, remove that file. Another \`--seed\` measures anew too.`,
      );
    return;
  }
  setSamplesAside(run);
  if (!context.options.cache) return;
  const { cache, log } = context.host;
  await inTemporaryFolder(async (folder) => {
    const beginning = samplesKey(digest, resumption.runnerClass);
    const found = await cache.restore([beginning], folder);
    if (found.status !== 'restored') return;
    try {
      // Code that outlived its job may have written them while the entry was packed.
      const bytes = bytesIn(folder);
      if (bytes === null || found.key !== `${beginning}${digestOf(bytes)}`)
        throw new GateError(
          'document-invalid',
          `The samples in the cache were read. Expected those that the key ${found.key} names, got others.`,
        );
      takeSamples(run, bytes);
      const { launches, at } = readRunSamples(run, plan, digest).samples;
      if (at !== null)
        log.info(`${reusedWords(launches.length, at, 'the workflow cache')} To measure anew, set the input \`cache\` to false.`);
    } catch (thrown) {
      const { code, message } = asGateError(thrown);
      cache.warn(
        `Samples of an earlier run were found in the workflow cache, and are not used (${code}). ${asSentence(message)} All is measured anew.`,
      );
      dropSamples(run);
    }
  });
};

/** `Reusing 36 launches (measuring processes) of this plan, measured since 2026-11-30 18:43 UTC, from PLACE.` */
const reusedWords = (launches: number, at: string, place: string): string =>
  `Reusing ${launches} launch${launches === 1 ? '' : 'es'} (measuring process${launches === 1 ? '' : 'es'}) of this plan, measured since ${at.slice(0, 16).replace('T', ' ')} UTC, from ${place}.`;

/** Keeps the samples for a run that resumes this one. To be called once all code under test has ended and the files are restored. */
export const keepSamples = async (context: CommandContext, run: RunFolder, resumption: Resumption): Promise<void> => {
  if (isOwnFolder(context) || !context.options.cache) return;
  const bytes = samplesBytes(run);
  if (bytes.length === 0) return;
  await inTemporaryFolder(async (folder) => {
    writeFileSync(join(folder, samplesName), bytes);
    await context.host.cache.save(`${samplesKey(resumption.digest, resumption.runnerClass)}${digestOf(bytes)}`, folder);
  });
};

const inTemporaryFolder = async (work: (folder: string) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'gate-samples-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Null for what is no file: a link would lead elsewhere. */
const bytesIn = (folder: string): Buffer | null => {
  const path = join(folder, samplesName);
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(path) : null;
};
