import type { Launch } from '../records/sample.ts';

/** What became of the launches of one purpose (one slot of it, for solo launches). */
export interface Tally {
  /** By index. */
  readonly complete: readonly Launch[];
  /** Failed by the head, or by nobody that is known. */
  readonly failed: readonly Launch[];
  /**
   * Failed by the base alone, which is not held against the head: measured anew, like a discarded
   * one.
   */
  readonly failedByBase: readonly Launch[];
  readonly discarded: number;
  /**
   * More than a fifth was discarded or failed by the base (one always may be): the cell cannot be
   * measured so.
   */
  readonly overLost: boolean;
}

/**
 * Counts launches of one slot. `needed` is the smallest number that the rule asks of it: the share
 * of lost launches is taken of that number or of those that ran, whichever is larger, so that an
 * early loss does not fail a cell.
 */
export const tally = (launches: readonly Launch[], needed: number): Tally => {
  const sorted = launches.toSorted((a, b) => a.index - b.index);
  const discarded = sorted.filter((launch) => launch.status === 'discarded').length;
  const failed = sorted.filter((launch) => launch.status === 'failed');
  const failedByBase = failed.filter(({ error }) => error?.arm === 'base');
  return {
    complete: sorted.filter((launch) => launch.status === 'complete'),
    failed: failed.filter(({ error }) => error?.arm !== 'base'),
    failedByBase,
    discarded,
    overLost: discarded + failedByBase.length > Math.max(1, Math.floor(0.2 * Math.max(needed, sorted.length))),
  };
};

/** The `count` smallest indices from `start` on that no launch has. */
export const freshIndices = (launches: readonly Launch[], count: number, start = 0): number[] => {
  const taken = new Set(launches.map((launch) => launch.index));
  const fresh: number[] = [];
  for (let index = start; fresh.length < count; index++) if (!taken.has(index)) fresh.push(index);
  return fresh;
};
