import { describe, expect, it } from 'vitest';
import { lastTests } from '../../src/gate/last-test.ts';
import { seededRandom } from '../../src/statistics/random.ts';
import { type Asked, judged, judgedMetric, metric } from './external.ts';
import { mixed, policy } from './fixtures.ts';

const candidate = (key: string, values: readonly number[]) => ({ key, values: mixed(values), margin: 0.02, waiting: false });
const above = (n: number): number[] => Array.from({ length: n }, (_, i) => 0.021 + 0.001 * i);
const none: ReadonlySet<string> = new Set();

describe('the last test', () => {
  it('tests each series at the longest look that it reached, at the share of that look', () => {
    const found = lastTests([candidate('a', above(36)), candidate('b', above(30)), candidate('c', above(11))], none, policy);
    expect(found.get('a')).toEqual({ launches: 36, p: (3 * 2 ** -36 * 0.05) / 0.0035, rejected: true, dependent: false });
    expect(found.get('b')).toEqual({ launches: 24, p: (3 * 2 ** -24 * 0.05) / 0.001, rejected: true, dependent: false });
    expect(found.has('c')).toBe(false);
  });

  it('counts all that the screens sent to confirmation, and asks no rejected one again', () => {
    // 12 launches, all above: p = 2^-12 = .00024, which two metrics leave below .0005 and three do not.
    const two = [candidate('a', above(12)), candidate('b', [])];
    expect(lastTests(two, none, policy).get('a')?.rejected).toBe(true);
    expect(lastTests([...two, candidate('c', [])], none, policy).get('a')?.rejected).toBe(false);
    expect(lastTests(two, new Set(['a']), policy).size).toBe(0);
  });

  it('rejects nothing by launches that rise through the run', () => {
    const rising = { ...candidate('a', []), values: above(36) };
    expect(lastTests([rising], none, policy).get('a')).toMatchObject({ rejected: false, dependent: true });
    expect(lastTests([candidate('a', above(36))], none, policy).get('a')).toMatchObject({ rejected: true, dependent: false });
  });

  it('spends nothing where the policy gives it nothing', () => {
    const looks = policy.looks.map((look) => ({ ...look, lastAlpha: 0 }));
    expect(lastTests([candidate('a', above(36))], none, { ...policy, looks }).size).toBe(0);
  });
});

/** Two metrics of one program. The screens show nothing of the first, whose confirming launches are `slower` with so much noise. */
const slowAfterScreen = (slower: number, noise: number, more: { readonly launches?: number } = {}) => {
  const random = seededRandom(5);
  let bias = 0;
  return {
    metrics: [metric(), metric({ id: 'other' })],
    program: ({ arm, purpose, index, round }: Asked) => {
      if (round === 0) bias = noise * (random() + random() + random() + random() - 2) * Math.sqrt(3);
      const screened = (index % 2 ? 1 : -1) * 0.2;
      const change = arm === 'base' ? 0 : purpose === 'screen' ? screened - 0.1 : slower + bias;
      return { latency: 50 * Math.exp(change + 1e-4 * round), other: 50 + 1e-3 * round + 0.01 * index };
    },
    ...more,
  };
};

describe('a metric of which the screens saw nothing', () => {
  it('is regressed by all launches of its cell, where it stayed too noisy before', () => {
    expect(judgedMetric(slowAfterScreen(Math.log(1.178), 0.12))).toMatchObject({
      verdict: 'regressed',
      run: 'regressed',
      launches: 36,
      reason: 'shown by the last test, over all 36 launches',
    });
  });

  it('stays undecided where they do not show it', () => {
    expect(judgedMetric(slowAfterScreen(0.08, 0.3))).toMatchObject({ verdict: 'inconclusive', run: 'inconclusive' });
    expect(judgedMetric(slowAfterScreen(0, 0.02))).toMatchObject({ verdict: 'passed', run: 'passed' });
  });

  it('is judged by the looks that were reached where the budget ends', () => {
    const stopped = judgedMetric(slowAfterScreen(Math.log(1.5), 0.12, { launches: 5 + 30 }));
    expect(stopped).toMatchObject({ verdict: 'regressed', launches: 24, reason: 'shown by the last test, over all 24 launches' });
  });
});

