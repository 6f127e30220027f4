import { z } from 'zod';
import type { Immutable } from '../../records/words.ts';
import { arrivalTrace } from '../serving/arrival-trace.ts';
import { type Arrival, latenciesOf, type ServedBatch } from '../serving/virtual-queue.ts';

export const shapes = ['steady', 'ramp', 'burst'] as const;
export type LoadShape = (typeof shapes)[number];

/** What an episode plays: one trace per load, each with a queue of its own. */
export const tracesSetting = z.strictObject({
  shape: z.enum(shapes),
  /** Multiples of the capacity of the comparator. */
  loads: z.array(z.number().positive()).min(1),
  /** Of each trace. */
  requests: z.int().positive(),
});
export type TracesSetting = Immutable<z.infer<typeof tracesSetting>>;

/** What every shape is played with. */
export const played: Omit<TracesSetting, 'shape'> = { loads: [0.7, 0.95, 1.2], requests: 24 };

/** The requests of every load; prompts take their lengths by equal chances. Everything is drawn before anything is served, the same for every arm. */
export const tracesOf = (
  { shape, loads, requests }: TracesSetting,
  capacity: number,
  lengths: readonly number[],
  random: () => number,
): readonly (readonly Arrival[])[] =>
  loads.map((load) =>
    arrivalTrace({ shape, rate: capacity * load, requests, random }).map((time) => ({
      time,
      tokens: lengths[Math.floor(random() * lengths.length)] ?? 1,
    })),
  );

/** One trace and how it was served. */
export interface ServedTrace {
  readonly arrivals: readonly Arrival[];
  readonly batches: readonly ServedBatch[];
}

/** Milliseconds until the last request has come and all are served. */
export const spanOf = ({ arrivals, batches }: ServedTrace): number => Math.max(arrivals.at(-1)?.time ?? 0, batches.at(-1)?.end ?? 0);

/** Requests per second that were served within the objective, over all traces. */
export const goodputOf = (traces: readonly ServedTrace[], objective: number): number => {
  const inTime = traces.flatMap(({ arrivals, batches }) => latenciesOf(arrivals, batches)).filter((latency) => latency <= objective).length;
  return (1000 * inTime) / traces.reduce((sum, trace) => sum + spanOf(trace), 0);
};
