import { digestOf } from '../records/decode.ts';
import { measuringDigest, type Plan, type PlannedCell } from '../records/plan.ts';
import type { BuiltLine, SettledLine } from '../records/sample.ts';
import type { Coded } from '../records/words.ts';

/**
 * What follows from the artefacts of a cell: whether anything changed at all. Pure.
 *
 * What is served decides: every variant's artefact and, where a policy takes part, everything that
 * decides what it does. Equal digests under an equal runtime are `unchanged`: the same bytes cannot
 * regress.
 */
export const settleCell = (plan: Plan, cell: PlannedCell, built: ReadonlyMap<string, BuiltLine>): SettledLine => {
  const line = { line: 'settled' as const, cell: cell.id, warnings: [] };
  if (cell.skipped !== null) return { ...line, status: 'skipped', arms: {}, error: null };
  if (cell.presence === 'removed') return { ...line, status: 'removed', arms: {}, error: null };
  const failing = new Map(plan.builds.filter((build) => build.cell === cell.id).map((build) => [build.key, build.mayFail]));
  const ofBase = cell.arms.find(({ id }) => id === 'base')?.builds ?? {};
  const mayFail = (arm: 'base' | 'head', variant: string, key: string): boolean => {
    const when = failing.get(key) ?? 'never';
    if (when !== 'where-base-does' || arm === 'base') return when !== 'never';
    return built.get(ofBase[variant] ?? '')?.artefact == null;
  };
  const digests: Record<string, string> = {};
  let error: Coded | null = null;
  for (const arm of cell.arms) {
    const artefacts: [string, string][] = [];
    for (const [variant, key] of Object.entries(arm.builds).sort(([a], [b]) => (a < b ? -1 : 1))) {
      const build = built.get(key);
      if (build?.artefact == null && mayFail(arm.id, variant, key)) artefacts.push([variant, build?.error?.code ?? 'not built']);
      else if (build?.artefact == null)
        error ??= build?.error ?? { code: 'internal', message: `The build "${variant}" was not made.`, arm: arm.id };
      else artefacts.push([variant, build.artefact]);
    }
    digests[arm.id] = digestOf(JSON.stringify([artefacts, arm.policy === null ? null : arm.code]));
  }
  if (error !== null) return { ...line, status: 'failed', arms: {}, error };
  if (digests['base'] === undefined) return { ...line, status: 'new', arms: digests, error: null };
  const sameRuntime = plan.baseRuntime !== null && measuringDigest(plan.baseRuntime) === measuringDigest(plan.runtime);
  return { ...line, status: digests['head'] === digests['base'] && sameRuntime ? 'unchanged' : 'changed', arms: digests, error: null };
};
