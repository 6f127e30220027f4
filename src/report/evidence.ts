/** What the page draws besides the verdict: how metrics came to where they are, and what controllers did. Shown only; none of it decides. */
import type { Baseline } from '../records/baseline.ts';
import type { Launch } from '../records/sample.ts';

export interface PastValue {
  readonly commit: string;
  /** ISO datetime. */
  readonly at: string;
  readonly value: number;
}

export interface CellTrace {
  readonly cell: string;
  readonly point: string;
  readonly arm: string;
  /** Columns of equal length. */
  readonly columns: Readonly<Record<string, readonly number[]>>;
}

export interface ShownEvidence {
  /** `CELL METRIC@POINT` → oldest first. */
  readonly history: ReadonlyMap<string, readonly PastValue[]>;
  readonly traces: readonly CellTrace[];
}

/** History of each metric within one runner class: numbers of another machine say nothing about this one. Null: no class, no history. */
export const historyOf = (baselines: readonly Baseline[], runnerClass: string | null): ShownEvidence['history'] => {
  const found = new Map<string, PastValue[]>();
  for (const { history } of baselines.filter((one) => one.runnerClass === runnerClass))
    for (const { commit, at, values } of history)
      for (const [key, value] of Object.entries(values)) {
        const rows = found.get(key) ?? [];
        rows.push({ commit, at, value });
        found.set(key, rows);
      }
  return found;
};

const tracedPurposes: readonly Launch['purpose'][] = ['impact', 'screen', 'once'];

/** The traces of the first launch of each cell, one per point and arm; self-checks and what tuned or confirmed are left out. */
export const tracesOf = (launches: readonly Launch[]): ShownEvidence['traces'] => {
  const found = new Map<string, CellTrace>();
  const first = launches.filter(({ index, selfCheck, status }) => index === 0 && !selfCheck && status === 'complete');
  for (const purpose of tracedPurposes)
    for (const { cell, traces } of first.filter((launch) => launch.purpose === purpose))
      for (const { point, arm, columns } of traces) {
        const key = JSON.stringify([cell, point, arm]);
        if (!found.has(key)) found.set(key, { cell, point, arm, columns });
      }
  return [...found.values()];
};
