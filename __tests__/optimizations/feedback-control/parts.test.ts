import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { courseOf } from '../../../src/optimizations/feedback-control/disturbance.ts';
import { dither, type LoopStep, runLoop } from '../../../src/optimizations/feedback-control/episode.ts';
import { feedbackOptions } from '../../../src/optimizations/feedback-control/options.ts';
import { fitPlant, plantTime } from '../../../src/optimizations/feedback-control/plant.ts';
import { proportionalIntegral } from '../../../src/optimizations/feedback-control/proportional-integral.ts';
import { replayedPlant } from '../../../src/optimizations/feedback-control/replayed-plant.ts';
import { responseValues, unsettledSteps } from '../../../src/optimizations/feedback-control/response.ts';
import type { ServiceTimes } from '../../../src/optimizations/serving/service-times.ts';

const options = (given: object) => feedbackOptions.parse(given, 'with');

describe('proportionalIntegral', () => {
  const setting = { setPoint: 10, initial: 4, minimum: 1, maximum: 16, slope: 2 };

  it('takes back its share of an error each step, by the slope of the plant', () => {
    const control = proportionalIntegral(setting, options({ integral: 0.5, proportional: 0 }));
    expect([control({ latency: 10 }), control({ latency: 14 }), control({ latency: 12 })]).toEqual([4, 3, 2.5]);
    const both = proportionalIntegral(setting, options({ integral: 0.5, proportional: 1 }));
    expect([both({ latency: 14 }), both({ latency: 10 })]).toEqual([1, 3]);
  });

  it('on a plant of its slope has its pole at 1 − integral', () => {
    const control = proportionalIntegral(setting, options({ integral: 0.3, proportional: 0 }));
    let batch = 9;
    const plant = (requests: number): number => 1 + 2 * requests;
    // The first decision starts from `initial`; from then on the error shrinks by the same factor.
    batch = control({ latency: plant(batch) });
    for (let step = 0; step < 8; step++) {
      const before = batch - 4.5;
      batch = control({ latency: plant(batch) });
      expect((batch - 4.5) / before).toBeCloseTo(0.7, 9);
    }
  });

  it('does not wind up at a limit: it comes back at once, where an integral that ran on takes its time', () => {
    const back = (antiWindup: boolean): number => {
      const control = proportionalIntegral(setting, options({ integral: 0.5, proportional: 0, antiWindup }));
      for (let step = 0; step < 30; step++) expect(control({ latency: 60 })).toBe(1);
      let steps = 1;
      while (control({ latency: 8 }) <= 1) steps++;
      return steps;
    };
    expect(back(true)).toBe(1);
    expect(back(false)).toBeGreaterThan(300);
  });

  it('stays within the limits, whatever it sees', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 20 }),
        fc.double({ min: 0, max: 100, noNaN: true }),
        (seen, integral) => {
          const control = proportionalIntegral(setting, options({ integral, maximum: 12 }));
          for (const latency of seen) {
            const batch = control({ latency });
            expect(batch >= 1 && batch <= 12).toBe(true);
          }
        },
      ),
    );
  });
});

describe('fitPlant', () => {
  const table = (ms: (requests: number, tokens: number) => number): ServiceTimes => {
    const [lengths, batches] = [
      [8, 12, 16],
      [1, 2, 4, 8, 16],
    ];
    return {
      clock: 'thread',
      token: 1,
      decode: 2,
      lengths,
      batches,
      ms: lengths.map((tokens) => batches.map((requests) => ms(requests, tokens))),
    };
  };

  it('finds the plant that made a table', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 9, noNaN: true }),
        fc.double({ min: 0.05, max: 2, noNaN: true }),
        fc.double({ min: 0.01, max: 0.2, noNaN: true }),
        (fixed, request, token) => {
          const made = { fixed, request, token };
          const found = fitPlant(table((requests, tokens) => plantTime(made, requests, tokens)));
          for (const [requests, tokens] of [
            [1, 8],
            [5, 11],
            [16, 16],
          ] as const)
            expect(plantTime(found, requests, tokens)).toBeCloseTo(plantTime(made, requests, tokens), 5);
        },
      ),
    );
  });

  it('is never negative, and no other plant of a grid around it comes closer', () => {
    const wild = table(
      (requests, tokens) => 3 + requests * requests * 0.1 + (tokens > 10 ? 2 : 0.5) + ((requests * 7919 + tokens) % 13) / 10,
    );
    const error = (found: { fixed: number; request: number; token: number }): number =>
      wild.lengths.reduce(
        (sum, tokens, row) =>
          sum +
          wild.batches.reduce(
            (all, requests, column) => all + (plantTime(found, requests, tokens) / (wild.ms[row]?.[column] ?? 1) - 1) ** 2,
            0,
          ),
        0,
      );
    const found = fitPlant(wild);
    for (const value of Object.values(found)) expect(value).toBeGreaterThanOrEqual(0);
    for (const fixed of [-0.1, 0, 0.1])
      for (const request of [-0.02, 0, 0.02])
        for (const token of [-0.003, 0, 0.003]) {
          const near = { fixed: found.fixed + fixed, request: found.request + request, token: found.token + token };
          if (Math.min(...Object.values(near)) >= 0) expect(error(near)).toBeGreaterThanOrEqual(error(found) - 1e-12);
        }
    // Falling with the batch: noise. A constant is the closest that may be.
    const falling = fitPlant(table((requests) => 5 - requests / 10));
    expect(falling.request).toBe(0);
    expect(falling.token).toBe(0);
  });
});

