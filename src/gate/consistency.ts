import { isDeepStrictEqual } from 'node:util';
import { GateError } from '../errors.ts';
import { contradiction } from '../records/contradiction.ts';
import type { Plan, PlannedCell } from '../records/plan.ts';
import { providerFacts } from '../records/provider.ts';
import type { BuiltLine, Samples, SettledLine, Settlement } from '../records/sample.ts';
import { requireColumns } from './column-consistency.ts';
import { requireLaunch, requireLaunchCounts } from './launch-consistency.ts';
import { settleCell } from './settled-cell.ts';

const requireBuild = (build: BuiltLine, known: ReadonlySet<string>): void => {
  const where = `build ${build.key.slice(0, 12)}`;
  if (!known.has(build.key))
    throw new GateError('run-mismatch', 'The samples were held against the plan. It does not have this build.', { where });
  const failed = build.status === 'failed';
  if (failed !== (build.artefact === null) || failed !== (build.error !== null))
    throw contradiction(
      where,
      `status ${build.status} with ${build.artefact === null ? 'no' : 'an'} artefact and ${build.error === null ? 'no' : 'an'} error`,
    );
};

/** What running the programs of a cell that both sides have may add to it: that it fails, by no arm's doing. */
const foundByRehearsal: ReadonlySet<string> = new Set([
  'inputs-leak',
  'lfs-pointer',
  'submodule-missing',
  'address-shared',
  'build-not-deterministic',
]);

const isFoundByRehearsal = ({ presence, skipped }: PlannedCell, { status, error, arms }: SettledLine): boolean =>
  presence === 'both' &&
  skipped === null &&
  status === 'failed' &&
  error?.arm === null &&
  foundByRehearsal.has(error.code) &&
  Object.keys(arms).length === 0;

/** What was settled must be what follows from the plan and the builds: status, digests and error. Warnings are believed. */
const requireSettlement = (plan: Plan, cell: PlannedCell, { line, built, where }: Settlement): void => {
  const follows = settleCell(plan, cell, built);
  if (isDeepStrictEqual(follows, { ...line, warnings: follows.warnings }) || isFoundByRehearsal(cell, line)) return;
  const words = ({ status, arms, error }: SettledLine): string =>
    [status, ...Object.entries(arms).map(([arm, digest]) => `${arm} ${digest.slice(0, 12)}`), ...(error === null ? [] : [error.code])].join(
      ', ',
    );
  throw contradiction(where, `${line.cell} is settled as "${words(line)}"; from the plan and the builds follows "${words(follows)}"`);
};

/**
 * Refuses samples that no run of this plan can have written, whoever wrote them: everything that
 * can be recomputed is, and must agree. Numbers themselves are believed. Throws `run-mismatch` for
 * builds, cells and launches that the plan does not have, and `samples-contradictory` for
 * everything else.
 */
export const requireConsistent = (plan: Plan, samples: Samples): void => {
  const cells = new Map(plan.cells.map((cell) => [cell.id, cell]));
  const cellOf = (id: string, what: string): PlannedCell => {
    const cell = cells.get(id);
    if (cell === undefined)
      throw new GateError('run-mismatch', `The samples were held against the plan. It does not have ${id}, to which ${what} belongs.`);
    return cell;
  };
  const keys = new Set(plan.builds.map(({ key }) => key));
  for (const build of samples.built.values()) requireBuild(build, keys);
  const statuses = new Map<string, Set<SettledLine['status']>>();
  for (const settlement of samples.settlements) {
    const { line, where } = settlement;
    requireSettlement(plan, cellOf(line.cell, `the line at ${where}`), settlement);
    statuses.set(line.cell, (statuses.get(line.cell) ?? new Set()).add(line.status));
  }
  if (samples.stopped === 'budget' && plan.budgetMinutes === null)
    throw contradiction('stopped', 'the budget ended the measurement; the plan has no budget');
  const memoryIsRead = samples.launches.some(({ process }) => process !== null && process.vmHwmBytes !== null);
  for (const launch of samples.launches) {
    const cell = cellOf(launch.cell, `launch ${launch.id}`);
    const points = requireLaunch(plan, cell, statuses.get(cell.id) ?? new Set(), launch);
    for (const point of points) requireColumns(cell, point, launch, memoryIsRead && providerFacts(plan.runtime.provider).metered);
  }
  requireLaunchCounts(plan, cells, samples);
};
