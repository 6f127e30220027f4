import { GateError } from '../errors.ts';
import type { Baseline, BaselineEntry } from '../records/baseline.ts';
import type { Plan, PlannedCell } from '../records/plan.ts';
import type { Samples } from '../records/sample.ts';
import type { CellVerdict, MetricVerdict, Verdict } from '../records/verdict.ts';
import { baselinePath } from './file-path.ts';

/** Rows of history that a file keeps unless told otherwise. */
const defaultHistoryLimit = 200;

export interface BaselineUpdate {
  readonly plan: Plan;
  readonly verdict: Verdict;
  readonly samples: Samples;
  /** The file as it is on the base branch; null: a new one. */
  readonly previous: Baseline | null;
  readonly project: string | null;
  /** Null: of the cells without a model. */
  readonly model: string | null;
  /** When it was measured, ISO 8601 in UTC. */
  readonly at: string;
  /** The commit whose tree was measured. */
  readonly commit: string;
  /** Commits of the file that have that commit among their ancestors: it never takes their place. */
  readonly newer: ReadonlySet<string>;
  readonly historyLimit?: number;
}

type StoredMetric = BaselineEntry['metrics'][number];

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const nameOf = ({ id, point }: { readonly id: string; readonly point: string }): string => `${id}@${point}`;

