import type { Config } from '../config/config.ts';
import { type Flaw, flawNote, flawOf, newFlaws, refuseFlaws } from '../config/flaw.ts';
import { unknownKeys } from '../config/metric-key.ts';
import { type RequirableMetric, requirementFlaws } from '../config/requirement.ts';
import type { ConfiguredSides } from '../config/selection.ts';
import { type TolerantMetric, toleranceFlaws } from '../config/tolerance.ts';
import type { Workload } from '../contract/benchmark.ts';
import { GateError } from '../errors.ts';
import { refusedVariable } from '../processes/environment.ts';
import { isSampled } from '../records/metric.ts';
import type { Plan } from '../records/plan.ts';
import { type Acceptances, acceptanceFlaws, pending } from './acceptances.ts';
import type { ConfiguredCells } from './configured-cells.ts';

/** Flaws of both sides; `base` null where base has no configuration. */
export interface SideFlaws {
  readonly head: readonly Flaw[];
  readonly base: readonly Flaw[] | null;
}

/**
 * What the report says of flaws that end no run: base's, which head may have inherited, and on the
 * default branch all. Throws those that a change brings.
 */
export const settledFlaws = (event: Plan['event'], { head, base }: SideFlaws): readonly string[] => {
  const brought = newFlaws(head, base ?? []);
  if (event === 'change') refuseFlaws(brought);
  return [
    ...(base ?? []).map((flaw) => flawNote(flaw, 'base')),
    ...(event === 'change' ? [] : brought.map((flaw) => flawNote(flaw, 'head'))),
  ];
};

/** What of a metric its bounds depend on. */
export type BoundMetric = TolerantMetric & RequirableMetric;

/** @param cells names of the cell */
export const boundMetrics = ({ metrics, points }: Pick<Workload, 'metrics' | 'points'>, cells: readonly string[]): readonly BoundMetric[] =>
  metrics.map((metric) => {
    const { id, scale, unit, from } = metric;
    const scored =
      'point' in from && points.some((point) => point.id === from.point && (point.kind === 'evaluation' || point.kind === 'generation'));
    return { id, scale, unit, sampled: isSampled(metric), scored, cells };
  });

/**
 * The flaws of `gate.tolerance` and `gate.require`, held against the metrics of everything that either side
 * configures, selected for this run or not.
 * @param planned metrics of the selected cells
 */
const boundFlawsOf = ({ head, base }: ConfiguredSides, planned: readonly BoundMetric[], cells: ConfiguredCells): SideFlaws => {
  const gates = base === null ? [head.gate] : [head.gate, base.gate];
  // What is not selected is opened only where a key is of that or of nothing.
  const isPlanned = gates.every(
    (gate) => unknownKeys([...Object.keys(gate.tolerance), ...Object.keys(gate.require)], planned).length === 0,
  );
  const metrics = isPlanned
    ? planned
    : [...planned, ...cells.ids.flatMap((cell) => (cells.workloadsOf(cell) ?? []).flatMap((workload) => boundMetrics(workload, [cell])))];
  const flawsOf = ({ gate }: Pick<Config, 'gate'>): readonly Flaw[] => [
    ...toleranceFlaws(gate, metrics),
    ...requirementFlaws(gate, metrics),
  ];
  return { head: flawsOf(head), base: base === null ? null : flawsOf(base) };
};

/**
 * The flaws of what both sides accept. Base's entries that are over are no flaws of base, and none
 * that head brings by keeping them.
 * @param elsewhere cells of all configurations of the repository
 * @param today ISO date
 */
const acceptanceFlawsOf = async (
  { head, base }: { readonly head: Acceptances; readonly base: Acceptances },
  cells: ConfiguredCells,
  elsewhere: () => Promise<ReadonlySet<string>>,
  today: string,
): Promise<SideFlaws> => {
  const isKnown = [...head.entries, ...base.entries].every(({ acceptance: { cell } }) => cells.ids.includes(cell));
  const others: ReadonlySet<string> = isKnown ? new Set() : await elsewhere();
  const flawsOf = (entries: Acceptances['entries']): readonly Flaw[] => acceptanceFlaws(entries, cells, others);
  const known = [...base.flaws, ...flawsOf(base.entries)];
  return {
    head: newFlaws([...head.flaws, ...flawsOf(head.entries)], known),
    base: [...base.flaws, ...flawsOf(pending(base, today))],
  };
};

/** Names that are declared and never reach measured code. */
const environmentFlaws = ({ environment }: Pick<Config, 'environment'>): readonly Flaw[] =>
  environment.flatMap(({ name, place: where }) => {
    const why = refusedVariable(name);
    const message = `environment: Expected variables that measured code may see, got ${name}. It never reaches that code: ${why}. Remove it from the list.`;
    return why === null ? [] : [flawOf('environment', name, new GateError('config-invalid', message, { where }))];
  });

export interface PolicyCheck {
  readonly event: Plan['event'];
  readonly sides: ConfiguredSides;
  /** Metrics of the selected cells. */
  readonly planned: readonly BoundMetric[];
  readonly cells: ConfiguredCells;
  readonly accepted: { readonly head: Acceptances; readonly base: Acceptances };
  readonly elsewhere: () => Promise<ReadonlySet<string>>;
  /** ISO date. */
  readonly today: string;
}

/**
 * Holds what says how is judged against the cells and metrics that there are. Returns the sentences
 * of the report; throws as `settledFlaws` does.
 */
export const checkPolicy = async ({
  event,
  sides,
  planned,
  cells,
  accepted,
  elsewhere,
  today,
}: PolicyCheck): Promise<readonly string[]> => [
  ...settledFlaws(event, { head: environmentFlaws(sides.head), base: sides.base === null ? null : environmentFlaws(sides.base) }),
  ...settledFlaws(event, boundFlawsOf(sides, planned, cells)),
  ...settledFlaws(event, await acceptanceFlawsOf(accepted, cells, elsewhere, today)),
];
