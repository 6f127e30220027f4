/**
 * Writes loop-response-input.json: loops that `feedback-control` played on one plant. The drawn noise, and of each loop the batches that were
 * decided on and the latencies and mean batches that the program came to. loop-response.py replays and judges them anew.
 *
 *     node __tests__/oracles/loop-response.ts && python3 __tests__/oracles/loop-response.py
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { feedbackControl } from '../../src/optimizations/feedback-control/subject.ts';
import type { Json } from '../../src/records/words.ts';
import { drawnNoise, playOnPlant } from '../optimizations/feedback-control/plant-turn.ts';

const seed = 3;
const plant = { fixed: 2.1, request: 0.16, token: 0.055 };

/** Sound loops, and some that swing, drag, spring back or wind up. */
const loops: readonly { readonly point: string; readonly name: string; readonly options: Json }[] = [
  ...['step', 'saturation', 'ramp', 'burst', 'queue', 'low', 'high'].map((point) => ({ point, name: 'default', options: {} })),
  { point: 'step', name: 'swings', options: { integral: 1.9 } },
  { point: 'step', name: 'drags', options: { integral: 0.02, proportional: 0 } },
  { point: 'burst', name: 'springs', options: { integral: 1.3, proportional: 0.3 } },
  { point: 'saturation', name: 'winds-up', options: { antiWindup: false } },
  { point: 'saturation', name: 'swings', options: { integral: 1.9 } },
];

const played = await Promise.all(
  loops.map(async ({ point, name, options }) => {
    const decided: number[] = [];
    const start = async (episode: Parameters<NonNullable<typeof feedbackControl.start>>[0]) => {
      const policy = await feedbackControl.start?.(episode);
      return {
        next: async (seen: Json) => {
          const action = (await policy?.next(seen)) as { readonly batch: number };
          decided.push(action.batch);
          return action;
        },
      };
    };
    const { trace = {} } = await playOnPlant({ point, plant, seed, subject: { start }, options });
    return { point, name, decided, latency: trace['latency'], batch: trace['batch'] };
  }),
);
const text = JSON.stringify({ seed, plant, noise: drawnNoise(seed, 60 * 16), loops: played }, null, 1).replace(/\n {2,}(?=[-\d])/g, '');
writeFileSync(join(import.meta.dirname, 'loop-response-input.json'), `${text}\n`);
