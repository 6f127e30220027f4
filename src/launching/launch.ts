import type { EvaluationRecord } from '../records/evaluation-record.ts';
import type { LaunchRequest } from '../records/protocol.ts';
import type { SampleLine } from '../records/sample.ts';
import type { Coded } from '../records/words.ts';
import type { WorkerLimits } from '../run/worker-process.ts';
import { type MeasuringWorkers, measureLaunch } from './measuring-workers.ts';

/** What a launch gave. */
export interface LaunchResult {
  readonly lines: readonly SampleLine[];
  /** Scores that it computed; none of a launch that failed. */
  readonly scores: readonly EvaluationRecord[];
}

/** What stands on the launch's own line. */
export interface LaunchHead {
  readonly launch: string;
  readonly cell: string;
  readonly index: number;
}

/**
 * Runs one launch in fresh processes. Its lines are whole: launch, points, end. A fault of the measured code is
 * the launch's result (`failed`, with the coded error), never an exception.
 */
export const runLaunch = async (
  head: LaunchHead,
  request: LaunchRequest,
  workers: MeasuringWorkers,
  limits: WorkerLimits,
): Promise<LaunchResult> => {
  const { launch, index } = head;
  const answer = await measureLaunch(workers, request, index, limits);
  if (answer.status === 'failed') return { lines: failedLaunch(head, request, answer.error), scores: [] };
  const { measured } = answer;
  const lines: readonly SampleLine[] = [
    launchLine(head, request),
    ...measured.points.map((point): SampleLine => ({ line: 'point', launch, ...point })),
    // The plots show one launch of a cell.
    ...(index === 0 ? measured.traces : []).map((trace): SampleLine => ({ line: 'trace', launch, ...trace })),
    ...(measured.tuned === undefined ? [] : [{ line: 'tuned' as const, launch, value: measured.tuned }]),
    {
      line: 'end',
      launch,
      status: measured.process.throttled === true ? 'discarded' : 'complete',
      error: null,
      process: measured.process,
    },
  ];
  return { lines, scores: measured.scores };
};

const launchLine = (
  { launch, cell, index }: LaunchHead,
  { purpose, selfCheck }: Pick<LaunchRequest, 'purpose' | 'selfCheck'>,
): SampleLine => ({
  line: 'launch',
  launch,
  cell,
  purpose,
  index,
  selfCheck,
});

/** The lines of a launch that failed, or that could not begin. */
export const failedLaunch = (
  head: LaunchHead,
  request: Pick<LaunchRequest, 'purpose' | 'selfCheck'>,
  error: Coded,
): readonly SampleLine[] => [launchLine(head, request), { line: 'end', launch: head.launch, status: 'failed', error, process: null }];

/** Whether these are the lines of a launch in which something ended before its first answer. */
export const failedToStart = (lines: readonly SampleLine[]): boolean =>
  lines.some((line) => line.line === 'end' && line.status === 'failed' && line.error?.starting === true);
