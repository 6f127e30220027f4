import { z } from 'zod';
import type { Immutable } from '../../records/words.ts';
import { median } from '../../statistics/describe.ts';
import { shuffled } from '../../statistics/random.ts';
import type { Prompt, ServingSession, Tools } from '../contract.ts';
import { budgetsOf } from './drift.ts';
import { beyondWorst, frontOf, hypervolume, type Objectives } from './hypervolume.ts';
import { untouched } from './pool.ts';

/** A request: its prompt and the greedy steps after it. Small, so that the hundred requests of an episode can really run. */
const request = { tokens: 64, steps: 2 } as const;
/** Held-out windows that loss is measured on. */
export const lossWindows = 8;
const samples = 9;

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
  }),
);
export type PoolRecord = Immutable<z.infer<typeof poolRecord>>;
export type Measured = PoolRecord[number];

/** What every request asks for; drawn outside the clock. */
export const requestPrompt = (tools: Pick<Tools, 'prompt'>): Prompt => tools.prompt(1, request.tokens);

/** Serves one request. */
export const serveOne = async (session: ServingSession, prompt: Prompt): Promise<void> => {
  await session.prefill(prompt);
  await session.decode(request.steps);
};

const toMicrosecond = (milliseconds: number): number => Math.max(0.001, Math.round(milliseconds * 1000) / 1000);

/** Measures every variant that there is: requests of all of them in turn, in an order drawn anew each time; loss and size. */
export const measurePool = async (tools: Tools): Promise<PoolRecord> => {
  const { clock } = tools;
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const started = clock.wall();
    await work();
    return clock.wall() - started;
  };
  const prompt = requestPrompt(tools);
  // The first session of a process is not like the others.
  await (await tools.session(untouched)).release();
  const open: { readonly name: string; readonly session: ServingSession; readonly swap: number; readonly taken: number[] }[] = [];
  for (const name of tools.variants) {
    const started = clock.wall();
    const session = await tools.session(name);
    await serveOne(session, prompt);
    open.push({ name, session, swap: toMicrosecond(clock.wall() - started), taken: [] });
  }
  for (let sample = 0; sample < samples; sample++)
    for (const { session, taken } of shuffled(open, tools.random)) taken.push(toMicrosecond(await timed(() => serveOne(session, prompt))));
  for (const { session } of open) await session.release();
  const record: Measured[] = [];
  for (const { name, swap, taken } of open)
    record.push({
      name,
      latencies: taken.toSorted((a, b) => a - b),
      swap,
      'nll-delta': await tools.nllDelta(name, lossWindows),
      bytes: (await tools.inspect(name))['bytes'] ?? Number.NaN,
    });
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

export interface Yardstick {
  /** Milliseconds, in turn. */
  readonly budgets: readonly number[];
  /** Nats per token that may be lost on average. */
  readonly lossBound: number;
  /** Milliseconds of a request of the untouched model. */
  readonly untouched: number;
  /** The single variant that keeps most budgets and the bound. */
  readonly best: string;
}

/** What follows from the pool: how the budget drifts, what may be lost, and the best single variant for that. */
export const yardstickOf = (pool: PoolRecord, quality: number): Yardstick => {
  const dense = pool.find(({ name }) => name === untouched);
  const slowest = dense === undefined ? Math.max(...pool.map(latencyOf)) : latencyOf(dense);
  // What answers no better than a faster one is no step of the drift, and where all answer alike only the fastest is.
  const front = frontOf(pool, (each) => [each['nll-delta'], latencyOf(each), 0]);
  const budgets = budgetsOf(front.map(latencyOf).toSorted((a, b) => a - b));
  const lossBound = quality * Math.max(0, ...pool.map((each) => each['nll-delta']));
  const kept = ({ latencies }: Measured): number =>
    budgets.reduce((sum, budget) => sum + latencies.filter((latency) => latency <= budget).length, 0);
  const allowed = pool.filter((each) => each['nll-delta'] <= lossBound);
  const best = allowed.toSorted((a, b) => kept(b) - kept(a) || a['nll-delta'] - b['nll-delta'])[0];
  return { budgets, lossBound, untouched: slowest, best: best?.name ?? untouched };
};
