import type { SampleLine } from '../records/sample.ts';
import { nextBatch, type Wanted } from './schedule.ts';

export interface LoopSetting<T extends Wanted> {
  /** What the rule wants, given everything recorded so far, in the order to run it. */
  readonly demand: () => readonly T[];
  /** Runs one launch to its end, well or badly: never throws for a fault of the measured code. */
  readonly run: (wanted: T) => Promise<readonly SampleLine[]>;
  /** Makes the lines of one launch durable. */
  readonly record: (lines: readonly SampleLine[]) => void;
  readonly progress: (state: {
    readonly done: number;
    readonly total: number;
    readonly cell: string;
    readonly secondsLeft: number | null;
  }) => void;
  readonly lanes: number;
  /** Purposes whose launches may fill the lanes together. */
  readonly sharing: ReadonlySet<string>;
  /** Launches that it gives one name are one measurement, and run together; each is its own unless told. */
  readonly measurementOf?: (wanted: T) => string;
  readonly clock: () => number;
  /** Milliseconds on `clock` after which no launch is started; null: no limit. */
  readonly deadline: number | null;
  readonly signal: AbortSignal;
}

/**
 * Runs launches until the rule wants no more, the budget is spent, or the run is interrupted. The rule is asked again when
 * its list is done, or when a launch failed (its cell then needs no more).
 *
 * Everything recorded survives a kill: asking again with the same samples goes on where it stopped, without repeating or
 * losing a launch.
 */
export const measureUntilDone = async <T extends Wanted>(setting: LoopSetting<T>): Promise<'done' | 'budget' | 'interrupted'> => {
  const started = setting.clock();
  let done = 0;
  let queue: readonly T[] = [];
  for (;;) {
    if (queue.length === 0) queue = setting.demand();
    if (queue.length === 0) return 'done';
    if (setting.signal.aborted) return stop(setting, 'interrupted');
    if (setting.deadline !== null && setting.clock() >= setting.deadline) return stop(setting, 'budget');
    const batch = nextBatch(queue, setting.lanes, setting.sharing, setting.measurementOf);
    const each = done === 0 ? null : (setting.clock() - started) / done;
    setting.progress({
      done,
      total: done + queue.length,
      cell: batch[0]?.cell ?? '',
      secondsLeft: each === null ? null : (each * queue.length) / 1000,
    });
    const results = await Promise.all(batch.map((one) => setting.run(one)));
    if (setting.signal.aborted) return stop(setting, 'interrupted');
    for (const lines of results) setting.record(lines);
    done += batch.length;
    const failed = results.some((lines) => lines.some((line) => line.line === 'end' && line.status !== 'complete'));
    queue = failed ? [] : queue.filter((one) => !batch.includes(one));
  }
};

const stop = <T extends Wanted>(setting: LoopSetting<T>, reason: 'budget' | 'interrupted'): 'budget' | 'interrupted' => {
  setting.record([{ line: 'stopped', reason }]);
  return reason;
};
