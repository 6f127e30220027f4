import type { CellVerdict, Verdict } from '../records/verdict.ts';

/** How many metrics have a number or are known to be unchanged, and why the others do not: counted by state, never by name. */
export const coverageOf = (cells: readonly CellVerdict[]): Verdict['coverage'] => {
  const metrics = cells.flatMap((cell) => cell.metrics);
  const without = metrics.filter(({ state }) => state !== 'measured' && state !== 'baseline' && state !== 'unchanged');
  const byReason: Record<string, number> = {};
  for (const state of without.map((metric) => metric.state).sort()) byReason[state] = (byReason[state] ?? 0) + 1;
  return { judged: metrics.length - without.length, total: metrics.length, byReason };
};
