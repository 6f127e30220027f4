import type { Log } from '../contract.ts';
import { plainLines } from '../plain-text.ts';
import { doneShare, progressLine, type RunProgress, sparseProgress } from '../progress-line.ts';

/** Where the log goes. `columns`: width of a terminal, null where lines stay (a file, a pipe, a CI job). */
export interface Terminal {
  readonly columns: number | null;
  readonly color: boolean;
  write(text: string): void;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What a stream can do: no bar with `CI` or `TERM=dumb`, no color with `NO_COLOR` (any value but the empty one). */
export const terminalOf = (
  stream: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown },
  environment: Environment,
): Terminal => {
  const isTerminal = stream.isTTY === true && !environment['CI'] && environment['TERM'] !== 'dumb';
  return {
    columns: isTerminal ? (stream.columns ?? 80) : null,
    color: isTerminal && !environment['NO_COLOR'],
    write: (text) => void stream.write(text),
  };
};

const BAR = 20;

const bar = (progress: RunProgress, columns: number): string => {
  const filled = Math.round(BAR * doneShare(progress));
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR - filled)}] ${progressLine(progress)}`.slice(0, Math.max(columns - 1, 10));
};

/** Lines for a terminal, with a bar that stays below them; elsewhere plain lines, progress once per tenth of the work. */
export const terminalLog = ({ columns, color, write }: Terminal): Log => {
  let shown = '';
  let sparse = sparseProgress();
  const clear = (): string => (shown === '' ? '' : '\r\u001b[K');
  const print = (text: string): void => write(`${clear()}${plainLines(text).join('\n')}\n${shown}`);
  return {
    info: print,
    warn: (text) => {
      const line = `warning: ${plainLines(text).join('\n')}`;
      write(`${clear()}${color ? `\u001b[33m${line}\u001b[39m` : line}\n${shown}`);
    },
    progress: (state) => {
      if (columns === null) {
        const line = sparse(state);
        if (line !== null) write(`${line}\n`);
        return;
      }
      const next = bar(state, columns);
      if (next === shown) return;
      write(`${clear()}${next}`);
      shown = next;
    },
    endProgress: () => {
      if (shown !== '') write(clear());
      shown = '';
      sparse = sparseProgress();
    },
  };
};
