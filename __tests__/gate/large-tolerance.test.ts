import { describe, expect, it } from 'vitest';
import { deriveSeed, seededRandom } from '../../src/statistics/random.ts';
import { type Asked, judged, metric } from './external.ts';

const even = (seed: number, { arm, purpose, index }: Asked): number => seededRandom(deriveSeed(seed, arm, purpose, String(index)))() - 0.5;

/** Of a program whose launches vary by up to `noise` in either direction. */
const outcome = (
  head: number,
  { tolerance = 0.5, noise = 0.01, kind = 'timing' as 'timing' | 'exact', better = 'lower' as 'lower' | 'higher' } = {},
) => {
  const { verdict } = judged({
    metrics: [metric({ tolerance, kind, better })],
    program: (asked) => ({ latency: (asked.arm === 'base' ? 100 : head) * (1 + 2 * noise * even(3, asked)) }),
  });
  const { verdict: found, reason } = verdict.cells[0]!.metrics[0]!;
  return { verdict: found, reason };
};

describe('a tolerance that is larger than must-detect', () => {
  it.each(['timing', 'exact'] as const)('lets a %s metric pass between the two', (kind) => {
    expect(outcome(130, { kind })).toMatchObject({ verdict: 'passed', reason: kind === 'timing' ? null : expect.anything() });
    for (const head of [60, 52]) expect(outcome(head, { kind, better: 'higher' }).verdict).toBe('passed');
  });

  it('is all that a pass excludes: what lies beyond it is regressed, and what may is not decided', () => {
    expect(outcome(160)).toMatchObject({ verdict: 'regressed' });
    expect(outcome(45, { better: 'higher' })).toMatchObject({ verdict: 'regressed' });
    expect(outcome(149, { noise: 0.2 })).toMatchObject({
      verdict: 'inconclusive',
      reason: 'undecided: a change of 50 % cannot be excluded',
    });
    expect(outcome(100, { tolerance: 0.12, noise: 0.9 })).toMatchObject({
      verdict: 'inconclusive',
      reason: 'too noisy: a change of 12 % cannot be excluded; use a quieter machine, or raise gate.tolerance.latency',
    });
  });

  it('changes nothing where it is the smaller one', () => {
    expect(outcome(109, { tolerance: 0.09, noise: 0.1 })).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('a change of 10 % cannot be excluded'),
    });
  });
});
