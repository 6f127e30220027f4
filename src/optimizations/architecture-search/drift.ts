import { arrivalTrace } from '../serving/arrival-trace.ts';

/** From `start` on, a request must be answered within `budget` milliseconds of its arrival. */
export interface Phase {
  readonly start: number;
  readonly budget: number;
}

export interface DriftTrace {
  /** Milliseconds, ascending. */
  readonly arrivals: readonly number[];
  /** Ascending, the first at 0. */
  readonly phases: readonly Phase[];
  /** Milliseconds. */
  readonly duration: number;
}

/** How the budget drifts: places among the variants of a front, from the fastest (0) to the one that loses least (1). */
export const drift: readonly number[] = [1, 0.5, 0, 0.25, 1, 0, 0.5, 0.25];
/** What a budget leaves the slowest variant that is meant to keep it … */
const headroom = 1.25;
/** … and a little more the looser it is, so that the budget tightens even where one variant is best for all of them. */
const looser = 0.05;
/** Share of its time that the reference model would be busy: what counts is the latency of a request, not how many queue up. */
const load = 0.04;

/** Milliseconds of every budget in turn, from the latencies of a front, ascending. */
export const budgetsOf = (latencies: readonly number[]): readonly number[] =>
  drift.map((place) => headroom * (1 + looser * place) * (latencies[Math.round(place * (latencies.length - 1))] ?? Number.NaN));

/**
 * Requests at a steady rate while the budget drifts: each phase lasts as long as the others, and has as many requests (`requests` is rounded up
 * to that), so that what a budget weighs is not left to chance.
 */
export const driftTrace = (wanted: {
  readonly requests: number;
  /** Milliseconds of one request of the reference model. */
  readonly reference: number;
  readonly budgets: readonly number[];
  readonly random: () => number;
}): DriftTrace => {
  const { reference, budgets, random } = wanted;
  const rate = (1000 * load) / reference;
  const requests = Math.ceil(wanted.requests / budgets.length);
  const phases = budgets.map((budget, at) => ({ start: (1000 * requests * at) / rate, budget }));
  return {
    arrivals: phases.flatMap(({ start }) => arrivalTrace({ shape: 'steady', rate, requests, random }).map((time) => start + time)),
    phases,
    duration: (1000 * requests * budgets.length) / rate,
  };
};