const refuse = ({ plan, verdict, samples, previous, project, model }: BaselineUpdate): string => {
  const where = model === null ? 'baselines of measurements' : `baselines of ${model}`;
  if (plan.event !== 'default-branch')
    throw new GateError(
      'baseline-untrusted',
      `Baselines were to be written. Expected a run of the default branch, got one of a ${plan.event}.`,
      { where },
    );
  if (plan.head.dirty)
    throw new GateError(
      'baseline-untrusted',
      `Baselines were to be written. Expected the files of commit ${plan.head.commit}, got edited ones.`,
      { where },
    );
  if (verdict.verdict === 'unfit' || verdict.verdict === 'error') {
    throw new GateError(
      'baseline-untrusted',
      `Baselines were to be written. The run ended "${verdict.verdict}", so its numbers cannot be trusted: run it again on a quiet machine.`,
      { where },
    );
  }
  if (samples.plan !== verdict.plan)
    throw new GateError('run-mismatch', 'Baselines were to be written. The samples and the verdict name different plans.', { where });
  if (verdict.runnerClass === null || samples.runnerClass !== verdict.runnerClass) {
    throw new GateError('run-mismatch', 'Baselines were to be written. The samples and the verdict do not name the same runner class.', {
      where,
    });
  }
  const own = baselinePath({ runnerClass: verdict.runnerClass, project, model });
  if (previous !== null && baselinePath(previous) !== own)
    throw new GateError(
      'baseline-invalid',
      `Baselines were to be written. Expected the previous file to be baselines/${own}, got baselines/${baselinePath(previous)}.`,
      { where },
    );
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

/** All metrics by name; of two with one name the first. */
const joined = (first: readonly StoredMetric[], second: readonly StoredMetric[]): readonly StoredMetric[] => {
  const names = new Set(first.map(nameOf));
  return [...first, ...second.filter((metric) => !names.has(nameOf(metric)))].sort((a, b) => byName(nameOf(a), nameOf(b)));
};

const entryOf = (cell: CellVerdict, update: BaselineUpdate, kept: BaselineEntry | undefined): BaselineEntry | null => {
  const arm = update.samples.settled.get(cell.id)?.arms['head'];
  const fresh = cell.metrics.map(storedOf).filter((metric) => metric !== null);
  if (arm === undefined || fresh.length === 0) return null;
  const { serving } = update.plan.runtime;
  // Numbers of one entry rest on one arm, and on one program that measured them.
  const alike = kept !== undefined && kept.arm === arm && kept.serving === serving;
  const before = alike ? kept.metrics : [];
  if (kept !== undefined && update.newer.has(kept.commit)) return { ...kept, metrics: joined(kept.metrics, alike ? fresh : []) };
  // What was written of this commit stays: measuring it anew gives other numbers, and says nothing new.
  const metrics = kept?.commit === update.commit ? joined(before, fresh) : joined(fresh, before);
  return {
    cell: cell.id,
    commit: update.commit,
    at: kept?.commit === update.commit ? kept.at : update.at,
    arm,
    serving,
    artefacts: artefactsOf(
      update.plan.cells.find(({ id }) => id === cell.id),
      update.samples,
    ),
    metrics,
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

/** Rows in the order of their commits; what an earlier run wrote of this commit stays. */
const rowsOf = (update: BaselineUpdate, values: Readonly<Record<string, number>>): Baseline['history'] => {
  const rows = update.previous?.history ?? [];
  if (Object.keys(values).length === 0) return rows;
  const own = rows.find(({ commit }) => commit === update.commit);
  const row = { commit: update.commit, at: own?.at ?? update.at, values: { ...values, ...own?.values } };
  if (own !== undefined) return rows.map((known) => (known === own ? row : known));
  const younger = rows.findIndex(({ commit }) => update.newer.has(commit));
  return younger === -1 ? [...rows, row] : rows.toSpliced(younger, 0, row);
};

/** The oldest commit that was measured, with the oldest value of everything that was measured since. */
const anchorOf = (update: BaselineUpdate, rows: Baseline['history'], values: Readonly<Record<string, number>>): Baseline['anchor'] => {
  const anchor = update.previous?.anchor ?? null;
  const [oldest] = rows;
  // While no row was dropped, the rows say it.
  if (anchor === null || update.newer.has(anchor.commit) || rows.some(({ commit }) => commit === anchor.commit))
    return oldest === undefined
      ? anchor
      : { commit: oldest.commit, values: Object.assign({}, ...rows.map((row) => row.values).toReversed()) };
  return { commit: anchor.commit, values: { ...values, ...anchor.values } };
};

/**
 * The new content of one baseline file, from samples measured on the merged tree. Entries of cells that this run measured are
 * replaced (metrics that it did not reach stay while the arm is the same, and the code of the gate that measures); those of other cells are kept, except cells
 * that the base branch no longer has, and, when the runtime changed, entries of the former runtime. Commits may arrive in any
 * order: an entry of a younger one stays, history is in their order with one row for each, oldest dropped, and the anchor is the
 * oldest. Deterministic; what was written of a commit stays, so applying it twice is applying it once. Throws `baseline-untrusted` for samples of a pull request, of a dirty tree or of an unfit
 * runner, `run-mismatch` for samples of another plan or runner class, `baseline-invalid` for a previous file of another model, project or class.
 */
export const updateBaselines = (update: BaselineUpdate): Baseline => {
  const runnerClass = refuse(update);
  const { plan, verdict, previous, model } = update;
  const cells = verdict.cells.filter((cell) => cell.model === model);
  const removed = new Set(plan.cells.filter(({ presence }) => presence === 'removed').map(({ id }) => id));
  const nameOf = new Map(
    plan.cells.flatMap((cell) => (cell.renamedFrom === null || cell.model !== model ? [] : [[cell.renamedFrom, cell.id] as const])),
  );
  const otherRuntime = previous !== null && previous.runtime !== plan.runtime.digest;
  // A younger commit has changed the runtime: nothing of this one can be compared any more.
  if (otherRuntime && previous.entries.some(({ commit }) => update.newer.has(commit))) return previous;
  const before = previous === null || otherRuntime ? [] : previous.entries;
  const comparable = before.map((entry) => ({ ...entry, cell: nameOf.get(entry.cell) ?? entry.cell }));
  const entries = new Map(
    comparable.filter(({ cell, commit }) => update.newer.has(commit) || !removed.has(cell)).map((entry) => [entry.cell, entry]),
  );
  for (const cell of cells) {
    const entry = entryOf(cell, update, entries.get(cell.id));
    if (entry !== null) entries.set(cell.id, entry);
  }
  const values = historyRow(cells.filter(({ id }) => update.samples.settled.get(id)?.arms['head'] !== undefined));
  const rows = rowsOf(update, values);
  return {
    schema: 'optimization-gate/baseline/1',
    runnerClass,
    project: update.project,
    model,
    runtime: plan.runtime.digest,
    entries: [...entries.values()].sort((a, b) => byName(a.cell, b.cell)),
    history: rows.slice(-Math.max(1, update.historyLimit ?? defaultHistoryLimit)),
    anchor: anchorOf(update, rows, values),
  };
};
