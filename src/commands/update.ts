import { baselinePath } from '../baselines/path.ts';
import { baselineText, readBaseline } from '../baselines/text.ts';
import { updateBaselines } from '../baselines/update.ts';
import { GateError } from '../errors.ts';
import type { CommandContext } from './context.ts';
import { type RunFolder, readPlan, readRunSamples, readVerdict } from './run-folder.ts';

/**
 * Writes the baselines from the run folder's samples: measured on the merged tree by a run of the default branch, never by
 * a pull request. Each file is recomputed from what is at the branch's head whenever another writer was faster.
 */
export const updateRun = async (context: CommandContext, run: RunFolder): Promise<'written' | 'already'> => {
  const { plan, digest } = readPlan(run);
  const { samples } = readRunSamples(run, plan, digest);
  const verdict = readVerdict(run);
  const { runnerClass } = verdict;
  if (plan.event !== 'default-branch')
    throw new GateError('baseline-untrusted', 'the samples of this run folder belong to a change', { where: run.folder });
  if (runnerClass === null) throw new GateError('document-invalid', 'holds no samples: nothing was measured', { where: run.samplesFile });
  const at = context.now().toISOString();
  const outcome = await context.host.writeBaselines({
    forCommit: plan.head.commit,
    files: async (read) => {
      const files: Record<string, string> = {};
      for (const { id: model } of plan.models) {
        const path = baselinePath(runnerClass, model);
        const text = await read(path);
        const previous = text === null ? null : readBaseline(path, text);
        files[path] = baselineText(updateBaselines({ plan, verdict, samples, previous, model, at, commit: plan.head.commit }));
      }
      return files;
    },
  });
  context.host.log.info(
    outcome === 'written'
      ? `Baselines written for ${plan.models.length} model${plan.models.length === 1 ? '' : 's'} on ${runnerClass}.`
      : 'The baselines of this commit are written already.',
  );
  return outcome;
};
