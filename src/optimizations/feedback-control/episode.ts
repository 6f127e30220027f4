import { z } from 'zod';
import type { Immutable } from '../../records/words.ts';
import { mean } from '../../statistics/describe.ts';
import { disturbances, type Load } from './disturbance.ts';

/** What an episode point plays. */
export const loopSetting = z.strictObject({
  disturbance: z.enum(disturbances),
  steps: z.int().min(6),
  /** Executions per control step. */
  batches: z.int().positive(),
  /** The batch whose undisturbed latency is the set-point. */
  level: z.int().positive(),
  /** Whether batches wait for those before them. */
  queue: z.boolean(),
});
export type ControlSetting = Immutable<z.infer<typeof loopSetting>>;

/** Serves fractions: whole batches whose sizes add up to what was asked for, the remainder carried on (first-order dithering). */
export interface Dither {
  next(wanted: number): number;
}
export const dither = (): Dither => {
  let carried = 0;
  return {
    next: (wanted) => {
      const whole = Math.max(1, Math.round(wanted + carried));
      carried += wanted - whole;
      return whole;
    },
  };
};

/** What happened in one control step: means over its batches. */
export interface LoopStep {
  readonly latency: number;
  readonly batch: number;
}

export interface Loop {
  readonly tokens: readonly number[];
  readonly loads: readonly Load[];
  readonly batches: number;
  readonly initial: number;
  /** Milliseconds of one batch. */
  readonly serve: (requests: number, tokens: number, load: Load) => Promise<number>;
  /** The batch of the step after this one. */
  decide(step: number, seen: LoopStep): Promise<number>;
}

/** Runs the loop: in each step some batches of the size last decided on, then a decision that holds from the next step on. */
export const runLoop = async ({ tokens, loads, batches, initial, serve, decide }: Loop): Promise<readonly LoopStep[]> => {
  const sizes = dither();
  const steps: LoopStep[] = [];
  let wanted = initial;
  for (const [step, length] of tokens.entries()) {
    const served: { readonly ms: number; readonly requests: number }[] = [];
    for (let at = 0; at < batches; at++) {
      const requests = sizes.next(wanted);
      served.push({ ms: await serve(requests, length, loads[step] ?? 'usual'), requests });
    }
    const seen = { latency: mean(served.map(({ ms }) => ms)), batch: mean(served.map(({ requests }) => requests)) };
    steps.push(seen);
    if (step < tokens.length - 1) wanted = await decide(step, seen);
  }
  return steps;
};
