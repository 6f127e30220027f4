import type { Plan, PlannedBuild } from '../records/plan.ts';
import type { CommandContext } from '../run/context.ts';
import type { SharedWorker } from '../run/worker-process.ts';
import type { ProgramWatch } from './program-watch.ts';
import type { References } from './references.ts';
import type { SourceCopies } from './source-copies.ts';
import { type Stock, storedBuildKey } from './stored-build.ts';
import type { SubjectFolders } from './subject-folders.ts';
import type { Trees } from './trees.ts';

/** Where artefacts are kept, and on what they are made. */
export interface Workshop extends Stock {
  /** Model of the processor. */
  readonly cpu: string;
  /** The checkouts that builds and policies run in. */
  readonly trees: Trees;
  readonly folders: SubjectFolders;
  /** The gate's own files. */
  readonly program: ProgramWatch;
}

/** What every build of a run is made with. */
export interface Making extends Workshop {
  readonly context: CommandContext;
  readonly plan: Plan;
  readonly references: References;
  readonly source: SourceCopies['folder'];
  /** Checks and keeps what was built. */
  readonly sealer: SharedWorker;
}

/** What the store knows the result of a planned build by. */
export const keyOf = ({ cpu, plan }: Pick<Making, 'cpu' | 'plan'>, build: PlannedBuild): string =>
  storedBuildKey(build.key, cpu, plan.runtime.ort);

/** Whether a build is one of the user's own code. */
export const isOwn = ({ subject }: Pick<PlannedBuild, 'subject'>): boolean => subject.door.kind !== 'builtin';
