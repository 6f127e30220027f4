/** What is required of numbers whatever base has, and what a later change is held to. */
import type { CellVerdict, RequirementVerdict, Verdict } from '../records/verdict.ts';
import { byName } from './listed-metric.ts';
import { allowanceText, counted, quantity } from './number.ts';

export interface ListedRequirement {
  readonly cell: CellVerdict;
  readonly requirement: RequirementVerdict;
}

const order: readonly RequirementVerdict['outcome'][] = ['unmet', 'undecided', 'unmet-by-base', 'met'];

/** Every requirement that was judged, those that are not met first. */
export const listedRequirements = (verdict: Verdict): readonly ListedRequirement[] =>
  verdict.cells
    .flatMap((cell) => cell.requirements.map((requirement) => ({ cell, requirement })))
    .sort((a, b) => order.indexOf(a.requirement.outcome) - order.indexOf(b.requirement.outcome) || byName(a.cell.id, b.cell.id));

const words: Readonly<Record<RequirementVerdict['outcome'], string>> = {
  unmet: 'not met',
  undecided: 'undecided',
  'unmet-by-base': 'not met, as in base',
  met: 'met',
};

export const outcomeText = ({ outcome }: RequirementVerdict): string => words[outcome];

/** `≤ 0.300 nats/token` */
export const boundText = ({ must, bound, unit }: RequirementVerdict): string =>
  `${must === 'at-most' ? '≤' : '≥'} ${quantity(bound, unit)}`;

/** `exact`, or p and the launches it rests on; `–` where nothing decided. */
export const weightText = ({ p, launches, outcome }: RequirementVerdict): string => {
  if (launches === 0 || outcome === 'undecided') return '–';
  return p === null ? 'exact' : counted(launches, 'launch', 'launches');
};

/** What gates in the cells that base does not have: the metrics of each tolerance; empty where base has them all. */
export const laterBounds = (verdict: Verdict): readonly { readonly tolerance: string; readonly metrics: readonly string[] }[] => {
  const gating = verdict.cells.flatMap((cell) => cell.metrics.filter(({ role, verdict: kind }) => role === 'gate' && kind === 'new'));
  return [...Map.groupBy(gating, (metric) => allowanceText(metric.tolerance, metric))].map(([tolerance, metrics]) => ({
    tolerance,
    metrics: [...new Set(metrics.map(({ id }) => id))],
  }));
};
