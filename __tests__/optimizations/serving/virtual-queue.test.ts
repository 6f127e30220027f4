import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Arrival, latenciesOf, type QueueView, serveQueue } from '../../../src/optimizations/serving/virtual-queue.ts';

const cost = (requests: number, longest: number): number => 2 + requests + longest / 8;

/** The same queue, simulated in quarters of a millisecond, one tick after the other: slow and obvious. */
const ticked = (arrivals: readonly Arrival[], cap: number): readonly number[] => {
  const ends: number[] = [];
  const waiting: number[] = [];
  let next = 0;
  let until = -1;
  let serving: readonly number[] = [];
  for (let tick = 0; ends.length < arrivals.length; tick++) {
    while (next < arrivals.length && (arrivals[next]?.time ?? 0) * 4 <= tick) waiting.push(next++);
    if (until === tick) {
      for (const request of serving) ends[request] = tick;
      serving = [];
    }
    if (serving.length === 0 && waiting.length > 0) {
      serving = waiting.splice(0, cap);
      until = tick + 4 * cost(serving.length, Math.max(...serving.map((each) => arrivals[each]?.tokens ?? 0)));
    }
  }
  return ends.map((end, at) => end / 4 - (arrivals[at]?.time ?? 0));
};

const arrivals = fc
  .array(fc.record({ time: fc.integer({ min: 0, max: 400 }), tokens: fc.constantFrom(8, 16, 24) }), { minLength: 1, maxLength: 25 })
  .map((list) => list.map(({ time, tokens }) => ({ time: time / 4, tokens })).sort((one, other) => one.time - other.time));

describe('serveQueue', () => {
  it('serves as a queue does that is simulated tick by tick', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, fc.integer({ min: 1, max: 6 }), async (list, cap) => {
        const batches = await serveQueue(list, { choose: () => cap, serve: cost });
        const expected = ticked(list, cap);
        const latencies = latenciesOf(list, batches);
        expect(latencies).toHaveLength(list.length);
        for (const [at, latency] of latencies.entries()) expect(latency).toBe(expected[at]);
      }),
      { numRuns: 300 },
    );
  });

  it('shows who waits, oldest first, and the batch before', async () => {
    const views: QueueView[] = [];
    const list = [
      { time: 1, tokens: 8 },
      { time: 2, tokens: 24 },
      { time: 3, tokens: 16 },
      { time: 50, tokens: 8 },
    ];
    const batches = await serveQueue(list, {
      choose: (view) => {
        views.push(view);
        return 2;
      },
      serve: () => 10,
    });
    expect(views.map(({ time, ages, tokens }) => ({ time, ages, tokens }))).toEqual([
      { time: 1, ages: [0], tokens: [8] },
      { time: 11, ages: [9, 8], tokens: [24, 16] },
      { time: 50, ages: [0], tokens: [8] },
    ]);
    expect(views[1]?.last).toEqual({ first: 0, requests: 1, longest: 8, start: 1, end: 11, waiting: 1 });
    expect(batches.map(({ longest, start, end }) => [longest, start, end])).toEqual([
      [8, 1, 11],
      [24, 11, 21],
      [8, 50, 60],
    ]);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses a batch of %s', async (chosen) => {
    const served = serveQueue([{ time: 0, tokens: 8 }], { choose: () => chosen, serve: cost });
    await expect(served).rejects.toThrow(expect.objectContaining({ code: 'internal' }));
  });

  it('refuses a service without a time, and arrivals out of order', async () => {
    const one = { time: 5, tokens: 8 };
    await expect(serveQueue([one], { choose: () => 1, serve: () => Number.NaN })).rejects.toThrow('in NaN ms');
    await expect(serveQueue([one, { time: 4, tokens: 8 }], { choose: () => 1, serve: cost })).rejects.toThrow('Arrival 1');
  });
});
