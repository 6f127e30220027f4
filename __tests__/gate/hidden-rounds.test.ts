import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/statistics/random.ts';
import { type Asked, judged, judgedMetric, metric, type PullRequest } from './external.ts';
import { policy } from './fixtures.ts';

/** About 50 of the metric's unit in both arms; `change` is what head's round is multiplied by. */
const shaped = (
  change: (asked: Asked, random: () => number) => number,
  {
    spec = metric(),
    seed = 1,
    noise = 0.01,
  }: { readonly spec?: ReturnType<typeof metric>; readonly seed?: number; readonly noise?: number } = {},
): PullRequest => {
  const random = seededRandom(seed);
  const program = (asked: Asked) => {
    const time = 50 * Math.exp(noise * (random() + random() - 1));
    return { [spec.id]: asked.arm === 'head' ? time * change(asked, random) : time };
  };
  return { metrics: [spec], program, rounds: 60, seed };
};

const byMean = 'the mean over rounds is worse by more than 10 %';

describe('a timing metric that is worse in fewer than half of its rounds', () => {
  it.each([
    ['the first', ({ round }: Asked) => (round < 24 ? 3 : 1)],
    ['the last', ({ round }: Asked) => (round >= 36 ? 3 : 1)],
    ['every fourth', ({ round }: Asked) => (round % 4 === 0 ? 3 : 1)],
    ['some, and better in the others', ({ round }: Asked) => (round % 5 < 2 ? 3 : 0.9)],
  ])('is regressed: %s', (_, change) => {
    const found = judgedMetric(shaped(change));
    expect(found).toMatchObject({ verdict: 'regressed', run: 'regressed', launches: 12, reason: byMean });
    expect(found.change!.estimate).toBeGreaterThan(0.25);
    // The numbers that are shown differ by the change that is shown.
    expect(found.head! / found.base! - 1).toBeCloseTo(found.change!.estimate, 1);
  });

  it('is regressed wherever the slow rounds fall', () => {
    for (let seed = 1; seed <= 10; seed++)
      expect(judgedMetric(shaped((_, random) => (random() < 0.4 ? 3 : 1), { seed }))).toMatchObject({ verdict: 'regressed' });
  });

  it('also where more is better, and on the linear scale', () => {
    const rate = metric({ id: 'rate', unit: 'tokens/s', better: 'higher' });
    expect(judgedMetric(shaped(({ round }) => (round % 3 === 0 ? 0.2 : 1), { spec: rate }))).toMatchObject({ verdict: 'regressed' });
    const linear = metric({ id: 'lag', unit: 'points', scale: 'linear', tolerance: 1 });
    expect(judgedMetric(shaped(({ round }) => (round % 3 === 0 ? 3 : 1), { spec: linear }))).toMatchObject({ verdict: 'regressed' });
  });

  it('is accepted only by the change that is shown', () => {
    const accepting = (bound: number) => ({
      ...policy,
      accepted: [{ cell: 'mini/engine', metric: 'latency', bound, expires: '2026-12-31', reason: 'r' }],
    });
    const slow = shaped(({ round }) => (round % 5 < 2 ? 3 : 1));
    expect(judgedMetric({ ...slow, policy: accepting(0.05) }).verdict).toBe('regressed');
    expect(judgedMetric({ ...slow, policy: accepting(1) }).verdict).toBe('passed');
  });

  it.each([1.08, 1.12])('is not accepted by what the medians keep: %d times as slow in the other rounds', (times) => {
    const accepting = {
      ...policy,
      accepted: [{ cell: 'mini/engine', metric: 'latency', bound: 0.15, expires: '2026-12-31', reason: 'r' }],
    };
    const slow = (share: number) => ({
      ...shaped(({ round }) => times * (round % 10 < share ? 5 : 1), { noise: 1e-3 }),
      policy: accepting,
    });
    expect(judgedMetric(slow(0)).verdict).toBe('passed');
    const reason = 'the mean over rounds is worse by more than 15 %';
    expect(judgedMetric(slow(2))).toMatchObject({ verdict: 'regressed', run: 'regressed', reason });
  });

  it('is held by means that stay undecided, whatever base accepts of the medians', () => {
    const accepting = (bound: number) => ({
      ...policy,
      accepted: [{ cell: 'mini/engine', metric: 'latency', bound, expires: '2026-12-31', reason: 'r' }],
    });
    // Slow rounds in every screening launch, and in `of` out of two confirming ones.
    const hiding = (times: number, of: number, slow = 1.85) =>
      shaped(({ purpose, index, round }) => times * (round % 10 < 2 && (purpose === 'screen' || index % 2 < of) ? slow : 1), {
        noise: 1e-3,
      });
    const undecided = {
      verdict: 'inconclusive',
      run: 'inconclusive',
      launches: 36,
      reason: 'undecided: the mean over rounds may be worse by more than 15 %',
    };
    expect(judgedMetric({ ...hiding(1.08, 1), policy: accepting(0.15) })).toMatchObject(undecided);
    expect(judgedMetric({ ...hiding(1, 1, 2.2), policy: accepting(0.15) })).toMatchObject(undecided);
    expect(judgedMetric({ ...hiding(1.08, 1), policy: accepting(0.15), launches: 9 }).verdict).toBe('inconclusive');
    // Nothing was accepted, or the means are given up.
    expect(judgedMetric(hiding(1.08, 1)).verdict).toBe('regressed');
    expect(judgedMetric({ ...hiding(1.06, 0), policy: accepting(0.15) })).toMatchObject({
      verdict: 'passed',
      reason: 'accepted until 2026-12-31 up to 0.15: r',
    });
  });

  it('is within a tolerance that is larger than must-detect', () => {
    const slow = (factor: number) => shaped(({ round }) => (round % 5 < 2 ? factor : 1), { spec: metric({ tolerance: 0.3 }) });
    expect(judgedMetric(slow(1.5)).verdict).toBe('passed');
    expect(judgedMetric(slow(3))).toMatchObject({ verdict: 'regressed', reason: 'the mean over rounds is worse by more than 30 %' });
  });

  it('is undecided where the budget ends, and an impression without confirmation', () => {
    const slow = shaped(({ round }) => (round % 5 < 2 ? 3 : 1));
    expect(judgedMetric({ ...slow, launches: 9 })).toMatchObject({ verdict: 'inconclusive', run: 'inconclusive' });
    expect(judgedMetric({ ...slow, policy: { looks: [], screen: 3 } }).reason).toBe(
      'first impression (`quick`): it may be worse, not confirmed',
    );
  });

  it('is no alarm where stalls hit both arms alike', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      const program = () => ({ latency: 50 * (1 + 0.01 * random()) * (random() < 0.1 ? 20 : 1) });
      expect(judged({ metrics: [metric()], program, rounds: 60, seed }).verdict.verdict).toBe('passed');
    }
  });
});

