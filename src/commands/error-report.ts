import type { GateError } from '../errors.ts';
import type { Host, Published } from '../host/contract.ts';
import { code, linkTarget, prose } from '../report/escape.ts';

/** What is published in place of a report when there is no verdict: what went wrong, where, and what to do about it. The path comes last. */
export const errorReport = (error: GateError, runUrl: string | null, project: string | null): Published => {
  const link = linkTarget(runUrl);
  const comment = [
    `### ❌ Error${project === null ? '' : ` in ${code(project)}`}: the gate did not come to a verdict`,
    `${code(`error[${error.code}]`)}: ${prose(error.message, 2000)}`,
    ...(error.where === null ? [] : [`At ${code(error.where, 500)}.`]),
    prose(error.remedy, 500),
    `Nothing is known of this commit. A verdict that stood here before was another commit's.${link === null ? '' : ` [Job log](${link})`}`,
  ].join('\n\n');
  return { comment, summary: comment, text: 'No verdict.', annotations: [], opensComment: true, severity: 'bad', project };
};

/**
 * Tells of an error where reports are told, so that no verdict on an earlier commit stays as if it were this one's. The job log's
 * error line and the exit status are the caller's. Never throws.
 */
export const publishError = async (host: Host, error: GateError, project: string | null): Promise<void> => {
  // Who cancels a run knows it; the comment stays as it is for the run that comes after.
  const problems = error.code === 'interrupted' ? [] : await host.publish(errorReport(error, host.runUrl, project));
  for (const problem of problems) host.log.warn(`${problem.code}: ${problem.message}`);
  host.setOutputs(errorOutputs(error));
};

/** Outputs of a run without a verdict. */
export const errorOutputs = ({ exitCode }: GateError): Readonly<Record<string, string | number>> => ({
  verdict: 'error',
  'exit-code': exitCode,
});
