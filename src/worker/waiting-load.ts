import { descendants, isAtRest, type ProcessId, processorSeconds, sessionMembers } from '../processes/process-tree.ts';
import { busyHeadWarning } from '../records/busy-head.ts';
import type { ArmId } from '../records/words.ts';
import type { Clock } from './rounds.ts';

/**
 * Share by which head may exceed base: of a processor, and of all that base keeps busy where that is
 * more. Thread pools of both sides spin alike.
 */
const allowedShare = 0.2;
/** Seconds of waiting in which processor time that is a tick old tells a share. */
const shortestWait = 0.1;

/** How busy the program of each arm, and all that it started, is while another arm is asked. */
export interface WaitingLoad {
  /** From now on this arm's program runs, which leads a session; one that is known goes on. */
  join(arm: ArmId, pid: number): void;
  /** This arm has just answered: since the last answer the others only waited. */
  answered(arm: ArmId): void;
  /** Warnings of the point about that; none where the system does not tell. */
  warnings(): string[];
}

interface Waiting {
  readonly members: readonly ProcessId[];
  readonly pid: number;
  /** Processor time by thread. */
  before: ReadonlyMap<number, number>;
  busy: number;
  seconds: number;
}

/** Also those whose parents have ended, of which those are known that ran at the start. */
const busyNow = ({ pid, members }: Pick<Waiting, 'pid' | 'members'>): ReadonlyMap<number, number> =>
  processorSeconds([...new Map([...members, ...descendants(pid)].map((one) => [one.pid, one])).values()]);

/**
 * What a thread has used of some seconds. One that began meanwhile and is at work may have followed
 * others that have ended, of which nothing tells: then it stands for all of that time.
 */
const busyFor = (spent: number, before: number | undefined, thread: number, seconds: number): number => {
  if (before !== undefined) return spent - before;
  return isAtRest(thread) ? spent : Math.max(spent, seconds);
};

/** Starts with the next answer. */
export const openWaitingLoad = (clock: Pick<Clock, 'wall'>): WaitingLoad => {
  const arms = new Map<ArmId, Waiting>();
  let last = clock.wall();
  const shareOf = (arm: ArmId): number | null => {
    const waiting = arms.get(arm);
    return waiting === undefined || waiting.seconds < shortestWait ? null : waiting.busy / waiting.seconds;
  };
  return {
    join: (arm, pid) => {
      if (arms.get(arm)?.pid === pid) return;
      const members = sessionMembers(pid);
      arms.set(arm, { members, pid, before: busyNow({ pid, members }), busy: 0, seconds: 0 });
    },
    answered: (asked) => {
      const seconds = (clock.wall() - last) / 1000;
      for (const [arm, waiting] of arms) {
        const after = busyNow(waiting);
        if (arm !== asked) {
          for (const [thread, spent] of after) waiting.busy += busyFor(spent, waiting.before.get(thread), thread, seconds);
          waiting.seconds += seconds;
        }
        waiting.before = after;
      }
      last = clock.wall();
    },
    warnings: () => {
      const [head, base] = [shareOf('head'), shareOf('base')];
      return head !== null && base !== null && head - base > allowedShare * Math.max(1, base) ? [busyHeadWarning] : [];
    },
  };
};