describe('dither', () => {
  it('serves whole batches that add up to what was asked for', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 1, max: 16, noNaN: true }), { minLength: 1, maxLength: 60 }), (wanted) => {
        const sizes = dither();
        let owed = 0;
        for (const each of wanted) {
          const size = sizes.next(each);
          owed += each - size;
          expect(Number.isInteger(size) && size >= 1).toBe(true);
          expect(Math.abs(size - each)).toBeLessThanOrEqual(1);
          expect(Math.abs(owed)).toBeLessThanOrEqual(0.5 + 1e-9);
        }
      }),
    );
  });

  it('a loop decides once per step, for the next one', async () => {
    const decisions: [number, LoopStep][] = [];
    const steps = await runLoop({
      tokens: [8, 8, 16],
      loads: ['usual', 'usual', 'slack'],
      batches: 4,
      initial: 2.5,
      serve: async (requests, tokens, load) => requests * tokens * (load === 'slack' ? 0.5 : 1),
      decide: async (step, seen) => {
        decisions.push([step, seen]);
        return 2;
      },
    });
    expect(steps).toEqual([
      { latency: 20, batch: 2.5 },
      { latency: 16, batch: 2 },
      { latency: 16, batch: 2 },
    ]);
    expect(decisions).toEqual([
      [0, steps[0]],
      [1, steps[1]],
    ]);
  });
});

describe('courseOf', () => {
  it('is calm for a third, then disturbed as its name says', () => {
    const course = (tokens: readonly number[], onsets: readonly number[]) => ({
      tokens,
      loads: tokens.map(() => 'usual'),
      stretches: onsets.map((onset) => ({ onset, reachable: true })),
    });
    expect(courseOf('step', 9, 8, 16)).toEqual(course([8, 8, 8, 16, 16, 16, 16, 16, 16], [0, 3]));
    expect(courseOf('burst', 9, 8, 16)).toEqual(course([8, 8, 8, 16, 16, 16, 8, 8, 8], [0, 3, 6]));
    expect(courseOf('ramp', 15, 8, 17)).toEqual(course([8, 8, 8, 8, 8, 11, 14, 17, 17, 17, 17, 17, 17, 17, 17], [0, 5]));
  });

  it('goes to both ends of the actuator and back', () => {
    const { tokens, loads, stretches } = courseOf('saturation', 10, 8, 16);
    expect(tokens).toEqual(Array(10).fill(8));
    expect(loads).toEqual(['usual', 'overload', 'usual', 'slack', 'usual'].flatMap((load) => [load, load]));
    expect(stretches).toEqual([0, 2, 4, 6, 8].map((onset, at) => ({ onset, reachable: at % 2 === 0 })));
    // Stretches begin where loads change, whatever the number of steps.
    for (let steps = 6; steps < 80; steps++) {
      const uneven = courseOf('saturation', steps, 8, 16);
      for (const { onset } of uneven.stretches.slice(1)) expect(uneven.loads[onset]).not.toBe(uneven.loads[onset - 1]);
    }
  });
});

