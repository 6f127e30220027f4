import type { Launch } from '../records/sample.ts';

/** What became of the launches of one purpose (one slot of it, for solo launches). */
export interface Tally {
  /** By index. */
  readonly complete: readonly Launch[];
  readonly failed: readonly Launch[];
  readonly discarded: number;
  /** More than a fifth was discarded (one always may be): the machine is no place to measure this cell. */
  readonly overDiscarded: boolean;
}

/**
 * Counts launches of one slot. `needed` is the smallest number that the rule asks of it: the share of discarded launches is
 * taken of that number or of those that ran, whichever is larger, so that an early discard does not fail a cell.
 */
export const tally = (launches: readonly Launch[], needed: number): Tally => {
  const sorted = launches.toSorted((a, b) => a.index - b.index);
  const discarded = sorted.filter((launch) => launch.status === 'discarded').length;
  return {
    complete: sorted.filter((launch) => launch.status === 'complete'),
    failed: sorted.filter((launch) => launch.status === 'failed'),
    discarded,
    overDiscarded: discarded > Math.max(1, Math.floor(0.2 * Math.max(needed, sorted.length))),
  };
};

/** The `count` smallest indices from `start` on that no launch has. */
export const freshIndices = (launches: readonly Launch[], count: number, start = 0): number[] => {
  const taken = new Set(launches.map((launch) => launch.index));
  const fresh: number[] = [];
  for (let index = start; fresh.length < count; index++) if (!taken.has(index)) fresh.push(index);
  return fresh;
};
