import { anything } from '../planning/subjects.ts';
import type { Plan, SubjectRef } from '../records/plan.ts';
import type { NeededFiles } from '../repository/filters.ts';
import { commandOf } from './side-program.ts';

const policiesOf = (plan: Plan, arm: 'head' | 'base'): readonly SubjectRef[] =>
  plan.cells.flatMap(({ arms }) => arms.flatMap(({ id, policy }) => (id === arm && policy !== null ? [policy] : [])));

/** What measures on one side, and what builds. */
export const subjectsOf = (plan: Plan, arm: 'head' | 'base'): readonly SubjectRef[] => [
  ...policiesOf(plan, arm),
  ...plan.builds.flatMap((build) => (build.arm === arm ? [build.subject] : [])),
];

export const commandLinesOf = (subjects: readonly SubjectRef[]): readonly string[] => subjects.flatMap(commandOf);

/** The commands of one side that run when both sides are set up. */
export const measuringCommands = (plan: Plan, arm: 'head' | 'base'): readonly string[] => commandLinesOf(policiesOf(plan, arm));

/** The command that installs something for one side; none where there is none. */
export const setupOf = ({ setup }: Pick<Plan, 'setup'>, arm: 'head' | 'base'): readonly string[] => [setup[arm] ?? []].flat();

/** The commands that install something for either side. */
export const setupsOf = (plan: Pick<Plan, 'setup'>): readonly string[] => [...setupOf(plan, 'head'), ...setupOf(plan, 'base')];

/** All commands of both sides. */
export const everyCommand = (plan: Plan): readonly string[] => [
  ...commandLinesOf([...subjectsOf(plan, 'head'), ...subjectsOf(plan, 'base')]),
  ...setupsOf(plan),
];

/** The files that the user's own code of one side may read: those that it declares, or else any. */
export const neededBy = (plan: Plan, arm: 'head' | 'base'): NeededFiles => {
  const patterns = new Set(
    subjectsOf(plan, arm)
      .filter(({ door }) => door.kind !== 'builtin')
      .flatMap(({ inputs }) => inputs),
  );
  const declared = [...patterns].filter((pattern) => pattern !== anything);
  return { declared, possible: patterns.has(anything) ? [anything] : [], lfs: plan.lfs };
};

/** Whether code that head brings will run. */
export const runsOwnCode = (plan: Plan): boolean =>
  plan.setup.head !== null || subjectsOf(plan, 'head').some(({ door }) => door.kind !== 'builtin');
