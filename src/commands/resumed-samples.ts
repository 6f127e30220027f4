import { asGateError, GateError } from '../errors.ts';
import { digestOf } from '../records/decode.ts';
import type { Plan } from '../records/plan.ts';
import { startedBy } from './comparison.ts';
import type { CommandContext } from './context.ts';
import { dropSamples, type RunFolder, readRunSamples, samplesBytes, setSamplesAside } from './run-folder.ts';

/** What earlier samples must agree with. */
export interface Resumption {
  readonly plan: Plan;
  /** Digest of the plan. */
  readonly digest: string;
  readonly runnerClass: string;
}

/** Entries of the workflow cache begin so that hold samples of this plan, measured on this class of runner. */
const beginningOf = ({ digest, runnerClass }: Resumption): string =>
  `optimization-gate-samples-${digestOf(JSON.stringify([digest, runnerClass]))}-`;

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
    readRunSamples(run, plan, digest);
    return;
  }
  setSamplesAside(run);
  if (!context.options.cache) return;
  const beginning = beginningOf(resumption);
  const matched = await context.host.cache.restore(beginning, [beginning], [run.samplesFile]);
  if (matched === null) return;
  try {
    // Code that outlived its job may have written them while the entry was packed.
    if (matched !== `${beginning}${digestOf(samplesBytes(run))}`)
      throw new GateError('document-invalid', `they are not those that the key ${matched} names`);
    const { launches } = readRunSamples(run, plan, digest).samples;
    context.host.log.info(`Resumed from the cache: ${launches.length} launches of this plan were measured before.`);
  } catch (thrown) {
    const { code, message } = asGateError(thrown);
    context.host.log.warn(`The samples of the cache are not used: ${code}: ${message}`);
    dropSamples(run);
  }
};

/** Keeps the samples for a run that resumes this one. To be called once all code under test has ended and the files are restored. */
export const keepSamples = async (context: CommandContext, run: RunFolder, resumption: Resumption): Promise<void> => {
  if (isOwnFolder(context) || !context.options.cache) return;
  const bytes = samplesBytes(run);
  if (bytes.length === 0) return;
  await context.host.cache.save(`${beginningOf(resumption)}${digestOf(bytes)}`, [run.samplesFile]);
};
