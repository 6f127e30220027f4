import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aimdController } from '../../../src/optimizations/adaptive-batching/aimd.ts';
import type { BatchingObservation } from '../../../src/optimizations/adaptive-batching/exchange.ts';
import { serviceModel } from '../../../src/optimizations/adaptive-batching/service-model.ts';
import { tokenBudgetController } from '../../../src/optimizations/adaptive-batching/token-budget.ts';
import { seededRandom } from '../../../src/statistics/random.ts';

const setting = { objective: 12, alone: 4, maximum: 16, decode: 4 };
const seen = (ages: readonly number[], last: BatchingObservation['last'] = null, tokens = ages.map(() => 8)): BatchingObservation => ({
  time: 0,
  waiting: ages.length,
  ages,
  tokens,
  last,
});

describe('serviceModel', () => {
  it('finds the line that services follow', () => {
    const model = serviceModel({ tokens: 12, ms: 4 }, 1);
    const random = seededRandom(1);
    for (let step = 0; step < 200; step++) {
      const tokens = Math.ceil(200 * random());
      model.observe(tokens, 1.5 + 0.11 * tokens + 0.2 * (random() - 0.5));
    }
    for (const tokens of [10, 100, 200]) expect(model.predict(tokens)).toBeCloseTo(1.5 + 0.11 * tokens, 1);
  });

  it('follows a change as fast as it forgets', () => {
    const [forgets, remembers] = [serviceModel({ tokens: 12, ms: 4 }, 0.8), serviceModel({ tokens: 12, ms: 4 }, 1)];
    for (let step = 0; step < 60; step++)
      for (const model of [forgets, remembers]) {
        const tokens = 20 + ((step * 37) % 100);
        model.observe(tokens, (step < 40 ? 1 : 2) * (2 + 0.1 * tokens));
      }
    expect(forgets.predict(80)).toBeCloseTo(20, 0);
    expect(remembers.predict(80)).toBeLessThan(17);
  });

  it('is least squares where nothing is forgotten: batch and recursion agree', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ tokens: fc.integer({ min: 1, max: 300 }), ms: fc.double({ min: 0.1, max: 60, noNaN: true }) }), {
          minLength: 1,
          maxLength: 30,
        }),
        (samples) => {
          const model = serviceModel({ tokens: 10, ms: 5 }, 1);
          for (const { tokens, ms } of samples) model.observe(tokens, ms);
          // Ridge regression towards the start, in units of the first request: (X'X + I) θ = X'y + θ0.
          let [a, b, d, u, v] = [1, 0, 1, 0.75, 0.25];
          for (const { tokens, ms } of samples) {
            const [x, y] = [tokens / 10, ms / 5];
            [a, b, d, u, v] = [a + 1, b + x, d + x * x, u + y, v + x * y];
          }
          const [fixed, slope] = [(d * u - b * v) / (a * d - b * b), (a * v - b * u) / (a * d - b * b)];
          expect(model.predict(150)).toBeCloseTo(5 * Math.max(1e-3, fixed + 15 * slope), 5);
        },
      ),
    );
  });
});

describe('tokenBudgetController', () => {
  const options = { maximum: 16, headroom: 0, memory: 1 };
  /** After many services of 2 ms and 0.1 ms per token: a request of 8 tokens and 4 steps adds 1.2 ms. */
  const taught = (more: Partial<typeof options> = {}): ((observation: BatchingObservation) => number) => {
    const choose = tokenBudgetController(setting, { ...options, ...more });
    for (let step = 0; step < 400; step++) {
      const requests = 1 + (step % 16);
      choose(seen([0], { requests, longest: 8, ms: 2 + 1.2 * requests }));
    }
    return choose;
  };

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
    const service = fc.record({
      requests: fc.integer({ min: 1, max: 64 }),
      longest: fc.integer({ min: 1, max: 99 }),
      ms: fc.double({ min: 0, max: 1e6, noNaN: true }),
    });
    const queue = fc.array(fc.record({ age: fc.double({ min: 0, max: 1e6, noNaN: true }), tokens: fc.integer({ min: 1, max: 99 }) }), {
      minLength: 1,
      maxLength: 64,
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(queue, service), { minLength: 1, maxLength: 6 }), (steps) => {
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
