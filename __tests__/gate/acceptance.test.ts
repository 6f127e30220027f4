import { describe, expect, it } from 'vitest';
import { judgedMetric, metric, type Program } from './external.ts';

const size = { id: 'size', unit: 'bytes', kind: 'exact', tolerance: 0 } as const;

const accepting = (bound: number, program: Program, scale: 'log' | 'linear' = 'log') =>
  judgedMetric({
    metrics: [metric({ ...size, scale })],
    program,
    policy: { accepted: [{ cell: 'mini/engine', metric: 'size', bound, expires: '2026-06-15', reason: 'a larger embedding' }] },
  }).verdict;

const constant =
  (base: number, head: number): Program =>
  ({ arm }) => ({ size: arm === 'base' ? base : head });

describe('the bound of an acceptance', () => {
  it.each([
    ['log', 7, 7.7, 0.1],
    ['linear', 0.3, 0.4, 0.1],
    ['linear', 1e6, 1e6 + 0.3, 0.3],
    ['log', -10, -9, 0.1],
  ] as const)('holds on the %s scale for %d → %d, which differ by it but for rounding', (scale, base, head, bound) => {
    expect(accepting(bound, constant(base, head), scale)).toBe('passed');
    expect(accepting(bound * 0.9999, constant(base, head), scale)).toBe('regressed');
  });

  it('accepts nothing where it is negative, or a share of a base of 0', () => {
    expect(accepting(-0.1, constant(100, 101))).toBe('regressed');
    expect(accepting(1e300, constant(0, 1))).toBe('regressed');
  });

  it('holds for the mean of an exact metric that varies, which a few launches move', () => {
    const inLaunches =
      (far: number): Program =>
      ({ arm, index }) => ({ size: arm === 'base' ? 100 : index % 4 === 3 ? far : 105 });
    expect(accepting(0.1, inLaunches(106))).toBe('passed');
    expect(accepting(0.1, inLaunches(1100))).toBe('regressed');
  });
});
