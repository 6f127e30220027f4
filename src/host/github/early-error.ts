import { appendOutputs } from './output.ts';
import { appendSummary } from './summary.ts';

/** Tells of an error that came before there was a host: in the job summary and in the outputs. Never throws. */
export const publishWithoutHost = async (
  environment: Readonly<Record<string, string | undefined>>,
  summary: string,
  outputs: Readonly<Record<string, string | number>>,
): Promise<void> => {
  // A summary that cannot be written must not cost the outputs; the job log has the error in any case.
  await appendSummary(environment['GITHUB_STEP_SUMMARY'], summary, 'report').catch(() => false);
  try {
    appendOutputs(environment['GITHUB_OUTPUT'], outputs);
  } catch {
    // The job log and the exit status say it.
  }
};
