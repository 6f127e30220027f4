import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants } from 'node:os';
import { type Confinement, systemProgram } from './confinement.ts';
import { descendants, isSameProcess, markedProcesses, type ProcessId, residentBytes, sessionMembers } from './process-tree.ts';
import { findProgram, rememberedProgram } from './program-path.ts';

const pollMilliseconds = 100;
/** How long a process that was asked to end may take before it is killed. */
const graceMilliseconds = 2_000;
/** Between two looks at whether what was killed is gone. */
const goneMilliseconds = 5;
/** How long output that is still in the pipes may take to arrive after the end. */
const drainMilliseconds = 3_000;

export type StopReason = 'timeout' | 'memory' | 'killed';

export interface GroupOptions {
  /** The program and its arguments; the program is looked up on the PATH of `environment`. */
  readonly argv: readonly string[];
  readonly cwd: string;
  /** The whole environment of the child: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  /** Limit of the resident set of the process and all its descendants, polled ten times a second; null: none. */
  readonly memoryBytes: number | null;
  /** How what it starts is held together; null for programs of the gate itself. */
  readonly confinement: Confinement | null;
  readonly stdin: 'pipe' | 'ignore';
  readonly ipc: boolean;
}

export type GroupEnd =
  | { readonly status: 'exited'; readonly code: number }
  | { readonly status: 'signalled'; readonly signal: string }
  | { readonly status: StopReason }
  | { readonly status: 'failed-to-start'; readonly message: string };

const living = new Set<ProcessGroup>();

/** Kills every process that this module started and that still runs. For the entries' handlers of SIGINT and SIGTERM. */
export const killAllProcesses = (): void => {
  for (const group of living) group.killNow();
};

/**
 * A child that leads a process group and a session of its own, without a shell. When it ends, by itself or not, whatever it
 * started and left behind is killed too: with a confinement all of it, else what was seen or is still in the session.
 */
export class ProcessGroup {
  /** Null when the system refused to start it at once: then `ended` says why. */
  readonly child: ChildProcess | null;
  /** Settles once the child is gone and its output was read; never rejects. */
  readonly ended: Promise<GroupEnd>;
  readonly #memoryBytes: number | null;
  readonly #confinement: Confinement | null;
  /** In the environment of what the kernel does not hold together. */
  readonly #mark = randomUUID();
  readonly #seen = new Map<number, ProcessId>();
  #reason: StopReason | null = null;
  #poll: NodeJS.Timeout | null = null;
  #grace: NodeJS.Timeout | null = null;

  constructor(options: GroupOptions) {
    this.#memoryBytes = options.memoryBytes;
    this.#confinement = options.confinement;
    let child: ChildProcess | null = null;
    let refusal = '';
    try {
      const [program = '', ...args] = this.#argv(options);
      child = spawn(program, args, {
        cwd: options.cwd,
        env: this.#environment(options),
        shell: false,
        detached: true,
        windowsHide: true,
        serialization: 'json',
        stdio: options.ipc ? [options.stdin, 'pipe', 'pipe', 'ipc'] : [options.stdin, 'pipe', 'pipe'],
      });
    } catch (thrown) {
      refusal = thrown instanceof Error ? thrown.message : String(thrown);
    }
    this.child = child;
    // A child that ends without reading its input breaks the pipe: its end says enough.
    child?.stdin?.on('error', () => {});
    this.ended = child === null ? Promise.resolve({ status: 'failed-to-start', message: refusal }) : this.#watch(child);
  }

  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  /** Asks the whole group to end, and kills it when it does not; a memory limit kills at once. The first reason counts. */
  stop(reason: StopReason): void {
    if (this.#reason !== null || this.pid === null) return;
    this.#reason = reason;
    if (reason === 'memory') {
      this.killNow();
      return;
    }
    this.#note();
    this.#signal('SIGTERM');
    this.#grace = setTimeout(() => this.killNow(), graceMilliseconds);
  }

  killNow(): void {
    this.#note();
    // A reaper that ends first lets what it holds go. It ends when its program does.
    if (this.#confinement?.kind !== 'reaper') this.#signal('SIGKILL');
    for (const one of this.#seen.values()) if (one.pid !== this.pid && isSameProcess(one)) this.#kill(one.pid, 'SIGKILL');
  }

  get #isMarked(): boolean {
    return this.#confinement !== null && this.#confinement.kind !== 'namespaces';
  }

  /** The command line as it is started. A program that is not there fails to start, whatever would have started it. */
  #argv({ argv, confinement, cwd, environment }: GroupOptions): readonly string[] {
    const [name = '', ...args] = argv;
    if (confinement === null && process.platform !== 'win32') return [rememberedProgram(name, cwd, environment['PATH'] ?? ''), ...args];
    if (confinement === null || confinement.argv.length === 0) return argv;
    const program = findProgram(name, cwd, environment['PATH'] ?? '');
    const variables = Object.entries(this.#marked(environment)).map(([key, value]) => `${key}=${value}`);
    // `env` would take such a path for a variable.
    const plain = program.includes('=') ? ['/bin/sh', '-c', 'exec "$@"', 'sh', program] : [program];
    return [...confinement.asRoot, ...confinement.argv, systemProgram('env') ?? 'env', '-i', ...variables, ...plain, ...args];
  }

  /** Only the program has its environment, which could lead astray what starts it with more rights. */
  #environment({ confinement, environment }: GroupOptions): Readonly<Record<string, string>> {
    return confinement === null || confinement.argv.length === 0 ? this.#marked(environment) : {};
  }

  #marked(environment: GroupOptions['environment']): GroupOptions['environment'] {
    return this.#isMarked ? { ...environment, [markName]: this.#mark } : environment;
  }

