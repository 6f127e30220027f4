import { GateError } from '../errors.ts';
import type { PlannedBuild } from '../records/plan.ts';
import type { ArtefactRef } from '../records/protocol.ts';
import type { BuiltLine, SampleLine } from '../records/sample.ts';
import { faultOf } from '../run/machine-fault.ts';
import { type Built, failedBuild, foundBuild } from './build.ts';
import { inLanes } from './lanes.ts';
import { isOwn, keyOf, type Making } from './making.ts';
import { referenceOf } from './references.ts';
import { makeBuild } from './repeatable-build.ts';
import { mayShareProcess, openSharedSubject, type SharedSubject } from './shared-subject.ts';
import { findBuild, type StoredBuild, storedBytes } from './stored-build.ts';

/** Why a build is not made; null where it is. */
export type Refused = (build: PlannedBuild) => GateError | null;

/** Makes the builds of a plan, each once, whichever arm or cell wants it. */
export interface BuildQueue {
  /** Makes all builds of one arm that are not refused, on as many lanes as there are processors. */
  makeAll(arm: 'head' | 'base', refused: Refused): Promise<void>;
  /** What a build starts from, or why that is not there. */
  inputOf(build: PlannedBuild): Promise<ArtefactRef | GateError>;
  /** build key → what was built */
  readonly built: ReadonlyMap<string, ArtefactRef>;
  /** build key → its line in the samples */
  readonly lines: ReadonlyMap<string, BuiltLine>;
  /** Keys of head's own builds of which no earlier run had the same bytes. */
  readonly unproven: ReadonlySet<string>;
}

/**
 * Opens the builds of a plan. What the store has of built-ins is found and leased here, before any code of head runs: that code could write
 * what base is then judged by.
 * @param resumed what an earlier, killed run of the plan recorded
 */
export const openBuildQueue = async (
  making: Making,
  resumed: ReadonlyMap<string, BuiltLine>,
  record: (lines: readonly SampleLine[]) => void,
): Promise<BuildQueue> => {
  const { context, plan, store, trees, references } = making;
  const { signal } = context;
  const built = new Map<string, ArtefactRef>();
  const lines = new Map(resumed);
  const unproven = new Set<string>();
  const earlier = await storedBuiltIns(making);

  const finish = (build: PlannedBuild, result: Built, failedStarts: readonly BuiltLine[] = []): void => {
    // A build that an interruption ended says nothing of its code: it is made again when the run resumes.
    if (signal.aborted) return;
    record([...failedStarts, result.line]);
    lines.set(build.key, result.line);
    if (result.artefact !== null) built.set(build.key, result.artefact);
  };

  /** What needs not be made: a built-in of the store, or what an earlier, killed run of the same plan built. */
  const known = async (build: PlannedBuild): Promise<StoredBuild | null> => {
    if (!isOwn(build)) return earlier.get(build.key) ?? null;
    const line = lines.get(build.key);
    if (line?.artefact == null) return null;
    if (build.arm === 'head') unproven.add(build.key);
    const kept = await findBuild(making, keyOf(making, build));
    return kept?.artefact === line.artefact ? kept : null;
  };

  const makeNew = async (build: PlannedBuild, from: ArtefactRef | GateError, shared: SharedSubject | null): Promise<void> => {
    const tree = await trees.folder(build.arm).catch(faultOf);
    const bytes = from instanceof GateError ? Number.POSITIVE_INFINITY : await storedBytes(store, from);
    const attempt = async (process: SharedSubject | null): Promise<Built> => {
      const made = await makeBuild(making, build, { from, tree, shared: process });
      if (made.unproven) unproven.add(build.key);
      return made;
    };
    const first = await attempt(mayShareProcess(build, bytes) ? shared : null);
    const repeated = first.line.error?.starting === true && !signal.aborted;
    if (repeated) finish(build, await attempt(null), [first.line]);
    else finish(build, first);
  };

  const make = async (build: PlannedBuild, refused: Refused, shared: SharedSubject | null): Promise<void> => {
    const error = refused(build);
    // Not made at all: what came out would be kept as that of the wrong side.
    if (error !== null) return finish(build, { line: failedBuild(build, error, null), artefact: null });
    const from = await inputOf(build, refused, shared);
    const line = lines.get(build.key);
    // An earlier, killed run recorded it already.
    if (line?.status === 'failed') return;
    const found = await known(build);
    if (found === null) return makeNew(build, from, shared);
    if (line?.artefact === found.artefact) built.set(build.key, found.ref);
    else finish(build, { line: foundBuild(build, found), artefact: found.ref });
  };

  const begun = new Map<string, Promise<void>>();
  const obtain = (build: PlannedBuild, refused: Refused, shared: SharedSubject | null): Promise<void> => {
    const made = begun.get(build.key) ?? make(build, refused, shared);
    begun.set(build.key, made);
    return made;
  };

  const inputOf = async (build: PlannedBuild, refused: Refused, shared: SharedSubject | null): Promise<ArtefactRef | GateError> => {
    if (build.on === null) return referenceOf(references, build.model);
    const below = plan.builds.find(({ key, arm }) => key === build.on && arm === build.arm);
    if (below === undefined) throw new GateError('internal', `The plan has no build ${build.on}.`, { where: build.cell });
    await obtain(below, refused, shared);
    const message = `This build starts from the build "${below.variant}". That one failed, for the reason that its own error gives.`;
    return built.get(below.key) ?? new GateError('build-failed', message, { where: build.cell });
  };

  return {
    built,
    lines,
    unproven,
    inputOf: (build) => inputOf(build, () => null, null),
    makeAll: async (arm, refused) => {
      let failed = false;
      const makeCell = async (builds: readonly PlannedBuild[]): Promise<void> => {
        const shared = openSharedSubject();
        try {
          for (const build of builds) if (!signal.aborted && !failed) await obtain(build, refused, shared);
        } catch (thrown) {
          failed = true;
          throw thrown;
        } finally {
          await shared.close();
        }
      };
      await inLanes(cellsOf(plan.builds.filter((build) => build.arm === arm)), signal, makeCell);
    },
  };
};

/** What the store has of the built-ins of a plan, leased: build key → what was built. */
const storedBuiltIns = async (making: Making): Promise<ReadonlyMap<string, StoredBuild>> => {
  const { context, plan } = making;
  const stored = new Map<string, StoredBuild>();
  await inLanes(
    plan.builds.filter((build) => !isOwn(build)),
    context.signal,
    async (build) => {
      const found = await findBuild(making, keyOf(making, build));
      if (found !== null) stored.set(build.key, found);
    },
  );
  return stored;
};

/** Builds cell by cell. The cell of most builds comes first, so that no lane is left with a long list at the end. */
const cellsOf = (builds: readonly PlannedBuild[]): readonly (readonly PlannedBuild[])[] =>
  [...Map.groupBy(builds, ({ cell }) => cell).values()].toSorted((a, b) => b.length - a.length);
