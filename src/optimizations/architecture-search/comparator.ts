import { z } from 'zod';
import type { Tools } from '../../contract/player.ts';
import type { Immutable } from '../../records/words.ts';
import { median } from '../../statistics/describe.ts';
import { lossWindows } from '../serving/loss-windows.ts';
import { requestTimes } from '../serving/request-times.ts';
import { budgetsOf } from './drift.ts';
import { beyondWorst, frontOf, hypervolume, type Objectives } from './hypervolume.ts';
import { fullModel, roundedLoss } from './pool.ts';

/** Every variant of the pool, measured: the exhaustive search that others are held against. Fixed per class of runner. */
export const poolRecord = z.array(
  z.strictObject({
    name: z.string(),
    /** Milliseconds of single requests, ascending, to the microsecond. */
    latencies: z.array(z.number().positive()).min(1),
    /** Milliseconds until it is loaded and warm. */
    swap: z.number().positive(),
    'nll-delta': z.number(),
    bytes: z.number().positive(),
    /** Multiply-adds of one token; null where they cannot be counted. */
    work: z.number().positive().nullable(),
  }),
);
export type PoolRecord = Immutable<z.infer<typeof poolRecord>>;
export type Measured = PoolRecord[number];

/** Measures every variant that there is: its requests, its loss, its size. */
export const measurePool = async (tools: Tools): Promise<PoolRecord> => {
  // The first session of a process is not like the others.
  await (await tools.session(fullModel)).release();
  const times = await requestTimes(
    tools,
    tools.variants.map((variant) => ({ variant })),
    { passes: 2, requests: 5 },
  );
  const record: Measured[] = [];
  for (const [at, name] of tools.variants.entries()) {
    const { bytes, 'multiply-adds': work } = await tools.inspect(name);
    const { ready, requests } = times.of[at] ?? { ready: Number.NaN, requests: [] };
    record.push({
      name,
      latencies: [...requests],
      swap: ready,
      'nll-delta': await tools.nllDelta(name, lossWindows(tools.model)),
      bytes: bytes ?? Number.NaN,
      work: work ?? null,
    });
  }
  return record;
};

export const latencyOf = ({ latencies }: Measured): number => median(latencies);

const objectivesOf = (each: Measured): Objectives => [each['nll-delta'], latencyOf(each), each.bytes];

/** Hypervolume of some members over that of the whole pool, 0 to 1. */
export const efficiencyOf = (pool: PoolRecord, names: readonly string[]): number => {
  const worst = beyondWorst(pool.map(objectivesOf));
  const volume = (members: readonly Measured[]): number => hypervolume(members.map(objectivesOf), worst);
  return volume(pool.filter(({ name }) => names.includes(name))) / volume(pool);
};

export interface Comparator {
  /** Milliseconds, in turn. */
  readonly budgets: readonly number[];
  /** Nats per token that may be lost on average. */
  readonly lossBound: number;
  /** Milliseconds of a request of the reference model. */
  readonly reference: number;
  /** The single variant that keeps most budgets and the bound. */
  readonly best: string;
}

/** What follows from the pool: how the budget drifts, what may be lost, and the best single variant for that. */
export const comparatorOf = (pool: PoolRecord, quality: number): Comparator => {
  const dense = pool.find(({ name }) => name === fullModel);
  const slowest = dense === undefined ? Math.max(...pool.map(latencyOf)) : latencyOf(dense);
  // What answers no better than a faster one is no step of the drift, and where all answer alike only the fastest is.
  const front = frontOf(pool, (each) => [roundedLoss(each['nll-delta']), latencyOf(each), 0]);
  const budgets = budgetsOf(front.map(latencyOf).toSorted((a, b) => a - b));
  const lossBound = quality * Math.max(0, ...pool.map((each) => each['nll-delta']));
  const kept = ({ latencies }: Measured): number =>
    budgets.reduce((sum, budget) => sum + latencies.filter((latency) => latency <= budget).length, 0);
  const allowed = pool.filter((each) => each['nll-delta'] <= lossBound);
  const best = allowed.toSorted((a, b) => kept(b) - kept(a) || a['nll-delta'] - b['nll-delta'])[0];
  return { budgets, lossBound, reference: slowest, best: best?.name ?? fullModel };
};
