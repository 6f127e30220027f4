import { contradiction } from '../records/contradiction.ts';
import type { Plan } from '../records/plan.ts';
import type { TestProgress } from './test-progress.ts';

/**
 * Refuses samples that the rule cannot have asked for: confirming launches before the screening ones of the whole pull request are complete,
 * of a cell in which nothing advanced, or more of them than all looks together want. Whoever may choose when to measure again may
 * choose the verdict. Throws `samples-contradictory`.
 */
export const requireLaunchOrder = (progress: TestProgress, plan: Plan): void => {
  const suspects = new Set(
    [...progress.metrics.values()].filter(({ suspect }) => suspect).map((metric) => metric.tested.cellState.cell.id),
  );
  const most = 4 * (plan.policy.looks.at(-1)?.launches ?? 0);
  for (const { cell, launches } of progress.cells) {
    const { length } = launches.confirm;
    if (length === 0) continue;
    const refuse = (why: string): never => {
      throw contradiction(cell.id, `it has ${length} confirming launches ${why}`);
    };
    if (!progress.screened) refuse('before all screening launches of the pull request are complete');
    if (!suspects.has(cell.id)) refuse('although no metric of it advanced');
    if (length > most) refuse(`where all looks together want at most ${most}`);
  }
};
