import { allowedEnvironment } from '../../processes/environment.ts';
import type { Host, WorkflowCache } from '../contract.ts';
import { writeBaselineFiles } from './baseline-files.ts';
import { terminalLog, terminalOf } from './log.ts';

export interface LocalHostOptions {
  /** Root of the repository, asked when baselines are written: `baselines/` lies there, wherever in it the gate works. */
  readonly root: () => Promise<string>;
  /** Whether a commit has an ancestor; false for what this clone does not know. */
  readonly descends: (commit: string, ancestor: string) => Promise<boolean>;
  /** For lines about the work; default: standard error, so that standard output holds only the result. */
  readonly logTo?: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown };
  /** For the report; default: standard output. Null: nothing is printed (`--json` prints by itself). */
  readonly printTo?: { write(text: string): unknown } | null;
}

/** The developer's disk keeps models and artefacts by itself. */
const noCache: WorkflowCache = { restore: async () => ({ status: 'nothing' }), save: async () => 'off', warn: () => {} };

/** A run on a developer's machine: progress on the terminal, the report as text, baselines into the working tree. */
export const localHost = (environment: Readonly<Record<string, string | undefined>>, options: LocalHostOptions): Host => {
  const printTo = options.printTo === undefined ? process.stdout : options.printTo;
  const log = terminalLog(terminalOf(options.logTo ?? process.stderr, environment));
  const event = { kind: 'developer', measures: 'change' } as const;
  return {
    isOwnMachine: true,
    runUrl: null,
    workflow: { kind: 'trusted' },
    event,
    completeEvent: async () => event,
    log,
    cache: noCache,
    subjectEnvironment: allowedEnvironment(environment),
    environmentWith: (declared) => allowedEnvironment(environment, declared),
    publish: async (report) => {
      log.endProgress();
      printTo?.write(`${report.text.trimEnd()}\n`);
      return [];
    },
    writeBaselines: async (change) =>
      writeBaselineFiles(await options.root(), change, (commit) => options.descends(commit, change.forCommit)),
    requireBaselineWriter: () => {},
    setOutputs: () => {},
    writeOutputs: () => {},
  };
};
