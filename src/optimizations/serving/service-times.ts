import { z } from 'zod';
import type { Prompt } from '../../contract/generation.ts';
import type { Tools } from '../../contract/player.ts';
import type { Immutable } from '../../records/words.ts';
import { median } from '../../statistics/describe.ts';
import { shuffled } from '../../statistics/random.ts';

const clock = z.enum(['wall', 'thread']);

const table = {
  lengths: z.array(z.int().positive()).min(1).describe('Tokens of a prompt, ascending: one row of `ms` each.'),
  batches: z.array(z.int().positive()).min(1).describe('Requests of a batch, ascending: one column of `ms` each.'),
  ms: z
    .array(z.array(z.number().positive()))
    .describe('Milliseconds of a batch, to the microsecond. They never fall with the length or the batch.'),
};
const isWhole = ({
  lengths,
  batches,
  ms,
}: {
  lengths: readonly number[];
  batches: readonly number[];
  ms: readonly (readonly number[])[];
}) => ms.length === lengths.length && ms.every((row) => row.length === batches.length);
const whole = { message: 'as many rows as lengths, as many columns as batches' };

/** What a load test tells of a model: milliseconds of batches of some sizes. */
export const loadTest = z.object(table).refine(isWhole, whole);
export type LoadTest = Immutable<z.infer<typeof loadTest>>;

/** How long batches take: one prefill, padded to one length, and some greedy steps. */
export const serviceTimes = z
  .strictObject({
    /** What the milliseconds are of: a thread's processor time where it does all the work, so that the neighbours of a machine do not count. */
    clock,
    /** Milliseconds of one token alone, by which the pace of the machine is known. */
    token: z.number().positive(),
    decode: z.int().nonnegative(),
    ...table,
  })
  .refine(isWhole, whole);
export type ServiceTimes = Immutable<z.infer<typeof serviceTimes>>;

type Timing = Pick<Tools, 'session' | 'prompt' | 'clock'>;

/** Milliseconds by each clock. */
type Spent = Readonly<Record<keyof Tools['clock'], number>>;
/** One real execution, and the one token that was run just before it. */
interface Executed {
  readonly batch: Spent;
  readonly token: Spent;
}
/** Really runs one batch of prompts of one length. */
type Service = (requests: number, tokens: number) => Promise<Executed>;

/**
 * Opens the reference model. Prompts are drawn outside the clock, and one token is run before each batch: asking a policy in another process
 * leaves the processor cold, which must not be held against it.
 */
const openService = async (tools: Timing, decode: number): Promise<Service> => {
  const session = await tools.session('main');
  const one = tools.prompt(1, 1);
  const prompts = new Map<string, Prompt>();
  const timed = async (work: () => Promise<void>): Promise<Spent> => {
    const { clock } = tools;
    const [cpu, wall, thread] = [clock.cpu(), clock.wall(), clock.thread()];
    await work();
    return { thread: clock.thread() - thread, wall: clock.wall() - wall, cpu: clock.cpu() - cpu };
  };
  return async (requests, tokens) => {
    const key = `${requests} × ${tokens}`;
    const prompt = prompts.get(key) ?? tools.prompt(requests, tokens);
    prompts.set(key, prompt);
    const token = await timed(() => session.prefill(one));
    const batch = await timed(async () => {
      await session.prefill(prompt);
      await session.decode(decode);
    });
    return { batch, token };
  };
};

/** Latest executions of one token that say how fast the machine is now: the median of so many is not moved by one that was disturbed. */
const paceWindow = 9;
/** So many times what the table says of a size, and no undisturbed execution of it takes as long. */
const disturbed = 1.5;
/** From this share on, what is run twice is no exception: the table no longer fits the machine. */
const manyRepeats = 0.25;

/** Services for an episode, really executed. */
export interface PacedService {
  /** Milliseconds of one batch. */
  serve(requests: number, tokens: number): Promise<number>;
  /** What is to be said of the services so far. */
  warnings(): readonly string[];
}

/**
 * Services for an episode, really executed: milliseconds at the pace of the machine when the table was measured. A machine that is slower
 * today, or shares its caches just now, is slower for one token too, and by that share a service is taken to be shorter; or else the
 * objective and the arrivals, which are fixed, would be other ones. What a policy decides does not move the pace.
 *
 * All arms of these episodes are served by the reference model. An execution that takes far longer than its size does is therefore the machine's
 * doing: it is run again, and the quicker counts. The first execution of a shape, which plans its memory, is left out with these; some shapes are
 * run unmeasured before the first service.
 */
export const openPacedService = async (tools: Timing, table: ServiceTimes): Promise<PacedService> => {
  const service = await openService(tools, table.decode);
  const recent: number[] = [];
  const shapes = new Set<string>();
  const counts = { services: 0, repeats: 0 };
  const executed = async (requests: number, tokens: number): Promise<number> => {
    const { batch, token } = await service(requests, tokens);
    recent.push(token[table.clock]);
    if (recent.length > paceWindow) recent.shift();
    return (batch[table.clock] * table.token) / Math.max(median(recent), table.token / 1000);
  };
  for (const requests of [1, 4, 8, 1, 2]) await executed(requests, Math.max(...table.lengths));
  return {
    serve: async (requests, tokens) => {
      const shape = `${requests} × ${tokens}`;
      const known = shapes.has(shape) ? 1 : 0;
      shapes.add(shape);
      counts.services += known;
      const taken = await executed(requests, tokens);
      if (taken <= disturbed * serviceTime(table, requests, tokens)) return taken;
      counts.repeats += known;
      return Math.min(taken, await executed(requests, tokens));
    },
    warnings: () =>
      counts.repeats <= manyRepeats * counts.services
        ? []
        : [
            `${Math.round((100 * counts.repeats) / counts.services)} % of the batches took more than ${disturbed} times what the load test says of their size`,
          ],
  };
};

