import type { VerdictKind } from '../../records/verdict.ts';

/** The page's colour of each verdict; never the only sign of it. */
export const verdictColours: Readonly<Record<VerdictKind, string>> = {
  regressed: 'var(--bad)',
  unmet: 'var(--bad)',
  failed: 'var(--bad)',
  missing: 'var(--bad)',
  inconclusive: 'var(--warning)',
  improved: 'var(--good)',
  new: 'var(--good)',
  passed: 'var(--good)',
  unchanged: 'var(--calm)',
};

/** Colour and dash of each arm's line, so that neither alone has to be told apart. */
export const armLines = {
  reference: { stroke: 'var(--calm)', strokeDasharray: '1 3' },
  base: { stroke: 'var(--base)', strokeDasharray: '5 3' },
  head: { stroke: 'var(--head)', strokeDasharray: 'none' },
} as const;

export const armNames = ['reference', 'base', 'head'] as const;
export type DrawnArm = (typeof armNames)[number];

export const line = 'var(--line)';
