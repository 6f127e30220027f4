import { describe, expect, it } from 'vitest';
import { foreignClockOf } from '../../src/gate/clock.ts';
import { externalBenchmark } from '../../src/optimizations/external-measurement/benchmark.ts';
import type { GatePolicy } from '../../src/records/plan.ts';
import { deriveSeed, seededRandom } from '../../src/statistics/random.ts';
import { type Asked, failuresAtTolerance, judged, judgedMetric, metric, readBy } from './external.ts';

/** A normal number for each answer, the same in every run. */
const gauss = (seed: number, { cell, arm, purpose, index, round }: Asked, round1 = round): number => {
  const random = seededRandom(deriveSeed(seed, cell, arm, purpose, String(index), String(round1)));
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
};

interface Timed {
  readonly base: number;
  readonly head: number;
  /** Share of the value, round by round. */
  readonly noise?: number;
  readonly steps?: { readonly base: number; readonly head: number };
}
const timed = ({ base, head, noise = 0.01, steps = { base: 0, head: 0 } }: Timed, accepted: GatePolicy['accepted'] = []) =>
  judgedMetric({
    metrics: [metric()],
    policy: { accepted },
    program: (asked) => ({ latency: readBy((asked.arm === 'base' ? base : head) * Math.exp(noise * gauss(1, asked)), steps[asked.arm]) }),
  });
const both = (step: number) => ({ base: step, head: step });

describe('a clock that is too coarse for what it times', () => {
  it.each([
    [{ base: 1.2, head: 1.4, steps: both(1) }, 'whole seconds that hide 17 %'],
    [{ base: 50.3, head: 50.3, steps: both(1) }, 'whole milliseconds of 50'],
    [{ base: 50.3, head: 50.3, steps: { base: 0, head: 1 } }, 'only the clock of head'],
    [{ base: 50.3, head: 50.3, steps: { base: 1, head: 0 } }, 'only the clock of base'],
    [{ base: 50.3, head: 52, steps: both(1), noise: 0.03 }, 'noise over several steps'],
    [{ base: 31.2, head: 31.2, steps: both(15.625) }, 'ticks of 15.625 ms'],
    [{ base: 2, head: 2, noise: 0 }, 'a constant of one digit'],
    [{ base: 0.05, head: 0.05, noise: 0 }, 'a constant of one decimal'],
  ])('decides nothing: %j (%s)', (times, _why) => {
    expect(timed(times)).toMatchObject({ verdict: 'inconclusive', run: 'inconclusive', reason: expect.stringMatching(/^clock: /) });
  });

  it('still shows what is worse by more than tolerance and step together', () => {
    expect(timed({ base: 50.3, head: 60, steps: both(1) })).toMatchObject({ verdict: 'regressed', run: 'regressed' });
    expect(timed({ base: 60, head: 50.3, steps: both(1) })).toMatchObject({ verdict: 'improved', run: 'passed' });
    expect(timed({ base: 1.2, head: 5.5, steps: both(1) })).toMatchObject({ verdict: 'regressed' });
  });

  it('is not excused by what base accepts', () => {
    const accepted = [{ cell: 'mini/engine', metric: 'latency', bound: 0.25, expires: '2026-12-31', reason: 'r' }];
    const reason = expect.stringMatching(/^clock: /);
    expect(timed({ base: 50.3, head: 60, steps: both(1) }, accepted)).toMatchObject({ verdict: 'inconclusive', reason });
    expect(timed({ base: 50.3, head: 60 }, accepted)).toMatchObject({ verdict: 'passed', run: 'passed' });
  });

  it('names the step and the finest that would do', () => {
    expect(timed({ base: 50.3, head: 50.3, steps: both(1) }).reason).toBe(
      'clock: base is read in steps of 1 ms, expected at most 0.25 ms; read a finer clock or time more work',
    );
  });

  it('asks for no launch that could only make it pass', () => {
    const { launches } = judged({
      metrics: [metric()],
      program: (asked) => ({ latency: readBy(50.3 * Math.exp(0.01 * gauss(1, asked)), 1) }),
    });
    expect(launches).toBe(5);
  });
});

