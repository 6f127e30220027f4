import { baselinePath } from '../baselines/file-path.ts';
import { baselineText, readBaseline } from '../baselines/text.ts';
import { updateBaselines } from '../baselines/update.ts';
import { asSentence, GateError } from '../errors.ts';
import type { Descends } from '../host/contract.ts';
import { ownProject } from '../planning/own-project.ts';
import type { Baseline } from '../records/baseline.ts';
import type { Plan } from '../records/plan.ts';
import type { CommandContext } from '../run/context.ts';
import { type RunFolder, readPlan, readRunSamples, readVerdict } from '../run/run-folder.ts';

/**
 * Throws `baseline-untrusted` for a plan whose samples can never become baselines: that of a change, or of a tree with edits. Throws
 * `config-invalid` for one in which nothing can be measured.
 */
export const requireUpdatable = (plan: Plan): void => {
  if (plan.event !== 'default-branch')
    throw new GateError(
      'baseline-untrusted',
      'Baselines were to be written. They come from the default branch, and this run is about a change.',
    );
  if (plan.head.dirty)
    throw new GateError(
      'baseline-untrusted',
      `Baselines were to be written. Expected the files of commit ${plan.head.commit}, got edited ones: commit or undo the edits first.`,
    );
  if (plan.cells.length === 0)
    throw new GateError(
      'config-invalid',
      `Baselines were to be written. Nothing that is configured can be measured. ${plan.warnings.join(' ')}`.trim(),
    );
};

/**
 * Writes the baselines from the run folder's samples: measured on the merged tree by a run of the default branch, never by
 * a pull request. Each file is recomputed from what is at the branch's head whenever another writer was faster.
 */
export const updateRun = async (context: CommandContext, run: RunFolder): Promise<'written' | 'already'> => {
  const { plan, digest } = readPlan(run);
  const { samples } = readRunSamples(run, plan, digest);
  const verdict = readVerdict(run);
  const { runnerClass } = verdict;
  requireUpdatable(plan);
  if (runnerClass === null)
    throw new GateError('document-invalid', 'Baselines were to be written. There are no samples: nothing was measured.', {
      where: run.samplesFile,
    });
  const at = context.now().toISOString();
  const project = ownProject(context, plan);
  const outcome = await context.host.writeBaselines({
    forCommit: plan.head.commit,
    files: async (read, descends) => {
      const files: Record<string, string> = {};
      for (const model of modelsOf(plan)) {
        const path = baselinePath({ runnerClass, project, model });
        const text = await read(path);
        const previous = text === null ? null : readableOrNull(path, text, context);
        files[path] = baselineText(
          updateBaselines({
            plan,
            verdict,
            samples,
            previous,
            project,
            model,
            at,
            commit: plan.head.commit,
            newer: await newerIn(previous, descends),
          }),
        );
      }
      return files;
    },
  });
  context.host.log.info(
    outcome === 'written'
      ? `Baselines written (${modelsOf(plan).length} file${modelsOf(plan).length === 1 ? '' : 's'}) on ${runnerClass}.`
      : 'The baselines of this commit are written already.',
  );
  return outcome;
};

/** Each has a file; null: the cells without a model. */
const modelsOf = ({ cells }: Plan): readonly (string | null)[] => [...new Set(cells.map(({ model }) => model))];

/** A file that cannot be read begins anew: its content stays in the history of the branch. */
const readableOrNull = (path: string, text: string, { host }: CommandContext): Baseline | null => {
  try {
    return readBaseline(path, text);
  } catch (thrown) {
    if (!(thrown instanceof GateError)) throw thrown;
    host.log.warn(`baselines/${path} cannot be read, and is written anew. ${asSentence(thrown.message)}`);
    return null;
  }
};

/** The commits of a file that descend from the measured one. History is in order: behind an older row there is no younger one. */
const newerIn = async (file: Baseline | null, descends: Descends): Promise<ReadonlySet<string>> => {
  const newer = new Set<string>();
  if (file === null) return newer;
  for (const { commit } of file.history.toReversed()) {
    if (!(await descends(commit))) break;
    newer.add(commit);
  }
  const others = new Set([...file.entries.map(({ commit }) => commit), ...(file.anchor === null ? [] : [file.anchor.commit])]);
  for (const commit of others) if (!newer.has(commit) && (await descends(commit))) newer.add(commit);
  return newer;
};