describe('a metric that the screens cleared', () => {
  /** Three metrics: the first is so many times as slow in the confirming launches, which the last, an improvement, asks for. */
  const laterSlower = (times: number, kind: 'timing' | 'exact' = 'timing') => ({
    metrics: [metric({ kind, tolerance: 0.02 }), metric({ id: 'other' }), metric({ id: 'better' })],
    program: ({ arm, purpose, index, round }: Asked) => {
      const near = kind === 'exact' ? 0 : 1e-3 * Math.sin(7 * round + index + (arm === 'head' ? 1 : 0));
      const later = arm === 'head' && purpose === 'confirm' ? times : 1;
      return { latency: 50 * later * Math.exp(near), other: 50 * Math.exp(near), better: (arm === 'head' ? 40 : 50) * Math.exp(near) };
    },
  });

  it.each([1.2, 1.5, 10])('has more launches where those of another one do not exclude must-detect: %d times as slow', (times) => {
    expect(judgedMetric(laterSlower(times))).toMatchObject({
      verdict: 'regressed',
      run: 'regressed',
      reason: 'shown by the last test, over all 36 launches',
    });
    expect(judgedMetric({ ...laterSlower(times), launches: 5 + 12 })).toMatchObject({
      verdict: 'inconclusive',
      run: 'inconclusive',
      reason: 'the time of `budget: minutes` ran out: only 12 of 24 confirming launches are complete',
    });
  });

  it('has no more where they exclude it, and is regressed where the numbers of an exact one agree', () => {
    expect(judged(laterSlower(1.05))).toMatchObject({ launches: 5 + 12, verdict: { verdict: 'passed' } });
    expect(judgedMetric(laterSlower(1.05, 'exact'))).toMatchObject({
      verdict: 'regressed',
      run: 'regressed',
      p: null,
      head: 52.5,
      reason: 'declared exact, but varies by 2.5 ms between launches; all 12 confirming launches agree',
    });
    expect(judgedMetric(laterSlower(1.02, 'exact'))).toMatchObject({ verdict: 'passed', run: 'passed' });
  });
});

describe('a metric that was given up', () => {
  it('is undecided where the launches that others of its point asked for are worse than the first ones', () => {
    // Both advance. The first is given up at 12 launches, the second stays at its tolerance up to 36; by then the first shows what it is.
    const program = ({ arm, purpose, index, round }: Asked) => {
      const slow = arm === 'base' ? 0 : purpose === 'screen' ? 0.03 : index < 12 ? (index % 2 ? -0.03 : 0.02) : 0.08;
      const near = arm === 'base' ? 0 : Math.log(1.02) + (index % 2 ? 0.004 : -0.004);
      return { latency: 50 * Math.exp(slow + 1e-4 * index + 1e-5 * round), other: 50 * Math.exp(near + 1e-5 * index + 1e-5 * round) };
    };
    expect(judgedMetric({ metrics: [metric(), metric({ id: 'other' })], program })).toMatchObject({
      verdict: 'inconclusive',
      run: 'inconclusive',
      launches: 36,
      reason: expect.stringMatching(/^dependent: /),
    });
  });
});

it('keeps false failures below alpha where every metric of a noisy cell sits at its tolerance', () => {
  // Metrics that did not advance are confirmed beside those that did. 5 of 25 have a chance below .01 where the true rate is .05.
  let failed = 0;
  for (let run = 0; run < 25; run++) {
    const random = seededRandom(run);
    const gauss = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const metrics = ['a', 'b', 'c', 'd'].map((id) => metric({ id }));
    const program = ({ arm }: Asked) =>
      Object.fromEntries(metrics.map(({ id }) => [id, 50 * (arm === 'head' ? 1.02 : 1) * Math.exp(0.1 * gauss())]));
    if (judged({ metrics, program, rounds: 1, seed: run }).verdict.verdict === 'regressed') failed += 1;
  }
  expect(failed).toBeLessThan(5);
});

describe('a metric that improved at the first look', () => {
  /** A third of the launches after the first look are three times as slow, which the other metric asks for. */
  const laterSlower = (read: (time: number, round: number) => number) => ({
    metrics: [metric(), metric({ id: 'other' })],
    program: ({ arm, purpose, index, round }: Asked) => {
      const near = 1e-5 * index + 1e-5 * round;
      const times = arm === 'base' ? 1 : purpose === 'screen' || index < 12 || index % 3 > 0 ? 0.8 : 3;
      const margin = arm === 'base' ? 0 : Math.log(1.02) + (index % 2 ? 0.004 : -0.004);
      return { latency: read(50 * times * Math.exp(near), round), other: 50 * Math.exp(margin + near) };
    },
  });

  it('is undecided where later launches of another one leave must-detect open', () => {
    expect(judgedMetric(laterSlower((time) => time))).toMatchObject({
      verdict: 'inconclusive',
      run: 'inconclusive',
      launches: 36,
      reason: 'too noisy: a change of 10 % cannot be excluded; use a quieter machine, or raise gate.must-detect',
    });
  });

  it('also by a clock that is too coarse for a pass', () => {
    expect(judgedMetric(laterSlower((time, round) => 5 * (Math.round(time / 5) + (round % 3))))).toMatchObject({
      verdict: 'inconclusive',
      run: 'inconclusive',
      reason: 'clock: base is read in steps of 5 ms, expected at most 0.275 ms; read a finer clock or time more work',
    });
  });
});