describe('an exact metric that is better, and far worse in few launches', () => {
  const size = metric({ id: 'size', unit: 'bytes', kind: 'exact', tolerance: 0 });
  const rarely = (better: number, every: number): PullRequest => ({
    metrics: [size],
    program: ({ arm, index }) => ({ size: arm === 'base' ? 20 : index % every === 3 ? 500 : better }),
  });

  it.each([
    [5, 8],
    [15, 10],
    [20, 10],
  ])('is not improved: %d, and 500 in every launch of %d', (better, every) => {
    expect(judgedMetric(rarely(better, every))).toMatchObject({ verdict: 'inconclusive', run: 'inconclusive' });
  });

  it('also where only the confirming launches of another metric show it', () => {
    const program = ({ arm, index, purpose, round }: Asked) => ({
      size: arm === 'head' && purpose === 'confirm' && index % 8 === 3 ? 500 : 20,
      other: 50 * (arm === 'head' ? 0.8 : 1) + 1e-3 * round + 0.01 * index,
    });
    expect(judgedMetric({ metrics: [size, metric({ id: 'other' })], program })).toMatchObject({ verdict: 'inconclusive' });
  });

  it('is improved where they leave it better', () => {
    const program = ({ arm, index }: Asked) => ({ size: arm === 'base' ? 20 : index % 10 === 3 ? 21 : 5 });
    expect(judgedMetric({ metrics: [size], program })).toMatchObject({ verdict: 'improved', run: 'passed' });
  });
});
