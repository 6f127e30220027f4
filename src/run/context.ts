import type { ChosenOptions } from '../config/option-value.ts';
import type { Host } from '../host/contract.ts';
import { sessionEnvironment, withoutLibraries } from '../processes/environment.ts';
import type { WorkerProgram } from './worker-process.ts';

/** What the entries hand to every command: where it runs, what was asked, and the only clocks. */
export interface CommandContext {
  readonly host: Host;
  readonly options: ChosenOptions['options'];
  /** `PATH=VALUE` edits of head's configuration. */
  readonly overrides: readonly string[];
  /** The same of base's: what base's own workflow sets. */
  readonly baseOverrides: readonly string[];
  /** The same that the change's own workflow sets. They count where those that hold do not fit head's configuration. */
  readonly ownOverrides: readonly string[];
  /** What the report says of the inputs of the workflow, as sentences. */
  readonly inputNotes: readonly string[];
  /** Working directory inside the user's repository, absolute. */
  readonly root: string;
  /** The same as it was named, through whatever links. */
  readonly workingDirectory: string;
  /** Folder that the working directory was given in, without links: of the action the one of the job. */
  readonly workspace: string;
  /** Folder of the gate itself: models, `package.json`. */
  readonly packageRoot: string;
  /** Program file of the worker entry. */
  readonly worker: string;
  /** Folder of the content-addressed store. */
  readonly storeRoot: string;
  /** Explicit folder of onnxruntime-node, else null: it is looked for. */
  readonly ortPath: string | null;
  /** Whether worker processes look for libraries in the folders of `LD_LIBRARY_PATH`, to which code under test may write. */
  readonly searchesLibraries: boolean;
  /** Milliseconds on a clock that never goes back. */
  readonly clock: () => number;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

/** How worker processes are started: without tokens, with the way to the runtime library, and with no other session options than those of the plan. */
export const workerProgram = (context: CommandContext): WorkerProgram => ({
  program: context.worker,
  environment: sessionEnvironment(context.searchesLibraries ? subjectEnvironment(context) : withoutLibraries(subjectEnvironment(context))),
  cwd: context.root,
});

/** The context in which processes see the variables that a plan declares, too. */
export const withDeclared = (context: CommandContext, declared: readonly string[]): CommandContext =>
  declared.length === 0 ? context : { ...context, host: { ...context.host, subjectEnvironment: context.host.environmentWith(declared) } };

/** What user code and workers see of the environment. */
export const subjectEnvironment = (context: CommandContext): Readonly<Record<string, string>> => ({
  ...context.host.subjectEnvironment,
  ORT_PATH: context.ortPath ?? context.packageRoot,
});
