import { describe, expect, it } from 'vitest';
import { arrivalTrace, type TraceShape } from '../../../src/optimizations/serving/arrival-trace.ts';
import { seededRandom } from '../../../src/statistics/random.ts';

/** Rates as the docstring tells them, per share of the duration: what the inversion is held against. */
const rates: Readonly<Record<TraceShape, (at: number) => number>> = {
  steady: () => 1,
  ramp: (at) => 0.25 + 1.5 * at,
  burst: (at) => (at >= 0.4 && at < 0.6 ? 3 : 0.5),
  drift: (at) => (at < 0.25 ? 1 + 2.4 * at : at < 0.75 ? 1.6 - 2.4 * (at - 0.25) : 0.4 + 2.4 * (at - 0.75)),
};
const shapes = Object.keys(rates) as TraceShape[];

describe('arrivalTrace', () => {
  it.each(shapes)('%s: the rate integrated up to an arrival is the share that was drawn for it', (shape) => {
    const steps = 100_000;
    for (const share of [0.001, 0.2, 0.21, 0.5, 0.79, 0.81, 0.999]) {
      const [time = Number.NaN] = arrivalTrace({ shape, rate: 1000, requests: 1, random: () => share });
      let integral = 0;
      for (let step = 0; step < steps; step++) integral += (rates[shape](((step + 0.5) / steps) * time) * time) / steps;
      expect(integral).toBeCloseTo(share, 4);
    }
  });

  it.each(shapes)('%s: ascending, inside its duration, the same for the same seed', (shape) => {
    const trace = (seed: number): readonly number[] => arrivalTrace({ shape, rate: 200, requests: 90, random: seededRandom(seed) });
    const times = trace(7);
    expect(times).toHaveLength(90);
    expect(times).toEqual([...times].sort((one, other) => one - other));
    expect(Math.min(...times)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...times)).toBeLessThan(450);
    expect(trace(7)).toEqual(times);
    expect(trace(8)).not.toEqual(times);
  });

  it('arrives as a Poisson process does: gaps of a long steady trace are exponential', () => {
    const times = arrivalTrace({ shape: 'steady', rate: 1000, requests: 20_000, random: seededRandom(1) });
    const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
    for (const beyond of [0.5, 1, 2, 3])
      expect(gaps.filter((gap) => gap > beyond).length / gaps.length).toBeCloseTo(Math.exp(-beyond), 1.5);
  });

  it.each([
    ['rate', { rate: 0, requests: 4 }],
    ['rate', { rate: Number.NaN, requests: 4 }],
    ['requests', { rate: 1, requests: 0 }],
    ['requests', { rate: 1, requests: 2.5 }],
  ])('refuses a %s that cannot be', (_, wrong) => {
    expect(() => arrivalTrace({ shape: 'steady', random: seededRandom(1), ...wrong })).toThrow(
      expect.objectContaining({ code: 'option-invalid' }),
    );
  });
});
