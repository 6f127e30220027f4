/** What the program needs from where it runs. Two implementations: `local/` and `github/`. */
import type { HostEvent } from '../records/event.ts';
import type { Coded } from '../records/words.ts';

export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice';
  readonly title: string;
  readonly message: string;
}

export interface Published {
  /** Markdown of the pull-request comment, ≤ 60,000 characters, without the marker. */
  readonly comment: string;
  /** Markdown of the job summary, or the text for a terminal. */
  readonly summary: string;
  readonly text: string;
  readonly annotations: readonly Annotation[];
  /** Whether the comment is posted where there is none of this gate yet; else it only replaces an earlier one. */
  readonly opensComment: boolean;
  /** How bad it is: of two jobs of one run that share a comment, the worse one keeps it. */
  readonly severity: 'fine' | 'undecided' | 'bad';
  /** Which of several projects of a repository it is about: each has a comment of its own. Null: the only one. */
  readonly project: string | null;
}

/** The text of a file below baselines/ (`linux-x64/tiny.json`) as the branch has it now, or null. */
export type BaselineReader = (path: string) => Promise<string | null>;

/** Whether a commit has another one, `forCommit` of the change, among its ancestors; false for what is not known. */
export type Descends = (commit: string) => Promise<boolean>;

export interface BaselineChange {
  /** Commit whose measurement this is, part of the default branch. */
  readonly forCommit: string;
  /**
   * path below baselines/ → content, computed from what `read` finds at the head of the branch. It is called anew whenever
   * another writer was faster, so that concurrent updates lose nothing: keep no state between calls.
   */
  readonly files: (read: BaselineReader, descends: Descends) => Promise<Readonly<Record<string, string>>>;
}

/** Lines for people. `progress` is replaced in place on a terminal and printed sparsely elsewhere. */
export interface Log {
  info(text: string): void;
  warn(text: string): void;
  progress(state: { readonly done: number; readonly total: number; readonly cell: string; readonly secondsLeft: number | null }): void;
  endProgress(): void;
}

/** What an entry gave: `damaged` is one whose content is not what was saved, and of which nothing may be used. */
export type Restored =
  | { readonly status: 'nothing' }
  | { readonly status: 'restored'; readonly key: string }
  | { readonly status: 'damaged'; readonly key: string };

/** Keeps files between jobs. Nothing of it throws: a cache is an optimization, and what goes wrong is said in the log and the report. */
export interface WorkflowCache {
  /** Writes the content of the newest entry whose key begins with the first of the prefixes that has one into an empty folder. */
  restore(prefixes: readonly string[], folder: string): Promise<Restored>;
  /** Keeps the content of a folder as a new entry. `exists`: another job keeps one of this key. */
  save(key: string, folder: string): Promise<'saved' | 'exists' | 'off'>;
  /** Says once in the log and the report that something of the cache went wrong. */
  warn(text: string): void;
}

/** Whose the workflow is that started a run, and with it the options of the run. */
export type WorkflowSource =
  /** A file of the change itself. `job`: id of the job that runs; `action`: `OWNER/NAME` of the gate; null where the host does not say. */
  | { readonly kind: 'change'; readonly path: string; readonly job: string | null; readonly action: string | null }
  /** Nothing that a change can edit: of the base branch, of another repository, or a person at a terminal. */
  | { readonly kind: 'trusted' }
  | { readonly kind: 'unknown' };

export interface Host {
  /** Whether it is a developer's own machine: whoever started the run chose its files. False for the job of a workflow. */
  readonly isOwnMachine: boolean;
  /** The page of this run, or null where there is none. */
  readonly runUrl: string | null;
  readonly workflow: WorkflowSource;
  /** What started this run, as far as the host says without being asked. */
  readonly event: HostEvent;
  /** The same with what the host says of it when asked. Never throws: what cannot be had is named in the event. */
  completeEvent(): Promise<HostEvent>;
  readonly log: Log;
  readonly cache: WorkflowCache;
  /** The environment that user code may see: an allow-list without tokens, INPUT_* and runner command files. */
  readonly subjectEnvironment: Readonly<Record<string, string>>;
  /** The same with variables that the configuration declares, as far as they are set. */
  environmentWith(declared: readonly string[]): Readonly<Record<string, string>>;
  /** Never throws: reporting cannot change the verdict. Returns what went wrong, with the missing permission named. */
  publish(report: Published): Promise<readonly Coded[]>;
  /** Commits baseline files (optimistic lock, idempotent per commit). Throws a coded error that loses nothing. */
  writeBaselines(change: BaselineChange): Promise<'written' | 'already'>;
  /** Throws a coded error where this run can write no baselines at all, whatever it measures. */
  requireBaselineWriter(): void;
  /** Keeps outputs until `writeOutputs`; a later value takes the place of an earlier one. */
  setOutputs(outputs: Readonly<Record<string, string | number | boolean>>): void;
  /** Writes the outputs, last of all: nothing that ran before can have changed them. */
  writeOutputs(): void;
}
