import type { GatePolicy, Plan } from '../records/plan.ts';
import type { Samples } from '../records/sample.ts';
import { mean } from '../statistics/describe.ts';
import { allSettled, type CellState, cellStates, isTimed } from './cell-state.ts';
import { type LastTest, lastTests } from './last-test.ts';
import { type Candidate, type Decision, replayLooks, requireLooks } from './looks.ts';
import { pointIdOf } from './metric-key.ts';
import { numberOf } from './reading.ts';
import { advances, allExceed, excludes } from './screen.ts';
import { type TestedMetric, testedMetrics } from './tested-metric.ts';

/** Launches that only show that nothing large is wrong: `evident` at a look, `exhausted` after the last, or `open`. */
export interface Exclusion {
  readonly outcome: 'evident' | 'exhausted' | 'open';
  readonly launches: number;
}

/** Where one tested metric stands; null: not in that family. */
export interface MetricProgress {
  readonly tested: TestedMetric;
  readonly regress: Decision | null;
  /** Of the means of rounds against what they may not exceed, where only they looked so much worse. */
  readonly mean: Decision | null;
  readonly improve: Decision | null;
  readonly evidence: Exclusion | null;
  /** Whether its screening launches sent it to confirmation, for whatever reason. */
  readonly suspect: boolean;
  /** Once measuring has ended; null while it goes on, and for what the screening launches sent to no confirmation. */
  readonly last: LastTest | null;
}

export interface TestProgress {
  readonly cells: readonly CellState[];
  /** Every screen of the pull request is in: the families are fixed. */
  readonly screened: boolean;
  /** Hypotheses that advanced towards a regression: of metrics, and of the means of their rounds. */
  readonly family: number;
  readonly metrics: ReadonlyMap<string, MetricProgress>;
}

/** Whether the cell has points that are screened at all. */
export const hasScreen = (cellState: CellState): boolean => cellState.compared.some(isTimed);

const screenDone = (cellState: CellState, policy: GatePolicy): boolean =>
  cellState.failure !== null || !hasScreen(cellState) || cellState.screen.complete.length >= policy.screen;

const candidate = (tested: TestedMetric, sign: 1 | -1, waiting: boolean): Candidate => ({
  key: tested.key,
  values: (numberOf(tested.confirm) ?? []).map((value) => sign * value),
  margin: sign === 1 ? tested.margins.worse : tested.margins.better,
  waiting: waiting && tested.cellState.failure === null && tested.confirm.status === 'read',
});

const meanKey = ({ key }: TestedMetric): string => `${key} mean`;

const meanCandidate = (tested: TestedMetric, waiting: boolean): Candidate => ({
  ...candidate(tested, 1, waiting),
  key: meanKey(tested),
  values: numberOf(tested.means.confirm) ?? [],
  margin: tested.margins.mean,
});

/** Whether the means of rounds look worse by their margin in every screening launch, and the medians do not. */
const hides = ({ screen, means, margins }: TestedMetric): boolean =>
  screen.status === 'read' &&
  means.screen.status === 'read' &&
  allExceed(means.screen.value, margins.mean) &&
  !allExceed(screen.value, margins.mean);

/**
 * Whether these launch values exclude a worsening by must-detect. Of an exact metric that varies
 * the mean over all launches has to exclude it too: no machine excuses the few that are far worse.
 */
const excludesBound = ({ bound, variation }: TestedMetric, values: readonly number[], all: readonly number[]): boolean =>
  excludes(values, bound) && (variation === 0 || mean(all) < bound || mean(all) <= 0);

const excludedByScreen = (tested: TestedMetric): boolean => {
  const values = numberOf(tested.screen) ?? [];
  return excludesBound(tested, values, values);
};

/** Whether the first `launches` confirming launches exclude a worsening by must-detect. */
export const excludedBy = (tested: TestedMetric, launches: number): boolean => {
  const values = (numberOf(tested.confirm) ?? []).slice(0, launches);
  return excludesBound(tested, values, [...(numberOf(tested.screen) ?? []), ...values]);
};

/** Launches of the longest look that was reached; 0 before the first. */
const reachedLaunches = ({ confirm }: TestedMetric, looks: GatePolicy['looks']): number => {
  const have = numberOf(confirm)?.length ?? 0;
  return looks.findLast(({ launches }) => launches <= have)?.launches ?? 0;
};

/** The same of all launches of the longest look that was reached: those that come later can take it back. */
export const excludedByAll = (tested: TestedMetric, looks: GatePolicy['looks']): boolean =>
  excludedBy(tested, reachedLaunches(tested, looks));

const isComparable = ({ clock, busy }: TestedMetric): boolean => clock.coarse === null && busy === null;

