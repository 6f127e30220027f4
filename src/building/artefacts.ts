import { GateError } from '../errors.ts';
import { settleCell } from '../gate/settled-cell.ts';
import type { Plan, PlannedBuild } from '../records/plan.ts';
import type { ArtefactRef } from '../records/protocol.ts';
import type { SampleLine, Samples } from '../records/sample.ts';
import type { CommandContext } from '../run/context.ts';
import { faultOf } from '../run/machine-fault.ts';
import { type BuildQueue, openBuildQueue } from './build-queue.ts';
import { editedProgram, filesOfPrograms } from './edited-program.ts';
import { findLeaks, type LeakFindings, leakIn, settledWith } from './leak/leak.ts';
import { isOwn, type Making, type Workshop } from './making.ts';
import { prepareReferences, type References } from './references.ts';
import { makeBuild, notDeterministic } from './repeatable-build.ts';
import { openSealer } from './sealed-output.ts';
import { openSourceCopies } from './source-copies.ts';

/** Everything that the launches of a run are made with. */
export interface Artefacts {
  readonly references: References;
  /** build key → what was built */
  readonly built: ReadonlyMap<string, ArtefactRef>;
}

/**
 * Prepares the models, builds head's and base's artefacts, and settles each cell; every line is recorded as it becomes known.
 * What an earlier, killed run built is taken over. Code of one's own is always run, since it may depend on more than it says; a built-in only
 * when the store lacks what it makes (docs/adr/0008-known-builds.md). After the signal nothing
 * more is begun or recorded. Throws what is no fault of the judged code (`isInfrastructure`), and `store-corrupt` when that code wrote into the store.
 */
export const makeArtefacts = async (
  context: CommandContext,
  plan: Plan,
  samples: Samples,
  record: (lines: readonly SampleLine[]) => void,
  workshop: Workshop,
): Promise<Artefacts> => {
  const references = await prepareReferences(context, plan, workshop);
  const sealer = openSealer({ context });
  const source = openSourceCopies(context, plan, workshop.folders).folder;
  const making: Making = { ...workshop, context, plan, references, source, sealer };
  const queue = await openBuildQueue(making, samples.built, record);
  const leaks = await makeBothSides(making, queue).finally(() => sealer.close());
  const artefacts = { references, built: queue.built };
  if (context.signal.aborted) return artefacts;
  const changed = await filesOfPrograms(plan, workshop.trees);
  // The last foreign code has run: whatever it did to the store, nothing is measured but what was sealed.
  for (const artefact of new Map([...references.values(), ...queue.built.values()].map((each) => [each.folder, each])).values())
    await workshop.store.verify(artefact);
  record(
    plan.cells.map((cell) => {
      const line = settledWith(settleCell(plan, cell, queue.lines), leakIn(plan, cell.id, leaks));
      const edited = editedProgram(cell, changed);
      return edited === null ? line : { ...line, warnings: [...line.warnings, edited] };
    }),
  );
  return artefacts;
};

/** Makes head's builds, then base's, and returns which programs read files of the wrong side. */
const makeBothSides = async (making: Making, queue: BuildQueue): Promise<LeakFindings> => {
  const { context, plan, trees } = making;
  await queue.makeAll('head', () => null);
  const rehearsal = { ...making, sides: trees.sides, alone: trees.alone, isLearned: trees.isLearned };
  const leaks = await findLeaks(rehearsal, trees);
  const refused = (build: PlannedBuild): GateError | null => (isOwn(build) ? leakIn(plan, build.cell, leaks).error : null);
  await trees.alone('base', null, () => queue.makeAll('base', refused));
  const found = new Map(leaks);
  for (const build of plan.builds.filter(({ arm, key }) => arm === 'base' && queue.unproven.has(key))) {
    const error = context.signal.aborted ? null : await differsInBase(making, queue, build);
    if (error !== null) found.set(optimizationOf(plan, build), { error, warning: null });
  }
  return found;
};

/** The error where base's tree gives other bytes than the build of head's, which stands for both sides; else null. */
const differsInBase = async (making: Making, queue: BuildQueue, build: PlannedBuild): Promise<GateError | null> => {
  const { trees } = making;
  const shared = queue.built.get(build.key);
  if (shared === undefined) return null;
  const tree = await trees.folder('base').catch(faultOf);
  const from = await queue.inputOf(build);
  const inBase = (): Promise<string | null> =>
    trees.alone('base', null, async () => (await makeBuild(making, build, { from, tree, shared: null })).artefact?.digest ?? null);
  const artefact = await inBase();
  if (artefact === null || artefact === shared.digest) return null;
  return (await inBase()) === artefact ? undeclared(build) : notDeterministic(build);
};

const optimizationOf = (plan: Plan, build: PlannedBuild): string => plan.cells.find(({ id }) => id === build.cell)?.optimization ?? '';

const undeclared = ({ cell }: PlannedBuild): GateError => {
  const message =
    "The same declared code, options, model and seed were built in base's tree and in head's. The results differ, so the build reads a file that `inputs` does not name.";
  return new GateError('inputs-leak', message, { where: cell });
};
