import type { Log } from '../contract.ts';
import { sparseProgress } from '../progress-line.ts';
import { inertLines } from './workflow-command.ts';

/** The job log: no line of it can be a workflow command; progress is one line per tenth of the work. */
export const jobLog = (write: (text: string) => void): Log => {
  let sparse = sparseProgress();
  const print = (text: string): void => write(`${inertLines(text).join('\n')}\n`);
  return {
    info: print,
    warn: (text) => print(`warning: ${text}`),
    progress: (state) => {
      const line = sparse(state);
      if (line !== null) print(line);
    },
    endProgress: () => {
      sparse = sparseProgress();
    },
  };
};
