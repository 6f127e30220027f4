import { createHash } from 'node:crypto';
import { GitHubFailure } from './failure.ts';

/** How long and how often to try. */
export interface RetryLimits {
  readonly attempts: number;
  /** Bound of all pauses together, seconds. */
  readonly seconds: number;
  /** Names this job among those that compete with it: equal seeds pause alike. */
  readonly seed: string;
  /** Milliseconds. */
  readonly pause: (milliseconds: number) => Promise<void>;
}

/** A number in [0, 1) from the seed and the attempt. */
const jitter = (seed: string, attempt: number): number =>
  createHash('sha256').update(`${seed}\n${attempt}`).digest().readUInt32BE(0) / 2 ** 32;

/**
 * Does the work, and does it anew from its beginning when it ends in a failure that is worth another try (`wait`, `stale`). The
 * pause is what GitHub asks for, else it doubles from 1 s to 16 s (from 0.1 s to 4 s when another writer was faster), times 0.5 to 1.5.
 * Throws the last failure when the attempts or the seconds are spent; every other error at once.
 */
export const retrying = async <T>(work: () => Promise<T>, patience: RetryLimits): Promise<T> => {
  let left = patience.seconds;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof GitHubFailure) || (error.kind !== 'wait' && error.kind !== 'stale') || attempt >= patience.attempts)
        throw error;
      const backOff = error.kind === 'stale' ? Math.min(0.1 * 2 ** (attempt - 1), 4) : Math.min(2 ** (attempt - 1), 16);
      const seconds = error.seconds ?? backOff * (0.5 + jitter(patience.seed, attempt));
      if (seconds > left) throw error;
      left -= seconds;
      await patience.pause(1000 * seconds);
    }
  }
};
