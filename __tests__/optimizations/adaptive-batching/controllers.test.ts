import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aimdController } from '../../../src/optimizations/adaptive-batching/aimd.ts';
import type { BatchingObservation } from '../../../src/optimizations/adaptive-batching/exchange.ts';
import { serviceModel } from '../../../src/optimizations/adaptive-batching/service-model.ts';
import { tokenBudgetController } from '../../../src/optimizations/adaptive-batching/token-budget.ts';

/** 2 ms, and 0.1 ms for each padded token with its four steps. */
const service = {
  lengths: [4, 8, 16],
  batches: [1, 4, 16],
  ms: [4, 8, 16].map((tokens) => [1, 4, 16].map((requests) => 2 + 0.1 * requests * (tokens + 4))),
};
const setting = { objective: 12, service, maximum: 16, decode: 4 };
const seen = (ages: readonly number[], last: BatchingObservation['last'] = null, tokens = ages.map(() => 8)): BatchingObservation => ({
  time: 0,
  waiting: ages.length,
  ages,
  tokens,
  last,
});

describe('serviceModel', () => {
  it('says what the load test says, between its sizes in proportion, until something else is observed', () => {
    const model = serviceModel(service, 1);
    expect([model.predict(1, 4), model.predict(4, 8), model.predict(10, 12)]).toEqual([2.8, 6.8, 18].map((ms) => expect.closeTo(ms, 9)));
  });

  it('learns the pace of the machine, and follows a change as fast as it forgets', () => {
    const [forgets, remembers] = [serviceModel(service, 0.8), serviceModel(service, 1)];
    for (let step = 0; step < 60; step++)
      for (const model of [forgets, remembers]) {
        const [requests, tokens] = [1 + (step % 16), 4 + (step % 13)];
        model.observe(requests, tokens, (step < 40 ? 1 : 1.25) * serviceModel(service, 1).predict(requests, tokens));
      }
    expect(forgets.predict(4, 8)).toBeCloseTo(1.25 * 6.8, 1);
    expect(remembers.predict(4, 8)).toBeLessThan(1.1 * 6.8);
  });

  it('is hardly moved by one batch that something got in the way of', () => {
    const model = serviceModel(service, 0.97);
    model.observe(4, 8, 100 * 6.8);
    expect(model.predict(4, 8) / 6.8).toBeLessThan(1.04);
    model.observe(4, 8, 0);
    expect(model.predict(4, 8) / 6.8).toBeGreaterThan(0.96);
  });
});

describe('tokenBudgetController', () => {
  const options = { maximum: 16, headroom: 0, memory: 1 };
  /** A request of 8 tokens and 4 steps adds 1.2 ms to 2. */
  const taught = (more: Partial<typeof options> = {}): ((observation: BatchingObservation) => number) =>
    tokenBudgetController(setting, { ...options, ...more });

  it('takes all who can be in time together, and splits what cannot', () => {
    const choose = taught();
    expect(choose(seen(Array(4).fill(0)))).toBe(4);
    // Eight at once need 11.6 of 12 ms.
    expect(choose(seen(Array(8).fill(0)))).toBe(8);
    const split = choose(seen(Array(14).fill(0)));
    expect(2 + 1.2 * split).toBeLessThanOrEqual(12);
  });

  it('does not let the late hold up those who can still be in time', () => {
    const choose = taught();
    expect(choose(seen(Array(16).fill(60)))).toBe(16);
    // One late request ahead of three that have 7 ms left: together they take 6.8.
    expect(choose(seen([40, 5, 5, 5]))).toBe(4);
  });

  it('plans with less where headroom is kept', () => {
    expect(taught({ headroom: 0.5 })(seen(Array(6).fill(0)))).toBeLessThan(6);
    expect(taught({ maximum: 3 })(seen(Array(6).fill(0)))).toBeLessThanOrEqual(3);
  });

  it('answers a whole number within the queue and the limit, whatever it sees', () => {
    const served = fc.record({
      requests: fc.integer({ min: 1, max: 64 }),
      longest: fc.integer({ min: 1, max: 99 }),
      ms: fc.double({ min: 0, max: 1e6, noNaN: true }),
    });
    const queue = fc.array(fc.record({ age: fc.double({ min: 0, max: 1e6, noNaN: true }), tokens: fc.integer({ min: 1, max: 99 }) }), {
      minLength: 1,
      maxLength: 64,
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(queue, served), { minLength: 1, maxLength: 6 }), (steps) => {
        const choose = tokenBudgetController(setting, { ...options, memory: 0.9 });
        for (const [waiting, last] of steps) {
          const batch = choose(
            seen(
              waiting.map(({ age }) => age),
              last,
              waiting.map(({ tokens }) => tokens),
            ),
          );
          expect(Number.isInteger(batch) && batch >= 1 && batch <= Math.min(16, waiting.length)).toBe(true);
        }
      }),
    );
  });
});

describe('aimdController', () => {
  const options = { maximum: 4, headroom: 0, increase: 1, backoff: 0.5 };
  const served = (requests: number, ms: number): BatchingObservation => seen([0], { requests, longest: 8, ms });

  it('grows after full batches in time, halves after one that took too long', () => {
    const choose = aimdController(setting, options);
    expect([choose(seen([0])), choose(served(1, 4)), choose(served(2, 6)), choose(served(3, 9))]).toEqual([1, 2, 3, 4]);
    // Not beyond the maximum; not after a batch that was not full; and back after 13 ms of 12.
    const more = [served(4, 9), served(2, 6), served(4, 13), served(2, 13), served(1, 13)];
    expect(more.map(choose)).toEqual([4, 4, 2, 1, 1]);
  });
});
