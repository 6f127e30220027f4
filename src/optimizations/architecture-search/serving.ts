import type { DriftTrace, Phase } from './drift.ts';

/** One request that was served; milliseconds of virtual time. */
export interface ServedRequest {
  readonly name: string;
  readonly arrival: number;
  readonly start: number;
  readonly end: number;
  readonly budget: number;
  /** Requests that waited when it was begun, itself included. */
  readonly waiting: number;
}

/** A stretch in which the server could not do anything else: a request or a swap. */
interface Busy {
  readonly start: number;
  readonly end: number;
}

export interface ServedDrift {
  readonly served: readonly ServedRequest[];
  /** Loading another variant. */
  readonly swaps: readonly (Busy & { readonly name: string })[];
}

export interface DriftView {
  readonly event: 'budget' | 'request';
  readonly time: number;
  readonly budget: number;
  readonly waiting: number;
  readonly current: string | null;
  readonly served: readonly ServedRequest[];
}

export interface DriftServer {
  /** What is to serve from now on. */
  choose(view: DriftView): string | Promise<string>;
  /** Loads and warms it; milliseconds. */
  swap(name: string): number | Promise<number>;
  /** Serves one request with what is loaded; milliseconds. */
  serve(): number | Promise<number>;
}

const lastBefore = (phases: readonly Phase[], time: number): number => phases.findLastIndex(({ start }) => start <= time);

/**
 * One server, first come first served, in virtual time: services and swaps take what they take, and time in which nothing is done is
 * jumped over. The server is asked what to load when the budget changes (or once it is free after that) and before every request; a
 * request keeps the budget that it arrived under. What is loaded before the trace begins costs nothing.
 */
export const serveDrift = async ({ arrivals, phases }: DriftTrace, server: DriftServer): Promise<ServedDrift> => {
  const served: ServedRequest[] = [];
  const swaps: ServedDrift['swaps'][number][] = [];
  let time = 0;
  let current: string | null = null;
  const ask = async (event: DriftView['event'], budget: number, waiting: number): Promise<string> => {
    const name = await server.choose({ event, time, budget, waiting, current, served });
    if (name === current) return name;
    const took = await server.swap(name);
    if (current !== null) {
      swaps.push({ name, start: time, end: time + took });
      time += took;
    }
    current = name;
    return name;
  };
  let next = 0;
  for (const [at, arrival] of arrivals.entries()) {
    for (let change = phases[next]; change !== undefined && change.start <= Math.max(time, arrival); change = phases[next]) {
      next += 1;
      // Over before the server was free: nobody is told.
      if ((phases[next]?.start ?? Number.POSITIVE_INFINITY) <= time) continue;
      time = Math.max(time, change.start);
      await ask('budget', change.budget, arrivals.slice(at).filter((each) => each <= time).length);
    }
    time = Math.max(time, arrival);
    const waiting = arrivals.slice(at).filter((each) => each <= time).length;
    const budget = phases[lastBefore(phases, arrival)]?.budget ?? Number.POSITIVE_INFINITY;
    const name = await ask('request', budget, waiting);
    const start = time;
    time += await server.serve();
    served.push({ name, arrival, start, end: time, budget, waiting });
  }
  return { served, swaps };
};

/** Whether a request was answered within its budget. */
export const isInside = ({ arrival, end, budget }: ServedRequest): boolean => end - arrival <= budget;

/** Requests within their budget per second of the trace. */
export const goodputOf = ({ duration }: DriftTrace, { served }: ServedDrift): number =>
  (1000 * served.filter(isInside).length) / Math.max(duration, served.at(-1)?.end ?? 0);

export interface Adaptation {
  /** Milliseconds, the mean over all times that the budget tightened. */
  readonly time: number;
  /** Share of these after which no request kept the budget before it changed again, 0 to 1. */
  readonly missed: number;
}

/**
 * From a tighter budget to the end of the first request that keeps it. Idle time is not counted, so that it does not matter how soon somebody
 * asked. A phase in which no request kept its budget counts whole, or until its last request was served where that is later: never less than one in which
 * some request did. One without requests does not count. Null: the budget never tightened.
 */
export const adaptationOf = ({ phases, duration }: DriftTrace, { served, swaps }: ServedDrift): Adaptation | null => {
  const busy: readonly Busy[] = [...served, ...swaps];
  const found = phases.flatMap(({ start, budget }, at) => {
    const before = phases[at - 1];
    if (before === undefined || before.budget <= budget) return [];
    const end = phases[at + 1]?.start ?? duration;
    const asked = served.filter(({ arrival }) => arrival >= start && arrival < end);
    const last = asked.at(-1);
    if (last === undefined) return [];
    const worked = (until: number): number =>
      busy.reduce((sum, each) => sum + Math.max(0, Math.min(each.end, until) - Math.max(each.start, start)), 0);
    const first = asked.find(isInside);
    return [first === undefined ? { missed: 1, time: Math.max(end - start, worked(last.end)) } : { missed: 0, time: worked(first.end) }];
  });
  if (found.length === 0) return null;
  const mean = (key: keyof Adaptation): number => found.reduce((sum, each) => sum + each[key], 0) / found.length;
  return { time: mean('time'), missed: mean('missed') };
};
