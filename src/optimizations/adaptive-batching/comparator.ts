import { z } from 'zod';
import type { Tools } from '../../contract/player.ts';
import type { Immutable } from '../../records/words.ts';
import { deriveSeed, seededRandom } from '../../statistics/random.ts';
import { measureServiceTimes, type ServiceTimes, serviceTime, serviceTimes } from '../serving/service-times.ts';
import { serveQueue } from '../serving/virtual-queue.ts';
import { goodputOf, type LoadShape, type ServedTrace, shapes, type TracesSetting, tracesOf } from './workload.ts';

/** Largest batch of any arm. */
export const largestBatch = 16;
/** Prompts of every episode, and the greedy steps after them: small, so that the hundreds of batches of an episode can really run. */
const lengths = [4, 8, 16];
const decode = 4;
const batches = [1, 2, 3, 4, 6, 8, 12, largestBatch];
const samples = 7;
/** The objective, as a multiple of a request alone. */
const objectiveFactor = 3;
/** Traces that a fixed batch is chosen on. */
const sweeps = 12;

const fixedBatch = z.int().min(1).max(largestBatch);
/** The comparator of a cell, fixed per class of runner. */
export const batchingComparator = z.strictObject({
  service: serviceTimes,
  /** Milliseconds of a request of mean length in a batch of its own, and the latency objective made from it. */
  alone: z.number().positive(),
  objective: z.number().positive(),
  /** Requests per second of batches that take half of the objective at the longest prompt. */
  capacity: z.number().positive(),
  /** The best fixed batch of each trace. */
  fixed: z.strictObject({ steady: fixedBatch, ramp: fixedBatch, burst: fixedBatch } satisfies Record<LoadShape, unknown>),
});
export type BatchingComparator = Immutable<z.infer<typeof batchingComparator>>;

/**
 * The batch, between two of the table's where need be, that takes half of the objective at the longest prompt: who comes when one such batch
 * has just begun is served within the objective by the next. Requests per second of such batches.
 */
const capacityOf = (service: ServiceTimes, objective: number): number => {
  const longest = Math.max(...service.lengths);
  let [low, high] = [1, largestBatch];
  for (let halving = 0; halving < 40; halving++) {
    const middle = (low + high) / 2;
    if (serviceTime(service, middle, longest) <= objective / 2) low = middle;
    else high = middle;
  }
  return (1000 * low) / serviceTime(service, low, longest);
};

/**
 * The batch of the most goodput on traces that no episode plays, of all that a policy may answer, their service times read from the table; the
 * smallest of equals.
 */
const bestFixed = async (traces: TracesSetting, comparator: Omit<BatchingComparator, 'fixed'>): Promise<number> => {
  const { service, objective, capacity } = comparator;
  let best = { batch: 1, goodput: Number.NEGATIVE_INFINITY };
  for (let batch = 1; batch <= largestBatch; batch++) {
    let goodput = 0;
    for (let sweep = 0; sweep < sweeps; sweep++) {
      const served: ServedTrace[] = [];
      for (const arrivals of tracesOf(traces, capacity, service.lengths, seededRandom(deriveSeed(sweep, 'best fixed', traces.shape))))
        served.push({
          arrivals,
          batches: await serveQueue(arrivals, {
            choose: () => batch,
            serve: (requests, longest) => serviceTime(service, requests, longest),
          }),
        });
      goodput += goodputOf(served, objective);
    }
    if (goodput > best.goodput) best = { batch, goodput };
  }
  return best.batch;
};

/** What follows from a table of service times, with the traces that will be played. */
const comparatorFrom = async (service: ServiceTimes, traces: Omit<TracesSetting, 'shape'>): Promise<BatchingComparator> => {
  const mean = service.lengths.reduce((sum, each) => sum + each, 0) / service.lengths.length;
  const alone = serviceTime(service, 1, mean);
  const objective = objectiveFactor * alone;
  const known = { service, alone, objective, capacity: capacityOf(service, objective) };
  const [steady, ramp, burst] = await Promise.all(shapes.map((shape) => bestFixed({ ...traces, shape }, known)));
  return { ...known, fixed: { steady: steady ?? 1, ramp: ramp ?? 1, burst: burst ?? 1 } };
};

/** Measures how long batches take, and chooses objective, capacity and the best fixed batches from that. */
export const tuneBatching = async (tools: Tools, traces: Omit<TracesSetting, 'shape'>): Promise<BatchingComparator> =>
  comparatorFrom(await measureServiceTimes(tools, { lengths, batches, decode, samples }), traces);