describe('a clock that is fine enough', () => {
  it.each([
    [{ base: 50.3, head: 50.3 }, 'passed'],
    [{ base: 50.3, head: 50.3, steps: both(0.1) }, 'passed'],
    [{ base: 50.3, head: 50.3, steps: both(0.25) }, 'passed'],
    [{ base: 50.3, head: 50.3, steps: both(2 ** -4) }, 'passed'],
    [{ base: 50.3, head: 54, steps: both(0.25) }, 'regressed'],
    [{ base: 50, head: 50, noise: 0 }, 'passed'],
    [{ base: 50, head: 60, noise: 0 }, 'regressed'],
  ])('%j is %s', (times, expected) => {
    expect(timed(times).verdict).toBe(expected);
  });

  it('is not asked of a linear metric that is no time', () => {
    const queue = (unit: string) =>
      judgedMetric({ metrics: [metric({ unit, scale: 'linear', tolerance: 1 })], program: ({ index }) => ({ latency: 3 + (index % 3) }) });
    expect(queue('requests')).toMatchObject({ verdict: 'passed' });
    expect(queue('ms')).toMatchObject({ verdict: 'inconclusive', reason: expect.stringMatching(/^clock: /) });
  });

  it('is not suspected where a program measures once and repeats its answer', () => {
    const found = judgedMetric({
      metrics: [metric()],
      program: (asked) => ({ latency: 50 * Math.exp(0.01 * gauss(3, asked, 0)) }),
    });
    expect(found.reason ?? '').not.toMatch(/clock/);
  });

  it('shows its step where two times since 1970 are subtracted, and none where it has none', () => {
    const { metrics, points } = externalBenchmark([metric()]).workload({} as never, {} as never);
    const clockOf = (columns: Parameters<typeof foreignClockOf>[1]) => foreignClockOf(points[0]!, columns, metrics[0]!, 0.1);
    const since = 1_780_000_000;
    const launches = (step: number) =>
      Array.from({ length: 5 }, (_, index) => {
        const arm = (side: 'base' | 'head') =>
          Array.from({ length: 15 }, (_round, round) => {
            const asked = { cell: 'x/y', arm: side, purpose: 'screen', index, round } as const;
            return since + readBy(0.5 * Math.exp(0.01 * gauss(5, asked)), step) - since;
          });
        return { base: { latency: arm('base') }, head: { latency: arm('head') } };
      });
    expect(clockOf(launches(0.01)).coarse).toMatch(/steps of 0.01 ms/);
    const fine = clockOf(launches(0));
    expect([fine.coarse, fine.step < 1e-4]).toEqual([null, true]);
  });
});

describe('at the tolerance', () => {
  it.each([
    [50, 51],
    [100, 102],
    [0.05, 0.051],
    [50, 49],
  ])('the last bit does not decide: %d → %d ms, both ways, pass', (base, head) => {
    for (const better of ['lower', 'higher'] as const) {
      const found = judgedMetric({ metrics: [metric({ better })], program: ({ arm }) => ({ latency: arm === 'base' ? base : head }) });
      expect(found).toMatchObject({ run: base < 1 ? 'inconclusive' : 'passed' });
      expect(found.verdict).not.toBe('regressed');
      expect(found.verdict).not.toBe('improved');
    }
  });

  // Every cell sits at its tolerance. 5 of 25 and more have a chance below .01 where the true rate is .05.
  it.each([
    [0, 0.01],
    [0.1, 0.002],
    [0.25, 0.0005],
  ])('false failures stay below alpha with steps of %d ms and noise of %d', (step, noise) => {
    expect(failuresAtTolerance({ runs: 25, cells: 4, rounds: 5, step, noise })).toBeLessThan(5);
  });
});
