import type { Confinement } from './confinement.ts';
import { OutputTail } from './output-tail.ts';
import { ProcessGroup } from './process-group.ts';

const stderrTailBytes = 64 * 1024;

export interface Command {
  /** The program and its arguments, run without a shell. */
  readonly argv: readonly string[];
  readonly cwd: string;
  /** The whole environment of the child: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  readonly timeoutSeconds: number;
  /** Limit of the resident set of the whole process tree, polled ten times a second. */
  readonly memoryBytes?: number;
  /** How what it starts is held together; nothing but the process tree unless told. */
  readonly confinement?: Confinement;
  /** Bytes of standard output that are kept; the rest is read and dropped. */
  readonly maxOutputBytes: number;
  readonly signal?: AbortSignal;
  /** Seconds on a steady clock, to measure how long it took. */
  readonly clock?: () => number;
}

export interface CommandResult {
  /** `signalled`: ended by a signal that was not ours; `killed`: by the AbortSignal. */
  readonly status: 'exited' | 'timeout' | 'memory' | 'signalled' | 'killed' | 'failed-to-start';
  /** Exit status, null unless `exited`. */
  readonly code: number | null;
  /** Name of the signal, null unless `signalled`. */
  readonly signal: string | null;
  readonly stdout: Buffer;
  /** Whether standard output was longer than `maxOutputBytes`. */
  readonly truncated: boolean;
  /** The last 64 KiB of standard error; for `failed-to-start` what the system said. */
  readonly stderr: string;
  /** Null without a clock. */
  readonly seconds: number | null;
}

/**
 * Runs a program to its end, within its limits, and reports how it ended; never throws for what the program does. What it
 * started and left behind is killed when it ends.
 */
export const runCommand = async (command: Command): Promise<CommandResult> => {
  const started = command.clock?.() ?? null;
  if (command.signal?.aborted === true)
    return { status: 'killed', code: null, signal: null, stdout: Buffer.alloc(0), truncated: false, stderr: '', seconds: null };
  const group = new ProcessGroup({
    argv: command.argv,
    cwd: command.cwd,
    environment: command.environment,
    memoryBytes: command.memoryBytes ?? null,
    confinement: command.confinement ?? null,
    stdin: command.input === undefined ? 'ignore' : 'pipe',
    ipc: false,
  });
  const kept: Buffer[] = [];
  let room = command.maxOutputBytes;
  let truncated = false;
  group.child?.stdout?.on('data', (chunk: Buffer) => {
    if (chunk.length > room) truncated = true;
    if (room > 0) kept.push(chunk.subarray(0, room));
    room = Math.max(0, room - chunk.length);
  });
  const errors = new OutputTail(stderrTailBytes);
  group.child?.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  if (command.input !== undefined) group.child?.stdin?.end(command.input);
  const timer = setTimeout(() => group.stop('timeout'), command.timeoutSeconds * 1000);
  const abort = (): void => group.stop('killed');
  command.signal?.addEventListener('abort', abort, { once: true });
  const end = await group.ended;
  clearTimeout(timer);
  command.signal?.removeEventListener('abort', abort);
  return {
    status: end.status,
    code: end.status === 'exited' ? end.code : null,
    signal: end.status === 'signalled' ? end.signal : null,
    stdout: Buffer.concat(kept),
    truncated,
    stderr: end.status === 'failed-to-start' ? end.message : errors.text(),
    seconds: started === null || command.clock === undefined ? null : command.clock() - started,
  };
};
