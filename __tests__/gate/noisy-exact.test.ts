import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/statistics/random.ts';
import { type Asked, judged, judgedMetric, metric, type PullRequest } from './external.ts';

const size = metric({ id: 'size', unit: 'bytes', kind: 'exact', tolerance: 0 });

/** A number per launch and arm: the level of the arm and what `jitter` makes of a random number. */
const jittering = (
  levels: { readonly base: number; readonly head: number },
  jitter: (random: number, asked: Asked) => number,
  spec = size,
  seed = 1,
) => {
  const random = seededRandom(seed);
  let now = 0;
  const program = (asked: Asked) => {
    if (asked.round === 0) now = jitter(random(), asked);
    return { [spec.id]: levels[asked.arm] + now };
  };
  return { metrics: [spec], program };
};
const half = (random: number): number => (random < 0.5 ? 0 : 0.5);
const onlyHead =
  (most: number) =>
  (random: number, { arm }: Asked): number =>
    arm === 'head' ? most * random : 0;

describe('an exact metric that varies', () => {
  it('is worse where it is worse, and says that it varies', () => {
    const found = judgedMetric(jittering({ base: 20, head: 80 }, half));
    expect(found).toMatchObject({ verdict: 'regressed', role: 'gate', run: 'regressed', launches: 12, scale: 'linear' });
    expect(found.reason).toBe('declared exact, but varies by 0.5 bytes between launches');
    expect(found.change!.estimate).toBeCloseTo(60, 0);
  });

  it('is better where it is better, and passes where it is neither', () => {
    expect(judgedMetric(jittering({ base: 80, head: 20 }, half))).toMatchObject({ verdict: 'improved', run: 'passed' });
    for (let seed = 1; seed <= 20; seed++) expect(judgedMetric(jittering({ base: 80, head: 80 }, half, size, seed)).run).toBe('passed');
  });

  it.each([5, 50, 500])('gains nothing by noise of %d that only head has', (most) => {
    const worse = judgedMetric(jittering({ base: 20, head: 80 }, onlyHead(most)));
    expect(worse).toMatchObject({ verdict: 'regressed', run: 'regressed' });
    expect(judgedMetric(jittering({ base: 20, head: 20 }, onlyHead(most))).run).not.toBe('passed');
    expect(judgedMetric(jittering({ base: 20, head: 30 - most / 2 }, onlyHead(most))).run).not.toBe('passed');
  });

  it('of either sign is compared by its differences', () => {
    const around = (better: 'lower' | 'higher') => metric({ id: 'margin', unit: 'points', kind: 'exact', better, tolerance: 0.02 });
    const noise = (random: number): number => random - 0.5;
    expect(judgedMetric(jittering({ base: -10, head: -5 }, noise, around('higher'))).verdict).toBe('improved');
    expect(judgedMetric(jittering({ base: -10, head: -15 }, noise, around('higher'))).verdict).toBe('regressed');
    expect(judgedMetric(jittering({ base: 0, head: 5 }, noise, around('lower'))).verdict).toBe('regressed');
  });

  it('also where it varies only within a launch, and not where only rounding does', () => {
    const within = judgedMetric({
      metrics: [size],
      program: ({ arm, round }) => ({ size: (arm === 'base' ? 20 : 80) + (round % 3) }),
    });
    expect(within).toMatchObject({ verdict: 'regressed', reason: expect.stringMatching(/varies by 2 bytes/) });
    const last = judgedMetric({ metrics: [size], program: ({ arm, round }) => ({ size: arm === 'head' && round < 14 ? 80 : 20 }) });
    expect(last).toMatchObject({ verdict: 'regressed' });
    const rounded = judged({ metrics: [size], program: ({ index }) => ({ size: index % 2 ? 0.3 : 0.1 + 0.2 }) });
    expect(rounded).toMatchObject({ launches: 5, verdict: { verdict: 'passed' } });
    expect(rounded.verdict.cells[0]!.metrics[0]!.reason).toBeNull();
  });

  it('hides nothing in a few of its rounds or launches', () => {
    const rounds = judgedMetric({ metrics: [size], program: ({ arm, round }) => ({ size: arm === 'head' && round < 7 ? 80 : 20 }) });
    expect(rounds).toMatchObject({ verdict: 'regressed', head: 48 });
    const launches = judgedMetric({
      metrics: [size],
      program: ({ arm, index }) => ({ size: arm === 'head' && index % 5 === 4 ? 80 : 20 }),
    });
    expect(launches).toMatchObject({ verdict: 'inconclusive', run: 'inconclusive' });
    const often = judgedMetric({ metrics: [size], program: ({ arm, index }) => ({ size: arm === 'head' && index % 5 >= 3 ? 80 : 20 }) });
    expect(often).toMatchObject({ verdict: 'regressed', base: 20 });
    expect(often.head).toBeGreaterThan(40);
    const better = judgedMetric({ metrics: [size], program: ({ arm, index }) => ({ size: arm === 'head' && index % 5 === 4 ? 5 : 20 }) });
    expect(better.verdict).toBe('passed');
  });

  describe('only where another metric is confirmed', () => {
    const slower = metric({ id: 'other' });
    const withOther = (sizeOf: (asked: Asked) => number): PullRequest => ({
      metrics: [size, slower],
      program: (asked) => ({ size: sizeOf(asked), other: (asked.arm === 'head' ? 60 : 50) + 1e-3 * asked.round + 0.01 * asked.index }),
    });

    it('is tested by those launches', () => {
      const worse = withOther(({ arm, purpose }) => (arm === 'head' && purpose === 'confirm' ? 80 : 20));
      expect(judgedMetric(worse)).toMatchObject({ verdict: 'regressed', base: 20, head: 80 });
      expect(judgedMetric(withOther(({ purpose, index }) => (purpose === 'confirm' ? 20 + (index % 2) : 20)))).toMatchObject({
        verdict: 'passed',
      });
    });

    it('fails where they have numbers that cannot be compared', () => {
      const beyond = (side: 'base' | 'head') => withOther(({ arm, purpose }) => (arm === side && purpose === 'confirm' ? 1e308 : 20));
      expect(judgedMetric(beyond('head'))).toMatchObject({
        verdict: 'failed',
        reason: expect.stringMatching(/head reported 1e\+308/),
      });
      expect(judgedMetric(beyond('base'))).toMatchObject({ verdict: 'inconclusive', state: 'no-base' });
    });

    it('takes nothing back that the screens agree on', () => {
      const noisy = withOther(({ arm, purpose, index }) => {
        if (purpose === 'screen') return arm === 'head' ? 80 : 20;
        return arm === 'head' ? 1000 * (index % 2) - 480 : 20;
      });
      expect(judgedMetric(noisy)).toMatchObject({ verdict: 'regressed', launches: 5 });
    });
  });

  it('is only an impression without confirmation, and undecided where the budget ends', () => {
    const worse = jittering({ base: 20, head: 80 }, half);
    expect(judgedMetric({ ...worse, policy: { looks: [], screen: 3 } })).toMatchObject({ verdict: 'inconclusive', run: 'inconclusive' });
    expect(judgedMetric({ ...worse, launches: 9 })).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringMatching(/; the time of `budget: minutes` ran out: /),
    });
  });
});

describe('a changed cell of which nothing gates', () => {
  it('is not called unchanged', () => {
    const { verdict } = judged({
      metrics: [metric({ kind: 'exact', role: 'advisory', tolerance: 0 })],
      program: ({ arm }) => ({ latency: arm === 'base' ? 20 : 80 }),
    });
    expect(verdict.cells[0]).toMatchObject({ verdict: 'passed', reason: 'shown only: none of its metrics decides' });
    expect(verdict.cells[0]!.metrics[0]!.warnings).toEqual([expect.stringMatching(/^worse by more than its tolerance/)]);
  });
});
