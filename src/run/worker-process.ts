import { asGateError, type ErrorCode, errorTable, GateError } from '../errors.ts';
import { type ChildChannel, openChild } from '../processes/child-channel.ts';
import { decodeValue } from '../records/decode.ts';
import { type FromWorker, fromWorker, type ToWorker } from '../records/protocol.ts';
import type { Coded } from '../records/words.ts';

/** How the worker program is started; the same for every process of a run. */
export interface WorkerProgram {
  /** JavaScript or TypeScript file of the worker entry. */
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Options of Node itself. */
  readonly execArgv?: readonly string[];
}

export interface WorkerLimits {
  readonly seconds: number;
  /** Longest time without a sign of life. */
  readonly silenceSeconds: number;
  readonly memoryBytes: number | null;
  /** Name of the configured limit that the times come from; null for fixed ones. */
  readonly named: string | null;
}

/** Limits of the gate's own work, which no configuration bounds. */
export const fixedLimits = (seconds: number): WorkerLimits => ({ seconds, silenceSeconds: seconds, memoryBytes: null, named: null });

type Answer<Type extends FromWorker['type']> = Extract<FromWorker, { type: Type }>;

/**
 * Starts a fresh worker process, asks it one thing and ends it. A fresh process is the replicate that numbers rest on, and
 * keeps a crash, a leak or a hang of measured code out of this process.
 *
 * Throws what the worker reports (`failed`), or `launch-crashed`, `launch-timeout`, `launch-memory`.
 */
export const askWorker = async <Type extends FromWorker['type']>(
  worker: WorkerProgram,
  request: ToWorker,
  expected: Type,
  limits: WorkerLimits,
  where: string,
): Promise<Answer<Type>> => {
  const child = openChild({ ...worker, where, role: 'launch', args: [], memoryBytes: limits.memoryBytes });
  try {
    return await exchange(child, request, expected, limits, where);
  } finally {
    await child.kill();
  }
};

const exchange = async <Type extends FromWorker['type']>(
  child: ChildChannel,
  request: ToWorker,
  expected: Type,
  limits: WorkerLimits,
  where: string,
): Promise<Answer<Type>> => {
  child.send(request);
  const { seconds, silenceSeconds, named } = limits;
  const received = await child.receive({ timeoutSeconds: seconds, silenceSeconds, named: named ?? 'a fixed limit' });
  const answer = decodeValue(fromWorker, received, where);
  if (answer.type === 'failed') throw new WorkerFailure(answer.error);
  if (answer.type !== expected)
    throw new GateError('internal', `The worker process answered ${answer.type} instead of ${expected}.`, { where });
  return answer as Answer<Type>;
};

/** A worker that stays for many questions: for work that nothing is measured by, where starting a process would cost more than the work. */
export interface SharedWorker {
  /** One question at a time; more wait. After a crash or a timeout the next question has a new process. Throws what `askWorker` throws. */
  ask<Type extends FromWorker['type']>(request: ToWorker, expected: Type, limits: WorkerLimits, where: string): Promise<Answer<Type>>;
  close(): Promise<void>;
}

/** Starts nothing before the first question. */
export const openSharedWorker = (worker: WorkerProgram): SharedWorker => {
  let child: ChildChannel | null = null;
  let last: Promise<unknown> = Promise.resolve();
  const close = async (): Promise<void> => {
    const old = child;
    child = null;
    await old?.kill();
  };
  return {
    ask: (request, expected, limits, where) => {
      const answer = last.then(async () => {
        child ??= openChild({ ...worker, where: 'store', role: 'launch', args: [], memoryBytes: limits.memoryBytes });
        try {
          return await exchange(child, request, expected, limits, where);
        } catch (thrown) {
          // What the worker says in order leaves it as it was.
          if (!(thrown instanceof WorkerFailure)) await close();
          throw thrown;
        }
      });
      last = answer.catch(() => null);
      return answer;
    },
    close: async () => {
      await last;
      await close();
    },
  };
};

/** An error that the worker reported in order: its code, message and, where one is to blame, the arm. */
class WorkerFailure extends GateError {
  readonly coded: Answer<'failed'>['error'];

  constructor(error: Answer<'failed'>['error']) {
    super(Object.hasOwn(errorTable, error.code) ? (error.code as ErrorCode) : 'internal', error.message);
    this.name = 'WorkerFailure';
    this.coded = error;
  }
}

/** Any failure of a worker as data. */
export const codedOf = (thrown: unknown): Coded => {
  if (thrown instanceof WorkerFailure) return thrown.coded;
  const error = asGateError(thrown, 'launch-crashed');
  return { code: error.code, message: error.message.slice(0, 20_000), arm: null, ...(error.starting ? { starting: true } : {}) };
};
