import { GateError } from '../errors.ts';
import { channelError, memoryLimit, type ProcessRole } from './channel-error.ts';
import type { Confinement } from './confinement.ts';
import { OutputTail } from './output-tail.ts';
import { type GroupEnd, ProcessGroup } from './process-group.ts';
import { hasRepeatedKey } from './repeated-key.ts';

const tailBytes = 16 * 1024;
const defaultLineBytes = 16 * 1024 * 1024;

export interface LineChannelOptions {
  /** What to call it in errors, such as `MODEL/OPTIMIZATION head`. */
  readonly where: string;
  readonly role?: ProcessRole;
  readonly argv: readonly string[];
  readonly cwd: string;
  /** The whole environment of the child: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly memoryBytes: number | null;
  /** How what it starts is held together; nothing but the process tree unless told. */
  readonly confinement?: Confinement;
  /** Longest answer, without its newline; 16 MiB unless told. */
  readonly maxLineBytes?: number;
}

/** A program in any language that answers each JSON line on its standard input with one JSON line on its standard output. */
export interface LineChannel {
  readonly pid: number | null;
  /**
   * Sends one line and waits for the one that answers it. One question at a time. Throws `subject-protocol` when the answer is
   * not one line of JSON in UTF-8, repeats a key, is too long, or comes unasked; `subject-timeout` after `timeoutSeconds`, in the words of `late`
   * (what was waited for, and the limit); `subject-memory`; `subject-crashed` when the program ends instead, with the end of its standard error. After any of these the program has been
   * ended, and every later question throws the same error.
   */
  ask(message: unknown, timeoutSeconds: number, late?: string): Promise<unknown>;
  /** The same with a line of plain text (without line breaks) instead of JSON. */
  askText(line: string, timeoutSeconds: number, late?: string): Promise<unknown>;
  /** How it ended; never rejects. */
  readonly ended: Promise<GroupEnd>;
  /** Closes its standard input and gives it `graceSeconds` to end by itself, then ends it and all that it started. */
  close(graceSeconds: number): Promise<void>;
}

interface Question {
  resolve(answer: unknown): void;
  reject(error: GateError): void;
}

/** Starts a program that speaks JSON lines. A failed start shows at the first `ask`. */
export const openLineChannel = (options: LineChannelOptions): LineChannel => new Lines(options);

class Lines implements LineChannel {
  readonly ended: Promise<GroupEnd>;
  readonly #options: LineChannelOptions;
  readonly #group: ProcessGroup;
  readonly #errors = new OutputTail(tailBytes);
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #partial: Buffer[] = [];
  #partialBytes = 0;
  #question: Question | null = null;
  #failure: GateError | null = null;
  #late = '';
  #finished: GroupEnd | null = null;
  #answered = false;

  constructor(options: LineChannelOptions) {
    this.#options = options;
    this.#group = new ProcessGroup({ ...options, confinement: options.confinement ?? null, stdin: 'pipe', ipc: false });
    this.#group.child?.stdout?.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#group.child?.stderr?.on('data', (chunk: Buffer) => this.#errors.push(chunk));
    this.ended = this.#group.ended.then((end) => {
      this.#finished = end;
      if (this.#question !== null) this.#fail(this.#crash(end));
      return end;
    });
  }

  get pid(): number | null {
    return this.#group.pid;
  }

  ask(message: unknown, timeoutSeconds: number, late?: string): Promise<unknown> {
    return this.askText(JSON.stringify(message), timeoutSeconds, late);
  }

  async askText(line: string, timeoutSeconds: number, late = ''): Promise<unknown> {
    if (this.#question !== null)
      throw new GateError('internal', 'A program was asked before its last answer came.', { where: this.#options.where });
    if (this.#failure !== null) throw this.#failure;
    if (this.#finished !== null) throw this.#fail(this.#crash(this.#finished));
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#question = { resolve, reject };
    });
    this.#late = late;
    const timer = setTimeout(() => this.#group.stop('timeout'), timeoutSeconds * 1000);
    this.#group.child?.stdin?.write(`${line}\n`);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  async close(graceSeconds: number): Promise<void> {
    this.#group.child?.stdin?.end();
    const timer = setTimeout(() => this.#group.stop('killed'), graceSeconds * 1000);
    await this.ended;
    clearTimeout(timer);
  }

  #take(chunk: Buffer): void {
    if (this.#failure !== null) return;
    let rest = chunk;
    for (let newline = rest.indexOf(0x0a); newline !== -1 && this.#failure === null; newline = rest.indexOf(0x0a)) {
      this.#keep(rest.subarray(0, newline));
      rest = rest.subarray(newline + 1);
      const line = Buffer.concat(this.#partial);
      this.#partial = [];
      this.#partialBytes = 0;
      if (this.#failure === null) this.#answer(line);
    }
    if (this.#failure === null) this.#keep(rest);
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#partial.push(bytes);
    this.#partialBytes += bytes.length;
    const limit = this.#options.maxLineBytes ?? defaultLineBytes;
    if (this.#partialBytes > limit) this.#refuse(`a line of more than ${limit} bytes`);
    else if (this.#question === null) this.#refuse(`output before any question: ${excerpt(Buffer.concat(this.#partial))}`);
  }

  #answer(line: Buffer): void {
    const question = this.#question;
    if (question === null) {
      this.#refuse('an empty line before any question');
      return;
    }
    let text = '';
    let answer: unknown;
    try {
      text = this.#decoder.decode(line);
      answer = JSON.parse(text);
    } catch {
      this.#refuse(`an answer that is not one line of JSON in UTF-8: ${excerpt(line)}`);
      return;
    }
    if (hasRepeatedKey(text, answer)) {
      this.#refuse(`an answer in which a key is repeated: ${excerpt(line)}`);
      return;
    }
    this.#question = null;
    this.#answered = true;
    question.resolve(answer);
  }

  #refuse(what: string): void {
    this.#partial = [];
    this.#fail(
      new GateError('subject-protocol', `The program was to answer each question with one line of JSON. Got ${what}.`, {
        where: this.#options.where,
      }),
    );
    this.#group.stop('killed');
  }

  #crash(end: GroupEnd): GateError {
    const detail = this.#whereItWas(end);
    const { role = 'subject', where } = this.#options;
    return channelError({ role, where, end, stderr: this.#errors.text(), answered: this.#answered || this.#partialBytes > 0, detail });
  }

  #whereItWas({ status }: GroupEnd): string {
    if (status === 'timeout' && this.#late !== '') return this.#late;
    if (status === 'memory') return memoryLimit(this.#options.memoryBytes);
    return this.#partialBytes > 0 ? 'in the middle of an answer' : status === 'exited' ? 'without an answer' : '';
  }

  #fail(error: GateError): GateError {
    this.#failure ??= error;
    const question = this.#question;
    this.#question = null;
    question?.reject(this.#failure);
    return this.#failure;
  }
}

const excerpt = (bytes: Buffer): string => JSON.stringify(`${bytes.subarray(0, 120).toString('utf8')}${bytes.length > 120 ? '…' : ''}`);
