import type { Baseline } from '../records/baseline.ts';

/** How far the stored numbers lie behind. */
export interface Staleness {
  /** Whole or partial days between the oldest entry of these cells and `at`; never negative. */
  readonly oldestDays: number;
  readonly oldestCommit: string;
  /** Cells without an entry, in the order given. */
  readonly without: readonly string[];
}

const dayMs = 86_400_000;

/** Age of the stored baselines of these cells at the moment `at` (ISO 8601); null when nothing is stored for any of them. */
export const staleness = (baselines: readonly Baseline[], cells: readonly string[], at: string): Staleness | null => {
  const entries = new Map(baselines.flatMap(({ entries: stored }) => stored.map((entry) => [entry.cell, entry] as const)));
  const known = cells.flatMap((cell) => entries.get(cell) ?? []);
  const oldest = known.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))[0];
  if (oldest === undefined) return null;
  return {
    oldestDays: Math.max(0, (Date.parse(at) - Date.parse(oldest.at)) / dayMs),
    oldestCommit: oldest.commit,
    without: cells.filter((cell) => !entries.has(cell)),
  };
};
