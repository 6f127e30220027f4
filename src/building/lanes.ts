import { availableParallelism } from 'node:os';

/**
 * Runs the work of all items on as many lanes as there are processors, until the signal; nothing is timed here. The first error ends it, once
 * what is under way is done.
 */
export const inLanes = async <T>(items: readonly T[], signal: AbortSignal, work: (item: T) => Promise<void>): Promise<void> => {
  const queue = [...items];
  const lane = async (): Promise<void> => {
    try {
      for (let item = queue.shift(); item !== undefined && !signal.aborted; item = queue.shift()) await work(item);
    } finally {
      // An error of this lane leaves the others nothing to begin; without one the queue is empty or the signal was given.
      queue.length = 0;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(availableParallelism(), 4, Math.max(1, items.length)) }, lane));
  const failed = ended.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
};
