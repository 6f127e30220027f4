import { judge } from '../gate/judge.ts';
import type { Verdict } from '../records/verdict.ts';
import { type RunFolder, readBaselines, readPlan, readRunSamples, writeVerdict } from '../run/run-folder.ts';

/** Decides from the files of the run folder alone and writes verdict.json: the same files give the same bytes. */
export const gateRun = (run: RunFolder): Verdict => {
  const { plan, digest: planDigest } = readPlan(run);
  const { samples, digest: samplesDigest } = readRunSamples(run, plan, planDigest);
  const { baselines, digest: baselinesDigest } = readBaselines(run);
  const verdict = judge({ plan, planDigest, samples, samplesDigest, baselines, baselinesDigest });
  writeVerdict(run, verdict);
  return verdict;
};
