import { GateError } from '../../errors.ts';

/** A request to a queue. */
export interface Arrival {
  /** Milliseconds of virtual time. */
  readonly time: number;
  /** Tokens of its prompt. */
  readonly tokens: number;
}

/** One batch that was served; `requests` counts from the first arrival that it took. */
export interface ServedBatch {
  readonly first: number;
  readonly requests: number;
  /** Of its prompts, and so the length that all of them are padded to. */
  readonly longest: number;
  /** Virtual milliseconds. */
  readonly start: number;
  readonly end: number;
  /** Requests that waited when it was formed, its own included. */
  readonly waiting: number;
}

/** What a server sees when it is free and somebody waits. */
export interface QueueView {
  readonly time: number;
  /** Waiting requests, oldest first: milliseconds since arrival, and tokens of the prompt. At least one. */
  readonly ages: readonly number[];
  readonly tokens: readonly number[];
  /** The batch before this; null: there was none. */
  readonly last: ServedBatch | null;
}

export interface QueueServer {
  /** How many of the waiting requests are served next, oldest first: a whole number from 1 on; more than wait is all that wait. */
  choose(view: QueueView): number | Promise<number>;
  /** Serves a batch padded to the longest prompt; milliseconds that it took. */
  serve(requests: number, longest: number): number | Promise<number>;
}

/**
 * One server and a first-come-first-served queue in virtual time: services take what they take, and time in which nobody waits is
 * jumped over. Work-conserving: a batch starts as soon as the server is free and somebody waits.
 * @throws GateError internal for a choice that is no whole number from 1 on, a service that took no finite time, or arrivals out of order.
 */
export const serveQueue = async (arrivals: readonly Arrival[], server: QueueServer): Promise<readonly ServedBatch[]> => {
  const batches: ServedBatch[] = [];
  let time = 0;
  let first = 0;
  let arrived = 0;
  while (first < arrivals.length) {
    const oldest = arrivals[first];
    if (oldest === undefined) break;
    time = Math.max(time, oldest.time);
    for (let next = arrivals[arrived]; next !== undefined && next.time <= time; next = arrivals[arrived]) {
      if (next.time < (arrivals[arrived - 1]?.time ?? next.time))
        throw new GateError('internal', `Arrival ${arrived} is before the one ahead of it.`);
      arrived++;
    }
    const waiting = arrivals.slice(first, arrived);
    const start = time;
    const chosen = await server.choose({
      time,
      ages: waiting.map((each) => start - each.time),
      tokens: waiting.map((each) => each.tokens),
      last: batches.at(-1) ?? null,
    });
    if (!Number.isSafeInteger(chosen) || chosen < 1) throw new GateError('internal', `A batch of ${chosen} requests was chosen.`);
    const taken = waiting.slice(0, chosen);
    const longest = Math.max(...taken.map((each) => each.tokens));
    const took = await server.serve(taken.length, longest);
    if (!(took >= 0 && Number.isFinite(took))) throw new GateError('internal', `A batch was served in ${took} ms.`);
    time = start + took;
    batches.push({ first, requests: taken.length, longest, start, end: time, waiting: waiting.length });
    first += taken.length;
  }
  return batches;
};

/** Milliseconds from arrival to the end of the service, request by request in the order of arrival. */
export const latenciesOf = (arrivals: readonly Arrival[], batches: readonly ServedBatch[]): readonly number[] =>
  batches.flatMap((batch) => arrivals.slice(batch.first, batch.first + batch.requests).map((each) => batch.end - each.time));