const evidenceFrom = (tested: TestedMetric, looks: GatePolicy['looks']): Exclusion => {
  const reached = reachedLaunches(tested, looks);
  if (reached > 0 && excludedByAll(tested, looks)) return { outcome: 'evident', launches: reached };
  const next = looks.find(({ launches }) => launches > reached);
  return next === undefined ? { outcome: 'exhausted', launches: reached } : { outcome: 'open', launches: next.launches };
};

const evidenceOf = (
  tested: TestedMetric,
  regress: Decision | null,
  ofMean: Decision | null,
  looks: GatePolicy['looks'],
): Exclusion | null => {
  // No launch makes times comparable, or excludes what the means have shown.
  if (!isComparable(tested) || ofMean?.outcome === 'rejected' || ofMean?.outcome === 'dependent') return null;
  const evidence = evidenceFrom(tested, looks);
  if (regress !== null) return regress.outcome === 'futile' ? evidence : null;
  // The screening launches are enough unless what another metric had confirmed says otherwise.
  const enough = excludedByScreen(tested) && (reachedLaunches(tested, looks) === 0 || evidence.outcome === 'evident');
  return enough ? null : evidence;
};

/**
 * The state of the whole two-stage test, recomputed from samples: the one place that `launchDemand` and `judge` both read.
 * `waiting`: launches may still come, so a look is held until every open metric has its values. Judging passes false: what is not there counts as p = 1. Throws `document-invalid` for looks that overspend alpha.
 */
export const progressOf = (plan: Plan, samples: Samples, waiting: boolean): TestProgress => {
  const { policy } = plan;
  requireLooks(policy);
  const cells = cellStates(plan, samples);
  const screened = allSettled(cells) && cells.every((cellState) => screenDone(cellState, policy));
  const tested = testedMetrics(cells, samples, policy);
  const advanced = (sign: 1 | -1): readonly TestedMetric[] =>
    tested.filter(
      (each) =>
        each.screen.status === 'read' &&
        advances(
          each.screen.value.map((value) => sign * value),
          sign === 1 ? each.margins.worse : each.margins.better,
        ),
    );
  const family = (members: readonly Candidate[]): ReadonlyMap<string, Decision> => replayLooks(members, policy.looks, policy.alpha);
  const worse = [
    ...advanced(1).map((each) => candidate(each, 1, waiting)),
    ...tested.filter(hides).map((each) => meanCandidate(each, waiting)),
  ];
  const regress = family(worse);
  const improve = family(advanced(-1).map((each) => candidate(each, -1, waiting)));
  const progress = tested.map((each): Omit<MetricProgress, 'last'> => {
    const decision = regress.get(each.key) ?? null;
    const families = {
      regress: decision,
      mean: regress.get(meanKey(each)) ?? null,
      improve: improve.get(each.key) ?? null,
    };
    const read = each.screen.status === 'read';
    return {
      tested: each,
      ...families,
      evidence: read ? evidenceOf(each, decision, families.mean, policy.looks) : null,
      suspect: Object.values(families).some((family) => family !== null) || (read && isComparable(each) && !excludedByScreen(each)),
    };
  });
  const last = waiting ? new Map<string, LastTest>() : lastTestsOf(progress, policy);
  const metrics = new Map(progress.map((each) => [each.tested.key, { ...each, last: last.get(each.tested.key) ?? null }]));
  return { cells, screened, family: worse.length, metrics };
};

/** All metrics at points that the screening launches sent to confirmation, whatever metric it was for, are tested with what came of that. */
const lastTestsOf = (progress: readonly Omit<MetricProgress, 'last'>[], policy: GatePolicy): ReadonlyMap<string, LastTest> => {
  const pointOfCell = ({ tested }: Pick<MetricProgress, 'tested'>): string => `${tested.cellState.cell.id} ${pointIdOf(tested.spec)}`;
  const confirmed = new Set(progress.filter(({ suspect }) => suspect).map(pointOfCell));
  const members = progress.filter((each) => confirmed.has(pointOfCell(each)));
  return lastTests(
    members.map(({ tested }) => candidate(tested, 1, false)),
    new Set(members.flatMap(({ tested, regress }) => (regress?.outcome === 'rejected' ? [tested.key] : []))),
    policy,
  );
};

/** The number of confirming launches that a metric wants now; 0 when it is decided, broken or held until others are in. */
export const wantedLaunches = (progress: MetricProgress): number => {
  const { tested, regress, mean, improve, evidence } = progress;
  if (tested.confirm.status === 'absent' || tested.screen.status === 'absent' || tested.cellState.failure !== null) return 0;
  const have = tested.confirm.value.length;
  return [regress, mean, improve, evidence].reduce(
    (most, each) => (each !== null && each.outcome === 'open' && each.launches > have ? Math.max(most, each.launches) : most),
    0,
  );
};