describe('replayedPlant', () => {
  const plant = { fixed: 2, request: 0.5, token: 0.0625 };
  const setPoint = plantTime(plant, 8, 8);
  const served = (queue: boolean) => replayedPlant({ plant, setPoint, calm: 8, largestBatch: 16, queue, random: () => 0.5 });

  it('under overload the smallest batch misses the set-point, with slack the largest one does', async () => {
    const serve = served(false);
    expect(await serve(5, 12, 'usual')).toBeCloseTo(plantTime(plant, 5, 12), 12);
    expect((await serve(1, 8, 'overload')) / setPoint).toBeCloseTo(1.5, 12);
    expect((await serve(16, 8, 'slack')) / setPoint).toBeCloseTo(0.6, 12);
  });

  it('a batch waits for what those before it took beyond the interval', async () => {
    const serve = served(true);
    const interval = setPoint / 0.85;
    const long = plantTime(plant, 16, 16);
    expect(await serve(16, 16, 'usual')).toBeCloseTo(long, 12);
    expect(await serve(16, 16, 'usual')).toBeCloseTo(long + (long - interval), 12);
    const third = plantTime(plant, 1, 8) + 2 * (long - interval);
    expect(await serve(1, 8, 'usual')).toBeCloseTo(third, 12);
    expect(await serve(1, 8, 'usual')).toBeCloseTo(plantTime(plant, 1, 8) + Math.max(0, third - interval), 12);
    // At the set-point nothing ever waits.
    const calm = served(true);
    for (let batch = 0; batch < 5; batch++) expect(await calm(8, 8, 'usual')).toBeCloseTo(setPoint, 12);
  });
});

describe('responseValues', () => {
  const of = (latency: readonly number[], batch = latency.map(() => 8), onsets: readonly number[] = [0], reachable = (_: number) => true) =>
    responseValues({ latency, batch, stretches: onsets.map((onset, at) => ({ onset, reachable: reachable(at) })), setPoint: 100 });

  it('counts steps until the band is never left again, of the slowest stretch', () => {
    expect(of([100, 101, 99])['settling-steps']).toBe(1);
    expect(of([120, 110, 104, 106, 104, 103])['settling-steps']).toBe(5);
    expect(of([100, 100, 120, 103, 100, 100], undefined, [0, 2])['settling-steps']).toBe(2);
    // Never: one more than the longest stretch has, however short the one that is left.
    expect(of([100, 100, 120, 120, 120, 120], undefined, [0, 2])['settling-steps']).toBe(5);
    expect(of([100, 120, 120, 110, 108, 100], undefined, [0, 2])['settling-steps']).toBe(5);
  });

  it('asks nothing of stretches in which the set-point cannot be met', () => {
    const latency = [100, 100, 300, 300, 40, 100];
    expect(of(latency, undefined, [0, 2, 4])['settling-steps']).toBe(3);
    const free = of(latency, undefined, [0, 2, 4], (at) => at !== 1);
    expect(free).toMatchObject({ 'settling-steps': 2, 'tracking-accuracy': 100, stable: 1, ripple: 0 });
  });

  it('tells by how much a loop that stays in the band still swings', () => {
    const swinging = Array.from({ length: 12 }, (_, step) => (step % 2 === 0 ? 96 : 104));
    expect(of(swinging)).toMatchObject({ 'settling-steps': 1, stable: 1, ripple: expect.closeTo(4, 9) });
    expect(of(swinging.map(() => 100))['ripple']).toBe(0);
  });

  it('tells in how many steps the loop did not settle', () => {
    const unsettled = (latency: readonly number[]) =>
      unsettledSteps({
        latency,
        batch: latency,
        stretches: [0, 2].map((onset) => ({ onset, reachable: true })),
        setPoint: 100,
      });
    expect(unsettled([100, 120, 120, 110, 108, 100])).toBe(2);
    expect(unsettled([100, 120, 120, 110, 108, 106])).toBe(4);
    expect(unsettled([120, 100, 120, 110, 108, 100])).toBeNull();
  });

  it('overshoot is what lies beyond the set-point, on the other side than the push', () => {
    expect(of([140, 110, 93, 98, 100])['overshoot']).toBeCloseTo(7, 9);
    expect(of([60, 90, 112, 98, 100])['overshoot']).toBeCloseTo(12, 9);
    expect(of([140, 130, 120, 110, 101])['overshoot']).toBe(0);
    expect(of([99, 101, 98, 102])['overshoot']).toBe(0);
  });

  it('accuracy is of what is left at the end, on either side', () => {
    expect(of([150, 100, 100, 100, 110, 90])['tracking-accuracy']).toBeCloseTo(100, 9);
    expect(of([150, 100, 100, 100, 80, 80])['tracking-accuracy']).toBeCloseTo(80, 9);
    expect(of([150, 100, 110, 150, 100, 90], undefined, [0, 3])['tracking-accuracy']).toBeCloseTo(90, 9);
  });

  it('a loop that goes on swinging is not stable, and turns', () => {
    const swinging = of([70, 130, 70, 130, 70, 130], [4, 12, 4, 12, 4, 12]);
    expect(swinging).toMatchObject({ stable: 0, reversals: (100 * 4) / 6 });
    expect(of([150, 70, 110, 95, 101, 100], [8, 4, 6, 5.8, 5.9, 5.8])).toMatchObject({ stable: 1, reversals: 100 / 6 });
  });
});
