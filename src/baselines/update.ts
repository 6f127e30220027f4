import { GateError } from '../errors.ts';
import type { Baseline, BaselineEntry } from '../records/baseline.ts';
import type { Plan, PlannedCell } from '../records/plan.ts';
import type { Samples } from '../records/sample.ts';
import type { CellVerdict, MetricVerdict, Verdict } from '../records/verdict.ts';

/** Rows of history that a file keeps unless told otherwise. */
export const defaultHistoryLimit = 200;

export interface BaselineUpdate {
  readonly plan: Plan;
  readonly verdict: Verdict;
  readonly samples: Samples;
  /** The file as it is on the base branch; null: a new one. */
  readonly previous: Baseline | null;
  readonly model: string;
  /** When it was measured, ISO 8601 in UTC. */
  readonly at: string;
  /** The commit whose tree was measured. */
  readonly commit: string;
  readonly historyLimit?: number;
}

type StoredMetric = BaselineEntry['metrics'][number];

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const nameOf = ({ id, point }: { readonly id: string; readonly point: string }): string => `${id}@${point}`;

const refuse = ({ plan, verdict, samples, previous, model }: BaselineUpdate): string => {
  const where = `baselines of ${model}`;
  if (plan.event !== 'default-branch')
    throw new GateError('baseline-untrusted', `samples of a run on a ${plan.event} cannot become a baseline`, { where });
  if (plan.head.dirty) throw new GateError('baseline-untrusted', `the measured tree was not that of commit ${plan.head.commit}`, { where });
  if (verdict.verdict === 'unfit' || verdict.verdict === 'error') {
    throw new GateError('baseline-untrusted', `the run ended ${verdict.verdict}: its numbers are withheld`, { where });
  }
  if (samples.plan !== verdict.plan) throw new GateError('run-mismatch', 'samples and verdict name different plans', { where });
  if (verdict.runnerClass === null || samples.runnerClass !== verdict.runnerClass) {
    throw new GateError('run-mismatch', 'samples and verdict do not name the same runner class', { where });
  }
  if (previous !== null && (previous.model !== model || previous.runnerClass !== verdict.runnerClass)) {
    throw new GateError('baseline-invalid', `the previous file is of ${previous.runnerClass} and ${previous.model}`, { where });
  }
  return verdict.runnerClass;
};

/** What a metric stores: only what this run measured on head, never what it took over from a baseline. */
const storedOf = (metric: MetricVerdict): StoredMetric | null => {
  const fresh = metric.state === 'measured' || (metric.state === 'unchanged' && metric.samples.head.length > 0);
  if (!fresh || metric.head === null || !Number.isFinite(metric.head)) return null;
  const launches = metric.kind === 'timing' ? metric.samples.head.filter(Number.isFinite) : [];
  return { id: metric.id, point: metric.point, reference: metric.reference, value: metric.head, launches };
};

const artefactsOf = (planned: PlannedCell | undefined, samples: Samples): BaselineEntry['artefacts'] => {
  const builds = planned?.arms.find(({ id }) => id === 'head')?.builds ?? {};
  return Object.fromEntries(
    Object.entries(builds)
      .map(([variant, key]) => [variant, samples.built.get(key)?.artefact ?? null] as const)
      .filter((pair): pair is readonly [string, string] => pair[1] !== null)
      .sort(([a], [b]) => byName(a, b)),
  );
};

const entryOf = (cell: CellVerdict, update: BaselineUpdate, kept: BaselineEntry | undefined): BaselineEntry | null => {
  const arm = update.samples.settled.get(cell.id)?.arms['head'];
  const fresh = cell.metrics.map(storedOf).filter((metric) => metric !== null);
  if (arm === undefined || fresh.length === 0) return null;
  const names = new Set(fresh.map(nameOf));
  const still = kept !== undefined && kept.arm === arm ? kept.metrics.filter((metric) => !names.has(nameOf(metric))) : [];
  return {
    cell: cell.id,
    commit: update.commit,
    at: update.at,
    arm,
    artefacts: artefactsOf(
      update.plan.cells.find(({ id }) => id === cell.id),
      update.samples,
    ),
    metrics: [...fresh, ...still].sort((a, b) => byName(nameOf(a), nameOf(b))),
  };
};

