import type { SampleLine } from '../records/sample.ts';
import { nextMeasurement, type Wanted } from './schedule.ts';

export interface LaunchLoop<T extends Wanted> {
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
 * its list is done, or when a launch failed (its cell then needs no more) and what ran beside it has ended.
 *
 * Everything recorded survives a kill: asking again with the same samples goes on where it stopped, without repeating or
 * losing a launch.
 */
export const measureUntilDone = async <T extends Wanted>(setting: LaunchLoop<T>): Promise<'done' | 'budget' | 'interrupted'> => {
  const { signal, deadline, clock } = setting;
  const started = clock();
  const running = new Map<T, Promise<void>>();
  let queue: readonly T[] = [];
  let done = 0;
  const measure = async (launches: readonly T[]): Promise<void> => {
    const results = await Promise.all(launches.map((one) => setting.run(one)));
    // What an interruption ended says nothing.
    if (signal.aborted) return;
    for (const lines of results) setting.record(lines);
    done += launches.length;
    if (results.some((lines) => lines.some((line) => line.line === 'end' && line.status !== 'complete'))) queue = [];
  };
  try {
    for (;;) {
      if (queue.length === 0 && running.size === 0) queue = setting.demand();
      if (queue.length === 0 && running.size === 0) return 'done';
      const over = signal.aborted ? 'interrupted' : deadline !== null && clock() >= deadline ? 'budget' : null;
      if (over !== null && running.size === 0) {
        setting.record([{ line: 'stopped', reason: over }]);
        return over;
      }
      const launches =
        over === null ? nextMeasurement(queue, [...running.keys()], setting.lanes, setting.sharing, setting.measurementOf) : [];
      const [first] = launches;
      if (first === undefined) {
        await Promise.race(running.values());
        continue;
      }
      const each = done === 0 ? null : (clock() - started) / done;
      setting.progress({
        done,
        total: done + running.size + queue.length,
        cell: first.cell,
        secondsLeft: each === null ? null : (each * queue.length) / 1000,
      });
      queue = queue.filter((one) => !launches.includes(one));
      running.set(
        first,
        measure(launches).finally(() => running.delete(first)),
      );
    }
  } finally {
    await Promise.allSettled(running.values());
  }
};
