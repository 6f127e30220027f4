import type { Plan, SubjectRef } from '../records/plan.ts';
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
