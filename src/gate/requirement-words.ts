import type { RequirementVerdict } from '../records/verdict.ts';

const amount = (value: number, unit: string): string => `${Number(value.toPrecision(4))}${unit === '' ? '' : ` ${unit}`}`;

/** `nll-delta is 0.66 nats/token, required at most 0.3`, with why where that is not all. */
export const requirementWords = ({ metric, unit, must, bound, head, reason, outcome }: RequirementVerdict): string => {
  const required = `required ${must === 'at-most' ? 'at most' : 'at least'} ${Number(bound.toPrecision(4))}`;
  const found = head === null ? `${metric} is not measured` : `${metric} is ${amount(head, unit)}`;
  return `${found}, ${required}${reason === null || outcome === 'unmet' ? '' : `: ${reason}`}`;
};

/** The requirement that a cell fails by, or is held by; null without one. */
export const decidingRequirement = (requirements: readonly RequirementVerdict[]): RequirementVerdict | null =>
  requirements.find(({ outcome }) => outcome === 'unmet') ?? requirements.find(({ holdsRun }) => holdsRun) ?? null;
