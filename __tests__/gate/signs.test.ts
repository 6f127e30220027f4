import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beyondTolerance, scaledFor, worseBy, worseOnScale } from '../../src/gate/scale.ts';
import type { MetricSpec } from '../../src/records/metric.ts';
import { verdict as verdictSchema } from '../../src/records/verdict.ts';
import { type Asked, judged, judgedMetric, metric } from './external.ts';
import { metrics } from './fixtures.ts';

const exact = (better: 'lower' | 'higher', tolerance = 0, scale: 'log' | 'linear' = 'log') =>
  metric({ id: 'size', unit: 'bytes', kind: 'exact', better, tolerance, scale });
const between = (spec: ReturnType<typeof metric>, base: number, head: number) =>
  judgedMetric({ metrics: [spec], program: ({ arm }) => ({ [spec.id]: arm === 'base' ? base : head }) });

const summaryOf = (spec: ReturnType<typeof metric>, base: number, head: number): string =>
  judged({
    metrics: [spec],
    program: ({ arm, round }) => ({ [spec.id]: (arm === 'base' ? base : head) * (spec.kind === 'exact' ? 1 : 1 + 1e-3 * round) }),
  }).verdict.summary;

describe('the summary', () => {
  it('shows a change beyond the tolerance as one', () => {
    expect(summaryOf(exact('lower', 0.02), 100, 102.01)).toMatch(/: size \+2\.01 % in /);
    expect(summaryOf(exact('higher', 0.001), 1000, 998.9)).toMatch(/: size −0\.11 % in /);
    expect(summaryOf(exact('lower', 0.02), 100, 150)).toMatch(/: size \+50 % in /);
  });

  it('writes a ratio beyond all numbers, and differences of percentages, for what they are', () => {
    expect(summaryOf(metric(), 1e-300, 1e299)).toMatch(/ \+∞ % /);
    expect(summaryOf({ ...exact('lower', 1, 'linear'), unit: '%' }, 10, 14)).toMatch(/: size \+4 points in /);
  });

  it('says that something gates where all of it is undecided', () => {
    const noisy = metric({ scale: 'linear', unit: 'points', tolerance: 1 });
    const noise = ({ index, round }: { readonly index: number; readonly round: number }) => Math.sin(7 * index + round);
    const { verdict } = judged({
      metrics: [noisy],
      program: ({ arm, ...asked }) => ({ latency: noise(asked) + (arm === 'head' ? 0.9 + 0.2 * Math.sin(asked.index) : 0) }),
    });
    expect(verdict.summary).toMatch(/^Passed: none of the gating metrics regressed; 1 metric in 1 cell undecided/);
  });
});

describe('an exact metric of either sign', () => {
  it.each([
    ['higher', -10, -5, 'improved'],
    ['higher', -10, -15, 'regressed'],
    ['higher', 5, -10, 'regressed'],
    ['higher', -10, 5, 'improved'],
    ['higher', 0, 5, 'improved'],
    ['higher', 5, 0, 'regressed'],
    ['lower', -10, -5, 'regressed'],
    ['lower', -10, -15, 'improved'],
    ['lower', 5, -10, 'improved'],
    ['lower', -10, 5, 'regressed'],
    ['lower', 0, 5, 'regressed'],
    ['lower', 5, 0, 'improved'],
    ['lower', 0, 0, 'passed'],
    ['lower', -0, 0, 'passed'],
    ['lower', 5e-324, 1, 'regressed'],
    ['higher', 1, 5e-324, 'regressed'],
    ['lower', 5e-324, 1e-323, 'regressed'],
    ['lower', 1e-15, 2e-15, 'regressed'],
    ['lower', 1e300, -1e300, 'improved'],
    ['lower', 1e-300, 1e300, 'regressed'],
    ['lower', 0.1 + 0.2, 0.3, 'passed'],
    ['lower', 1e12, 1e12 + 1, 'regressed'],
  ] as const)('better %s: %d → %d is %s', (better, base, head, expected) => {
    expect(between(exact(better), base, head)).toMatchObject({ verdict: expected, run: expected === 'regressed' ? 'regressed' : 'passed' });
  });

  it('is shown as a difference where a quotient would have the wrong sign, with the tolerance as a share of base', () => {
    expect(between(exact('higher', 0.02), -10, -5)).toMatchObject({ scale: 'linear', change: { estimate: 5 }, tolerance: 0.2 });
    expect(between(exact('higher', 0.02), -10, -10.2)).toMatchObject({ verdict: 'passed' });
    expect(between(exact('higher', 0.02), -10, -10.21)).toMatchObject({ verdict: 'regressed' });
    expect(between(exact('lower', 0.02), 100, 102)).toMatchObject({ verdict: 'passed', scale: 'log', change: { estimate: 0.02 } });
  });

  it('has a verdict that can be written down, however large its numbers', () => {
    for (const [base, head] of [
      [1e300, -1e300],
      [5e-324, 1e300],
      [-1e300, 1e300],
    ] as const) {
      for (const varies of [false, true]) {
        const program = ({ arm, index }: Asked) => ({ size: arm === 'base' || (varies && index % 4 === 0) ? base : head });
        const { verdict } = judged({ metrics: [exact('lower')], program });
        expect(verdictSchema.safeParse(verdict).error).toBeUndefined();
        expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict);
        expect(verdict.summary.length).toBeLessThan(300);
      }
    }
  });

  it('is refused by name beyond the numbers that have sums and ratios, as the fault of the arm that gave it', () => {
    expect(between(exact('lower'), 1, 1e308)).toMatchObject({
      verdict: 'failed',
      reason: expect.stringMatching(/head reported 1e\+308/),
    });
    expect(between(exact('lower'), 1e308, 1)).toMatchObject({ verdict: 'inconclusive', state: 'no-base' });
  });

  it('is regressed, improved or neither by the sign of the difference alone', () => {
    const number = fc.double({ min: -1e300, max: 1e300, noNaN: true });
    fc.assert(
      fc.property(number, number, fc.constantFrom('lower' as const, 'higher' as const), (base, head, better) => {
        const spec: MetricSpec = { ...metrics[5]!, better, tolerance: 0 };
        const found = beyondTolerance(spec, head, base);
        const mirrored = beyondTolerance({ ...spec, better: better === 'lower' ? 'higher' : 'lower' }, head, base);
        const turned = { worse: 'better', better: 'worse' } as const;
        expect(mirrored).toBe(found === null ? null : turned[found]);
        if (found !== null) expect(found === 'worse').toBe(better === 'lower' ? head > base : head < base);
        expect(scaledFor(spec, [head, base], base).tolerance).toBe(0);
      }),
    );
  });
});

