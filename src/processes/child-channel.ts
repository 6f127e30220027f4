import { GateError } from '../errors.ts';
import { channelError, memoryLimit, type ProcessRole } from './channel-error.ts';
import { OutputTail } from './output-tail.ts';
import { type GroupEnd, ProcessGroup } from './process-group.ts';

const tailBytes = 16 * 1024;

export interface ChildOptions {
  /** What to call it in errors, such as `launch 7`. */
  readonly where: string;
  readonly role: ProcessRole;
  /** JavaScript or TypeScript file, run by the Node that runs this program. */
  readonly program: string;
  readonly args: readonly string[];
  readonly execArgv?: readonly string[];
  /** The whole environment of the child: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly memoryBytes: number | null;
}

export interface ReceiveLimits {
  readonly timeoutSeconds: number;
  readonly silenceSeconds?: number;
  /** Name of the limit that these times come from, for messages. */
  readonly named?: string;
}

/** A long-lived Node child that exchanges JSON messages with this process. */
export interface ChildChannel {
  readonly pid: number | null;
  /** Sends one message. After the child has ended this does nothing: `receive` says why it ended. */
  send(message: unknown): void;
  /**
   * The next message. A message of the form `{"heartbeat": …}` is never handed over, but restarts `silenceSeconds`, if given.
   * Throws `…-timeout` (and ends the child) when the message has not come after `timeoutSeconds`, or nothing at all has
   * come for `silenceSeconds`; `…-memory` and `…-crashed` when the child has ended. Messages sent before the end come first.
   */
  receive(limits: ReceiveLimits): Promise<unknown>;
  /** How it ended, with the last 16 KiB of its standard output and standard error together; never rejects. */
  readonly ended: Promise<{ readonly end: GroupEnd; readonly output: string }>;
  /** Ends the child and everything that it started, and waits for that. */
  kill(): Promise<void>;
}

interface Waiting {
  hand(message: unknown): void;
  beat(): void;
  fail(): void;
}

/** Starts a child with a message channel. A failed start shows at `receive` and `ended`, so this never throws. */
export const openChild = (options: ChildOptions): ChildChannel => {
  const group = new ProcessGroup({
    argv: [process.execPath, ...(options.execArgv ?? []), options.program, ...options.args],
    cwd: options.cwd,
    environment: options.environment,
    memoryBytes: options.memoryBytes,
    confinement: null,
    stdin: 'ignore',
    ipc: true,
  });
  const tail = new OutputTail(tailBytes);
  group.child?.stdout?.on('data', (chunk: Buffer) => tail.push(chunk));
  group.child?.stderr?.on('data', (chunk: Buffer) => tail.push(chunk));

  const inbox: unknown[] = [];
  let waiting: Waiting | null = null;
  let finished: GroupEnd | null = null;
  let late = '';
  let lastSeen = '';
  let answered = false;
  const failure = (end: GroupEnd): GateError => {
    const detail = end.status === 'timeout' ? late : end.status === 'memory' ? memoryLimit(options.memoryBytes) : '';
    return channelError({ role: options.role, where: options.where, end, stderr: tail.text(), answered, detail });
  };
  group.child?.on('message', (message) => {
    answered = true;
    if (isHeartbeat(message)) {
      lastSeen = typeof message.heartbeat === 'string' ? `, last seen at ${message.heartbeat}` : '';
      waiting?.beat();
    } else if (waiting === null) inbox.push(message);
    else waiting.hand(message);
  });
  const ended = group.ended.then((end) => {
    finished = end;
    waiting?.fail();
    return { end, output: tail.text() };
  });

  const receive: ChildChannel['receive'] = ({ timeoutSeconds, silenceSeconds, named }) =>
    new Promise((resolve, reject) => {
      if (waiting !== null)
        throw new GateError('internal', 'Two messages of one process were waited for at once.', { where: options.where });
      const fail = (): void => {
        settle();
        if (finished !== null) reject(failure(finished));
      };
      if (inbox.length > 0) {
        resolve(inbox.shift());
        return;
      }
      if (finished !== null) {
        reject(failure(finished));
        return;
      }
      const stop = (what: string, seconds: number) => (): void => {
        late = `${what} within ${seconds} s${named === undefined ? '' : ` (${named})`}${lastSeen}`;
        group.stop('timeout');
      };
      const timer = setTimeout(stop('no end', timeoutSeconds), timeoutSeconds * 1000);
      let silence = silenceSeconds === undefined ? null : setTimeout(stop('no sign of life', silenceSeconds), silenceSeconds * 1000);
      const settle = (): void => {
        clearTimeout(timer);
        if (silence !== null) clearTimeout(silence);
        waiting = null;
      };
      waiting = {
        hand: (message) => {
          settle();
          resolve(message);
        },
        beat: () => {
          silence = silence?.refresh() ?? null;
        },
        fail,
      };
    });

  return {
    pid: group.pid,
    send: (message) => {
      // An error here means that the child is ending: `receive` reports the end.
      if (group.child?.connected === true) group.child.send(message as object, () => {});
    },
    receive,
    ended,
    kill: async () => {
      group.stop('killed');
      await ended;
    },
  };
};

const isHeartbeat = (message: unknown): message is { readonly heartbeat: unknown } =>
  typeof message === 'object' && message !== null && 'heartbeat' in message;