/** Timing values carry no more than seven digits: the file grows with every merge. */
const historyValue = (metric: StoredMetric): number => (metric.launches.length > 0 ? Number(metric.value.toPrecision(7)) : metric.value);

const historyRow = (cells: readonly CellVerdict[]): Readonly<Record<string, number>> =>
  Object.fromEntries(
    cells
      .flatMap((cell) =>
        cell.metrics
          .flatMap((metric) => storedOf(metric) ?? [])
          .map((stored) => [`${cell.id} ${nameOf(stored)}`, historyValue(stored)] as const),
      )
      .sort(([a], [b]) => byName(a, b)),
  );

const historyOf = (update: BaselineUpdate, values: Readonly<Record<string, number>>): Baseline['history'] => {
  const rows = update.previous?.history ?? [];
  const limit = Math.max(1, update.historyLimit ?? defaultHistoryLimit);
  if (Object.keys(values).length === 0) return rows.slice(-limit);
  const own = rows.find(({ commit }) => commit === update.commit);
  const row = { commit: update.commit, at: update.at, values: { ...own?.values, ...values } };
  return (own === undefined ? [...rows, row] : rows.map((known) => (known === own ? row : known))).slice(-limit);
};

/**
 * The new content of one baseline file, from samples measured on the merged tree. Entries of cells that this run measured are
 * replaced (metrics that it did not reach stay while the arm's digest is the same); those of other cells are kept, except cells
 * that the base branch no longer has, and, when the runtime changed, entries of the former runtime. One row of history per
 * commit, oldest dropped; the anchor keeps its values and takes up those of cells that it does not know yet. Deterministic, and
 * applying it twice is applying it once. Throws `baseline-untrusted` for samples of a pull request, of a dirty tree or of an unfit
 * runner, `run-mismatch` for samples of another plan or runner class, `baseline-invalid` for a previous file of another model or class.
 */
export const updateBaselines = (update: BaselineUpdate): Baseline => {
  const runnerClass = refuse(update);
  const { plan, verdict, previous, model } = update;
  const cells = verdict.cells.filter((cell) => cell.model === model);
  const removed = new Set(plan.cells.filter(({ presence }) => presence === 'removed').map(({ id }) => id));
  const nameOf = new Map(plan.cells.flatMap(({ id, renamedFrom }) => (renamedFrom === null ? [] : [[renamedFrom, id] as const])));
  const before = previous !== null && previous.runtime === plan.runtime.digest ? previous.entries : [];
  const comparable = before.map((entry) => ({ ...entry, cell: nameOf.get(entry.cell) ?? entry.cell }));
  const entries = new Map(comparable.filter(({ cell }) => !removed.has(cell)).map((entry) => [entry.cell, entry]));
  for (const cell of cells) {
    const entry = entryOf(cell, update, entries.get(cell.id));
    if (entry !== null) entries.set(cell.id, entry);
  }
  const values = historyRow(cells.filter(({ id }) => entries.get(id)?.commit === update.commit));
  const anchor = previous?.anchor ?? null;
  const anchored =
    Object.keys(values).length === 0 && anchor === null
      ? null
      : { commit: anchor?.commit ?? update.commit, values: { ...values, ...anchor?.values } };
  return {
    schema: 'optimization-gate/baseline/1',
    runnerClass,
    model,
    runtime: plan.runtime.digest,
    entries: [...entries.values()].sort((a, b) => byName(a.cell, b.cell)),
    history: historyOf(update, values),
    anchor: anchored,
  };
};