/** At the median so much processor time of the process to that of the thread is still the engine's own, and no second thread of the graph. */
const alone = 1.5;

/**
 * Whether one thread does all the work, so that undisturbed its processor time is the wall time. Of executions so quick that neighbours
 * seldom get between, some show it; where another device is waited for in sleep, none does. And no size may keep a second thread busy.
 * @param order the size of each execution
 */
const isSerial = (taken: readonly Executed[], order: readonly number[]): boolean => {
  const agree = taken.filter(({ token }) => Math.abs(token.thread / token.wall - 1) < 0.1).length >= taken.length / 4;
  const sizes = Map.groupBy(taken.keys(), (at) => order[at] ?? 0);
  const shareOf = (at: number): number => (taken[at]?.batch.cpu ?? 0) / (taken[at]?.batch.thread ?? 0);
  return agree && [...sizes.values()].every((executions) => median(executions.map(shareOf)) < alone);
};

/** Milliseconds at one pace: a median of tokens around each execution tells how fast the machine was. */
const atOnePace = (taken: readonly Executed[], by: z.infer<typeof clock>, token: number): readonly number[] =>
  taken.map(({ batch }, at) => {
    const from = Math.max(0, Math.min(at - (paceWindow >> 1), taken.length - paceWindow));
    return (batch[by] * token) / median(taken.slice(from, from + paceWindow).map((near) => near.token[by]));
  });

/**
 * The table with what cannot be made good: a larger batch or longer prompt that came out faster than a smaller one. Each size gets the
 * middle between the most of all that are no larger and the least of all that are no smaller, so that a size that was disturbed does not lift
 * all above it.
 */
const neverFalling = (table: readonly (readonly number[])[]): number[][] => {
  const bound = (
    row: number,
    column: number,
    pick: (...values: number[]) => number,
    within: (at: number, edge: number) => boolean,
  ): number => pick(...table.flatMap((times, r) => (within(r, row) ? times.filter((_, c) => within(c, column)) : [])));
  return table.map((times, row) =>
    times.map((_, column) => {
      const most = bound(row, column, Math.max, (at, edge) => at <= edge);
      const least = bound(row, column, Math.min, (at, edge) => at >= edge);
      return toMicrosecond((most + least) / 2);
    }),
  );
};

/**
 * Measures the table: medians over `samples` executions of every size, in an order drawn anew for each sample so that drift meets all
 * alike, after one unmeasured one, each at the pace of the tokens around it.
 */
export const measureServiceTimes = async (
  tools: Timing & Pick<Tools, 'random'>,
  wanted: { readonly lengths: readonly number[]; readonly batches: readonly number[]; readonly decode: number; readonly samples: number },
): Promise<ServiceTimes> => {
  const { lengths, batches, decode, samples } = wanted;
  const service = await openService(tools, decode);
  for (const tokens of lengths) for (const requests of batches) await service(requests, tokens);
  const sizes = lengths.flatMap((tokens) => batches.map((requests) => ({ tokens, requests })));
  const order: number[] = [];
  const taken: Executed[] = [];
  for (let sample = 0; sample < samples; sample++)
    for (const [at, { requests, tokens }] of shuffled([...sizes.entries()], tools.random)) {
      order.push(at);
      taken.push(await service(requests, tokens));
    }
  const by = isSerial(taken, order) ? 'thread' : 'wall';
  const token = toMicrosecond(median(taken.map((each) => each.token[by])));
  const paced = atOnePace(taken, by, token);
  const medianOf = (size: number): number => median(paced.filter((_, at) => order[at] === size));
  const table = lengths.map((_, row) => batches.map((_, column) => medianOf(row * batches.length + column)));
  return { clock: by, token, decode, lengths: [...lengths], batches: [...batches], ms: neverFalling(table) };
};

/** At least one. */
const toMicrosecond = (ms: number): number => Math.max(1, Math.round(1000 * ms)) / 1000;

/** Where a value stands among ascending ones: the index below it and the share of the way to the next. Ends are not left. */
const placeIn = (ascending: readonly number[], value: number): { readonly at: number; readonly share: number } => {
  const last = ascending.length - 1;
  const next = ascending.findIndex((each) => each >= value);
  if (next <= 0) return { at: next === 0 ? 0 : last, share: 0 };
  const from = ascending[next - 1] ?? value;
  return { at: next - 1, share: (value - from) / ((ascending[next] ?? value) - from) };
};

/** Milliseconds of a batch of `requests` prompts of `tokens` tokens, straight between the sizes of the table; both may be fractions. */
export const serviceTime = (table: LoadTest, requests: number, tokens: number): number => {
  const row = placeIn(table.lengths, tokens);
  const column = placeIn(table.batches, requests);
  const cell = (down: number, right: number): number =>
    table.ms[Math.min(row.at + down, table.lengths.length - 1)]?.[Math.min(column.at + right, table.batches.length - 1)] ?? Number.NaN;
  const between = (from: number, to: number, share: number): number => from + share * (to - from);
  return between(between(cell(0, 0), cell(0, 1), column.share), between(cell(1, 0), cell(1, 1), column.share), row.share);
};
