import { describe, expect, it } from 'vitest';
import { budgetsOf, type DriftTrace, drift, driftTrace } from '../../../src/optimizations/architecture-search/drift.ts';
import {
  adaptationOf,
  type DriftServer,
  type DriftView,
  goodputOf,
  isInside,
  serveDrift,
} from '../../../src/optimizations/architecture-search/serving.ts';
import { seededRandom } from '../../../src/statistics/random.ts';

const trace: DriftTrace = {
  arrivals: [10, 12, 110, 130, 250, 400],
  phases: [
    { start: 0, budget: 50 },
    { start: 100, budget: 15 },
    { start: 200, budget: 50 },
    { start: 210, budget: 40 },
    { start: 300, budget: 15 },
  ],
  duration: 500,
};
const costs: Record<string, number> = { slow: 20, fast: 10 };
/** Serves by a rule; a swap takes 30 ms. */
const serverOf = (rule: (view: DriftView) => string): DriftServer & { readonly seen: DriftView[] } => {
  const seen: DriftView[] = [];
  let loaded = '';
  return {
    seen,
    choose: (view) => {
      seen.push({ ...view, served: [...view.served] });
      return rule(view);
    },
    swap: (name) => {
      loaded = name;
      return 30;
    },
    serve: () => costs[loaded]!,
  };
};
const byBudget = ({ budget }: DriftView): string => (budget < 20 ? 'fast' : 'slow');

describe('serving a drifting budget', () => {
  it('asks when the budget changes and before every request; swaps take time, the first load none', async () => {
    const server = serverOf(byBudget);
    const result = await serveDrift(trace, server);
    expect(server.seen.map(({ event, time, budget, waiting, current }) => [event, time, budget, waiting, current])).toEqual([
      ['budget', 0, 50, 0, null],
      ['request', 10, 50, 1, 'slow'],
      ['request', 30, 50, 1, 'slow'],
      ['budget', 100, 15, 0, 'slow'],
      // Loaded at 130: the one of 110 has waited, and another has come.
      ['request', 130, 15, 2, 'fast'],
      ['request', 140, 15, 1, 'fast'],
      // The phase of 200 is over before the swap for it is.
      ['budget', 200, 50, 0, 'fast'],
      ['budget', 230, 40, 0, 'slow'],
      ['request', 250, 40, 1, 'slow'],
      ['budget', 300, 15, 0, 'slow'],
      ['request', 400, 15, 1, 'fast'],
    ]);
    expect(result.swaps).toEqual([
      { name: 'fast', start: 100, end: 130 },
      { name: 'slow', start: 200, end: 230 },
      { name: 'fast', start: 300, end: 330 },
    ]);
    expect(result.served.map(({ start, end }) => [start, end])).toEqual([
      [10, 30],
      [30, 50],
      [130, 140],
      [140, 150],
      [250, 270],
      [400, 410],
    ]);
    // Latencies 20, 38, 30, 20, 20, 10 under budgets 50, 50, 15, 15, 40, 15.
    expect(result.served.map(isInside)).toEqual([true, true, false, false, true, true]);
    expect(goodputOf(trace, result)).toBe(8);
    // At 100 nothing is inside for a whole phase; 210 is tighter than 200, and takes the rest of the swap and a request; 300 a swap and a request.
    expect(adaptationOf(trace, result)).toEqual({ time: (100 + (20 + 20) + (30 + 10)) / 3, missed: 1 / 3 });
  });

  it('changes that nobody is free for are told once, the last of them', async () => {
    const server = serverOf(() => 'slow');
    const busy = { ...trace, arrivals: [195, 196], phases: trace.phases.slice(0, 4) };
    await serveDrift(busy, server);
    // 200 and 210 have passed when the first request is done, at 215; the second keeps the budget that it came under.
    expect(server.seen.map(({ event, time, budget }) => [event, time, budget])).toEqual([
      ['budget', 0, 50],
      ['budget', 100, 15],
      ['request', 195, 15],
      ['budget', 215, 40],
      ['request', 215, 15],
    ]);
  });

  it('never tightened, or nobody asked: no time to adapt', async () => {
    const steady = { ...trace, phases: trace.phases.slice(0, 1) };
    expect(adaptationOf(steady, await serveDrift(steady, serverOf(byBudget)))).toBeNull();
    const empty = { ...trace, arrivals: [10] };
    expect(adaptationOf(empty, await serveDrift(empty, serverOf(byBudget)))).toBeNull();
  });

  it('a phase that is missed never counts for less than one that is kept late', () => {
    const phases = [
      { start: 0, budget: 50 },
      { start: 100, budget: 15 },
      { start: 200, budget: 50 },
    ];
    const late = { ...trace, phases };
    const request = (arrival: number, start: number, end: number) => ({ name: 'slow', arrival, start, end, budget: 15, waiting: 1 });
    const queued = [request(100, 100, 160), request(150, 160, 240)];
    expect(adaptationOf(late, { served: queued, swaps: [] })).toEqual({ time: 140, missed: 1 });
    expect(adaptationOf(late, { served: [request(100, 100, 120)], swaps: [] })).toEqual({ time: 100, missed: 1 });
  });

  it('draws the same requests for the same seed, at a load that leaves the server idle', () => {
    const wanted = (seed: number): DriftTrace =>
      driftTrace({ requests: 40, reference: 5, budgets: budgetsOf([2, 3, 4, 5]), random: seededRandom(seed) });
    expect(wanted(1)).toEqual(wanted(1));
    expect(wanted(1)).not.toEqual(wanted(2));
    const expected = [5 * 1.05, 4 * 1.025, 2, 3 * 1.0125, 5 * 1.05, 2, 4 * 1.025, 3 * 1.0125];
    for (const [at, { budget }] of wanted(1).phases.entries()) expect(budget).toBeCloseTo(1.25 * expected[at]!);
    expect(wanted(1).duration).toBeCloseTo((40 * 5) / 0.04);
    expect(drift).toHaveLength(wanted(1).phases.length);
    // One variant that is best for every budget still has to keep tighter ones.
    expect(new Set(budgetsOf([3])).size).toBe(new Set(drift).size);
  });
});