  /** A namespace has a shell as its first process, and a shell tells a signal by the exit status. */
  #endOf(code: number | null, signal: string | null): GroupEnd {
    const inside = this.#confinement?.kind === 'namespaces' && code !== null ? signalNames.get(code - 128) : undefined;
    const name = signal ?? inside;
    return name === undefined ? { status: 'exited', code: code ?? 0 } : { status: 'signalled', signal: name };
  }

  #watch(child: ChildProcess): Promise<GroupEnd> {
    return new Promise((resolve) => {
      let end: GroupEnd | null = null;
      const settle = (): void => {
        living.delete(this);
        if (living.size === 0) process.removeListener('exit', killAllProcesses);
        if (end !== null) resolve(end);
      };
      child.on('error', (error) => {
        if (child.pid !== undefined) return;
        end = { status: 'failed-to-start', message: error.message };
        settle();
      });
      if (child.pid === undefined) return;
      if (living.size === 0) process.once('exit', killAllProcesses);
      living.add(this);
      this.#note();
      this.#poll = setInterval(() => this.#check(), pollMilliseconds);
      this.#poll.unref();
      child.once('exit', (code, signal) => {
        if (this.#poll !== null) clearInterval(this.#poll);
        if (this.#grace !== null) clearTimeout(this.#grace);
        this.#killLeftBehind();
        end = this.#reason === null ? this.#endOf(code, signal) : { status: this.#reason };
        const closed = new Promise<void>((done) => child.once('close', () => done()));
        const drained = new Promise<void>((done) => {
          const drain = setTimeout(() => {
            child.stdout?.destroy();
            child.stderr?.destroy();
            done();
          }, drainMilliseconds);
          void closed.then(() => {
            clearTimeout(drain);
            done();
          });
        });
        void Promise.all([drained, this.#gone()]).then(settle);
      });
    });
  }

  /** The leader is gone, so its descendants can no longer be found through it: its session is searched. */
  #killLeftBehind(): void {
    if (this.pid === null) return;
    this.#signal('SIGKILL');
    // The kernel ends a namespace whole.
    const left = this.#confinement?.kind === 'namespaces' ? [] : sessionMembers(this.pid);
    for (const one of [...left, ...(this.#isMarked ? markedProcesses(`${markName}=${this.#mark}`) : [])]) this.#seen.set(one.pid, one);
    for (const one of this.#seen.values()) if (one.pid !== this.pid && isSameProcess(one)) this.#kill(one.pid, 'SIGKILL');
  }

  /** Settles when nothing is left of what was seen, or what is left cannot be killed. */
  #gone(): Promise<void> {
    return new Promise((done) => {
      let looks = drainMilliseconds / goneMilliseconds;
      const look = (): void => {
        looks -= 1;
        if (looks > 0 && [...this.#seen.values()].some(isSameProcess)) setTimeout(look, goneMilliseconds);
        else done();
      };
      look();
    });
  }

  #check(): void {
    const current = this.#note();
    if (this.#memoryBytes === null) return;
    const resident = residentBytes(current, this.#memoryBytes);
    if (resident !== null && resident > this.#memoryBytes) this.stop('memory');
  }

  #note(): readonly ProcessId[] {
    if (this.pid === null) return [];
    const current = descendants(this.pid);
    for (const one of current) this.#seen.set(one.pid, one);
    return current;
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.pid !== null) this.#kill(process.platform === 'win32' ? this.pid : -this.pid, signal);
  }

  /** A process that is gone, or a group without members, is no error. */
  #kill(pid: number, signal: NodeJS.Signals): void {
    const [program, ...args] = this.#confinement?.asRoot ?? [];
    if (program === undefined) signalQuietly(pid, signal);
    else spawnSync(program, [...args, systemProgram('kill') ?? 'kill', '-s', signal.slice(3), '--', String(pid)], { stdio: 'ignore' });
  }
}

const markName = 'OPTIMIZATION_GATE_MARK';

/** Where two names stand for one number (`SIGABRT`, `SIGIOT`), the usual one comes first. */
const signalNames: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals)
    .toReversed()
    .map(([name, number]) => [number, name]),
);

const signalQuietly = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
};

/** How a process ended, in words that follow its name. */
export const describeEnd = (end: GroupEnd): string => {
  switch (end.status) {
    case 'exited':
      return `ended with exit status ${end.code}`;
    case 'signalled':
      return `was ended by ${end.signal}${end.signal === 'SIGKILL' ? ', perhaps because the system ran out of memory' : ''}`;
    case 'failed-to-start':
      return `could not be started: ${end.message}`;
    case 'timeout':
      return 'took too long and was ended';
    case 'memory':
      return 'used more memory than it may and was ended';
    case 'killed':
      return 'was ended on request';
  }
};
