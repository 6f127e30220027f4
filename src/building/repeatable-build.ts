import { GateError } from '../errors.ts';
import type { PlannedBuild } from '../records/plan.ts';
import type { ArtefactRef } from '../records/protocol.ts';
import { type Built, buildArtefact, failedBuild, type SubjectSetting } from './build.ts';
import { isOwn, keyOf, type Making } from './making.ts';
import { sealedOutput } from './sealed-output.ts';
import type { SharedSubject } from './shared-subject.ts';
import { findBuild, keepBuild, storedFiles } from './stored-build.ts';

/** From what a build is made, and where. */
export interface BuildPlace {
  /** What it starts from, or why that is not there. */
  readonly from: ArtefactRef | GateError;
  /** The working directory of its side, or why there is none. */
  readonly tree: string | GateError;
  /** The process to make it in; null: one of its own. */
  readonly shared: SharedSubject | null;
}

/** What became of a build. */
export interface MadeBuild extends Built {
  /** Whether it is a build of own code of which no earlier run had the same bytes: base's tree may give others. */
  readonly unproven: boolean;
}

const failed = (build: PlannedBuild, error: GateError): MadeBuild => ({
  line: failedBuild(build, error),
  artefact: null,
  unproven: false,
});

/**
 * Makes a build and keeps its artefact. Head's build is made twice where an earlier run had other bytes under the same key, and where
 * nothing else shows whether it varies: it fails with `build-not-deterministic` where the two differ.
 */
export const makeBuild = async (making: Making, build: PlannedBuild, { from, tree, shared }: BuildPlace): Promise<MadeBuild> => {
  if (from instanceof GateError) return failed(build, from);
  if (tree instanceof GateError) return failed(build, tree);
  const { store } = making;
  const key = keyOf(making, build);
  const make = await maker(making, build, from, tree, shared);
  const built = await make();
  if (built.artefact === null) return { ...built, unproven: false };
  // What base makes now is what head is held against, whatever an earlier run had.
  const earlier = build.arm === 'head' ? await findBuild(making, key) : null;
  const unproven = build.arm === 'head' && isOwn(build) && earlier?.artefact !== built.artefact.digest;
  let repeatSeconds: number | null = null;
  // What else the earlier run had (libraries, files that are not declared) is not known: two builds of this run decide.
  if (earlier === null ? isUnseen(making, build) : earlier.artefact !== built.artefact.digest) {
    const again = await make();
    if (again.artefact === null) return { ...again, unproven };
    if (again.artefact.digest !== built.artefact.digest) return { ...failed(build, notDeterministic(build)), unproven };
    repeatSeconds = again.line.seconds;
  }
  const { seconds, facts } = built.line;
  const { digest, content } = built.artefact;
  await keepBuild(making, key, { artefact: digest, content, seconds, facts });
  await store.artefact(built.artefact);
  return { ...built, line: { ...built.line, repeatSeconds }, unproven };
};

/**
 * Whether head's code of a build is new, and no other build of this run will tell if it varies: base's tree makes those that both sides
 * share. Other options of a built-in are no new code.
 */
const isUnseen = ({ plan }: Making, build: PlannedBuild): boolean => {
  if (build.arm !== 'head' || !plan.buildTwice) return false;
  const base = plan.builds.filter(({ arm }) => arm === 'base');
  if (base.some(({ key }) => key === build.key)) return false;
  const before = base.find(({ cell, variant }) => cell === build.cell && variant === build.variant);
  return isOwn(build) || (before !== undefined && before.subject.code !== build.subject.code);
};

/** Returns what makes the build, each time anew. */
const maker = async (
  making: Making,
  build: PlannedBuild,
  from: ArtefactRef,
  tree: string,
  shared: SharedSubject | null,
): Promise<() => Promise<Built>> => {
  const { context, plan, store, trees, folders } = making;
  const setting: Omit<SubjectSetting, 'shared'> = {
    tree,
    worker: context.worker,
    environment: await trees.environment(build.arm),
    confinement: trees.sides.confinement(build.arm),
    seconds: plan.limits.seconds,
    memoryBytes: plan.limits.memoryBytes,
    clock: context.clock,
  };
  const input = { source: await making.source(build), artefact: await folders.view(from, build.arm, isOwn(build) ? 'own' : 'built-in') };
  const output = sealedOutput(making, build, isOwn(build) ? await storedFiles(store, from) : null);
  const makeIn = (process: SharedSubject | null): Promise<Built> => buildArtefact(build, input, { ...setting, shared: process }, output);
  return async () => {
    const first = await makeIn(shared);
    // What builds before it left in its process may be to blame: only how it fails in one of its own counts.
    const again = first.artefact === null && shared?.used === true && !context.signal.aborted;
    return again ? makeIn(null) : first;
  };
};

/** The error of a build whose repetition gave other bytes. */
export const notDeterministic = ({ cell }: Pick<PlannedBuild, 'cell'>): GateError => {
  const message = 'The same code, options, model and seed were built twice in this run. Expected equal files, got different bytes.';
  return new GateError('build-not-deterministic', message, { where: cell });
};
