import type { EpisodeStart, Policy } from '../contract/policy.ts';
import { asGateError, codeSaid, GateError } from '../errors.ts';
import { openLineChannel } from '../processes/line-channel.ts';
import { decodeValue } from '../records/decode.ts';
import { fromSubject, type PolicyProcess } from '../records/protocol.ts';
import type { Json } from '../records/words.ts';
import { openAnswerTime } from './answer-time.ts';

/** Longest answer of a policy: an action is a few numbers. */
const maxLineBytes = 1024 * 1024;

/** The process that answers for one arm, for as long as its launch runs. */
export interface PolicyHost {
  /** Of the process, which leads a session; null once it has ended. */
  readonly pid: number | null;
  /** Resolves once it has answered for the first time. */
  ready(): Promise<void>;
  /** Begins an episode; the policy of an earlier one answers no more. */
  start(episode: Omit<EpisodeStart, 'options'>): Promise<Policy>;
  close(): Promise<void>;
}

/**
 * Starts an arm's policy in its own tree. Whatever it does wrong is a coded error (`subject-crashed`, `subject-timeout`,
 * `subject-memory`, `subject-protocol`, or the code that it gives).
 */
export const openPolicyHost = (policy: PolicyProcess, where: string): PolicyHost => {
  const { argv, cwd, environment, confinement, memoryBytes, seconds } = policy;
  const channel = openLineChannel({ where, argv, cwd, environment, confinement, memoryBytes, maxLineBytes });
  const time = openAnswerTime(seconds);
  const ask = async (question: { readonly [key: string]: Json; readonly do: string }): Promise<Json> =>
    answered(await time.within(`\`${question.do}\``, (left, late) => channel.ask(question, left, late)), where);
  let greeted: Promise<Json> | null = null;
  const ready = async (): Promise<void> => {
    greeted ??= ask({ do: 'hello', contract: 1 });
    await greeted;
  };
  let episodes = 0;
  return {
    get pid() {
      return channel.pid;
    },
    ready,
    start: async ({ point, seed, setting }) => {
      await ready();
      const mine = ++episodes;
      await ask({ do: 'start', optimization: policy.optimization, episode: { point, seed, options: policy.options, setting } });
      return {
        next: async (observation) => {
          if (mine !== episodes) throw new GateError('internal', `The episode at ${point} is over.`, { where });
          return ask({ do: 'next', observation });
        },
      };
    },
    close: () => channel.close(2),
  };
};

const answered = (answer: unknown, where: string): Json => {
  let decoded: ReturnType<typeof fromSubject.parse>;
  try {
    decoded = decodeValue(fromSubject, answer, where) as ReturnType<typeof fromSubject.parse>;
  } catch (thrown) {
    throw new GateError('subject-protocol', `The program answered. ${asGateError(thrown).message}`, { where, cause: thrown });
  }
  if ('ok' in decoded) return decoded.ok;
  throw new GateError(codeSaid(decoded.code, 'subject-crashed'), decoded.error, { where });
};
