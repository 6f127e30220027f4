import type { Baseline, BaselineEntry } from '../records/baseline.ts';
import type { MetricSpec } from '../records/metric.ts';
import type { Plan, PlannedCell } from '../records/plan.ts';
import type { Samples } from '../records/sample.ts';
import type { CellState } from './cell-state.ts';
import type { JudgedMetric } from './judged-metric.ts';
import { pointIdOf } from './metric-key.ts';

/** What stored numbers are looked for in. */
export interface StoredIn {
  readonly baselines: readonly Baseline[];
  readonly plan: Pick<Plan, 'runtime' | 'baseRuntime'>;
  /** Null: no run has said its own, and nothing stored is of it. */
  readonly runnerClass: string | null;
}

/** Entries of one arm of a cell, measured on this class of runner and runtime, the newest first. */
export const storedEntries = (
  { id, renamedFrom, model }: Pick<PlannedCell, 'id' | 'renamedFrom' | 'model'>,
  arm: string | undefined,
  { baselines, plan, runnerClass }: StoredIn,
): readonly BaselineEntry[] =>
  baselines
    .filter((each) => each.runnerClass === runnerClass && each.model === model && each.runtime === plan.runtime.digest)
    .flatMap((each) => each.entries)
    .filter((entry) => entry.cell === (renamedFrom ?? id) && entry.arm === arm)
    .toSorted((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));

/** The metric of the newest of some entries that has it. */
export const storedMetric = (entries: readonly BaselineEntry[], spec: MetricSpec): BaselineEntry['metrics'][number] | null =>
  entries.flatMap((entry) => entry.metrics).find(({ id, point }) => id === spec.id && point === pointIdOf(spec)) ?? null;

/** Whether the program that measures base in this run measured an entry too. */
const isByThisCode = ({ serving }: BaselineEntry, { runtime, baseRuntime }: StoredIn['plan']): boolean =>
  serving === (baseRuntime ?? runtime).serving;

/**
 * Whether what is stored of an arm was measured by other code of the gate than this run's: it is then measured anew, and both numbers
 * are shown.
 */
export const isByOtherCode = (cell: PlannedCell, arm: string | undefined, stored: StoredIn): boolean => {
  const [newest] = storedEntries(cell, arm, stored);
  return newest !== undefined && !isByThisCode(newest, stored.plan);
};

/** A metric together with what other code of the gate has measured of base's arm. */
export const withEarlier = (
  judged: JudgedMetric,
  { cell, settled }: CellState,
  { plan, samples, baselines }: { readonly plan: Plan; readonly samples: Samples; readonly baselines: readonly Baseline[] },
): JudgedMetric => {
  const stored = { baselines, plan, runnerClass: samples.runnerClass };
  const arm = settled?.arms['base'];
  if (judged.verdict.base === null || !isByOtherCode(cell, arm, stored)) return judged;
  const earlier = storedMetric(storedEntries(cell, arm, stored), judged.spec)?.value ?? null;
  return { ...judged, verdict: { ...judged.verdict, earlier } };
};