describe('a tolerance of 2 %', () => {
  it.each([
    ['lower', 100, 102, 'passed'],
    ['lower', 100, 98, 'passed'],
    ['lower', 100, 102.001, 'regressed'],
    ['higher', 100, 98, 'passed'],
    ['higher', 100, 102, 'passed'],
    ['higher', 100, 97.999, 'regressed'],
    ['higher', 100, 102.001, 'improved'],
  ] as const)('is 2 %% of base in either direction: better %s, %d → %d is %s', (better, base, head, expected) => {
    expect(between(exact(better, 0.02), base, head).verdict).toBe(expected);
  });

  it('is so for timing too, and no tolerance is beyond a logarithm', () => {
    const log = { scale: 'log', better: 'higher' } as const;
    expect(worseOnScale(log, 0.02)).toBeCloseTo(worseBy(log, 98, 100)!, 12);
    expect(worseOnScale(log, 10)).toBeLessThan(40);
    const throughput = metric({ better: 'higher', tolerance: 2 });
    expect(between(throughput, 100, 40).verdict).not.toBe('failed');
  });
});

describe('timing of nothing', () => {
  it.each([
    ['lower', 0, 0, 'inconclusive', 'clock'],
    ['lower', 0, 5, 'inconclusive', 'clock'],
    ['lower', 5, 0, 'inconclusive', 'clock'],
    ['higher', 5, 0, 'failed', 'failed'],
    ['higher', 0, 5, 'inconclusive', 'no-base'],
    ['lower', -1, 5, 'inconclusive', 'no-base'],
    ['lower', 5, -1, 'failed', 'failed'],
    ['lower', 0, -1, 'failed', 'failed'],
  ] as const)('better %s: %d → %d is %s (%s), never a pass', (better, base, head, verdict, state) => {
    const found = between(metric({ better }), base, head);
    expect(found).toMatchObject({ verdict, state, run: verdict });
    expect(found.reason).toMatch(/(base|head) has the value -?[01] ms of latency, expected more than 0/);
  });

  it('is found in a single round, also of a confirming launch', () => {
    const mixed = (purpose: 'screen' | 'confirm') =>
      judgedMetric({
        metrics: [metric()],
        program: ({ arm, index, round, purpose: now }) => ({
          latency:
            now === purpose && arm === 'base' && index === 3 && round === 7 ? 0 : (arm === 'base' ? 50 : 60) + 0.01 * index + 0.001 * round,
        }),
      });
    for (const purpose of ['screen', 'confirm'] as const) expect(mixed(purpose)).toMatchObject({ verdict: 'inconclusive', state: 'clock' });
  });

  it('is compared all the same on the linear scale that is declared for it', () => {
    const linear = metric({ scale: 'linear' });
    expect(between(linear, 0, 0)).toMatchObject({ verdict: 'passed' });
    expect(between(linear, 0, 5)).toMatchObject({ verdict: 'regressed' });
    expect(between(linear, -5, -4)).toMatchObject({ verdict: 'regressed' });
    expect(between(linear, 5, 0)).toMatchObject({ verdict: 'improved' });
  });

  it('says that a size is needed where base is about 0', () => {
    const noise = (asked: { readonly index: number; readonly round: number }, k: number): number =>
      Math.sin(k * (37 * asked.index + asked.round + 1));
    const around = judgedMetric({
      metrics: [metric({ scale: 'linear' })],
      program: (asked) => ({ latency: noise(asked, asked.arm === 'base' ? 12.9898 : 78.233) }),
    });
    expect(around).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringMatching(/set gate.tolerance.latency to the change that matters, in ms$/),
    });
  });
});
