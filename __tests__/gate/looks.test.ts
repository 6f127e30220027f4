import { describe, expect, it } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { type Candidate, replayLooks, requireLooks } from '../../src/gate/looks.ts';
import { advances, excludes } from '../../src/gate/screen.ts';
import { mixed, policy } from './fixtures.ts';

const { looks, alpha } = policy;
const margin = 0.02;
/** `n` values, the `below` smallest steps of them under the margin: the p value is a small count over 2^n. */
const values = (n: number, below = 0): number[] => Array.from({ length: n }, (_, i) => margin + (i < below ? -1 : 1) * 0.001 * (i + 1));
const candidate = (key: string, list: readonly number[], waiting = false): Candidate => ({
  key,
  values: mixed(list),
  margin,
  waiting,
});
const outcomes = (candidates: readonly Candidate[]) =>
  Object.fromEntries([...replayLooks(candidates, looks, alpha)].map(([key, decision]) => [key, decision.outcome]));

describe('looks over a family', () => {
  it('steps down: what Bonferroni over both would not reject falls after the first one', () => {
    // a: p = 2^-12, all values above the margin; b: the ranks 1, 2 and 3 lie below it.
    const [a, b] = [values(12), Array.from({ length: 12 }, (_, i) => margin + ([0, 1, 2].includes(i) ? -1 : 1) * 0.001 * (i + 1))];
    const decisions = replayLooks([candidate('a', a), candidate('b', b)], looks, alpha);
    expect(decisions.get('a')).toEqual({ outcome: 'rejected', launches: 12, p: (2 * 2 ** -12 * alpha) / 0.01 });
    // Subsets of 1 … 12 with sum ≤ 6: 14 of them. p = 14 / 4096 = .0034: above .01 / 3, below .01 / 2.
    expect(decisions.get('b')!.outcome).toBe('rejected');
    expect(decisions.get('b')!.p).toBeCloseTo(((14 / 4096) * alpha) / 0.01, 12);
    const third = candidate('c', values(12, 6));
    expect(replayLooks([candidate('b', b), third, candidate('d', values(12, 6))], looks, alpha).get('b')!.outcome).toBe('open');
  });

  it('cannot reject 41 metrics with twelve launches, and can 40', () => {
    const family = (n: number) => outcomes(Array.from({ length: n }, (_, i) => candidate(`m${i}`, values(12))));
    expect(new Set(Object.values(family(40)))).toEqual(new Set(['rejected']));
    expect(new Set(Object.values(family(41)))).toEqual(new Set(['open']));
  });

  it('holds a look while one metric still waits, except for what Bonferroni already decides', () => {
    // Ranks 1 and 8 below, sum 9: p = 33 / 4096, above .01 / 3. The clear one falls by Bonferroni alone.
    const middling = Array.from({ length: 12 }, (_, i) => margin + ([0, 7].includes(i) ? -1 : 1) * 0.001 * (i + 1));
    const done = outcomes([
      candidate('clear', values(12), true),
      candidate('middling', middling, true),
      candidate('late', values(3), true),
    ]);
    expect(done).toEqual({ clear: 'rejected', middling: 'open', late: 'open' });
  });

  it('counts what never came as p = 1, and never as evidence', () => {
    expect(outcomes([candidate('clear', values(12)), candidate('lost', [])])).toEqual({ clear: 'rejected', lost: 'open' });
  });

  it('gives up below half the margin, and is exhausted after the last look', () => {
    expect(
      outcomes([
        candidate(
          'nothing',
          new Array(12).fill(0).map((_, i) => i / 1e4),
        ),
      ]),
    ).toEqual({ nothing: 'futile' });
    expect(
      outcomes([
        candidate(
          'near',
          Array.from({ length: 36 }, (_, i) => margin + (i % 2 ? -1 : 1) * 0.001 * (1 + (i >> 1))),
        ),
      ]),
    ).toEqual({ near: 'exhausted' });
  });

  it('refuses looks that overspend alpha or do not grow', () => {
    expect(() => requireLooks(policy)).not.toThrow();
    expect(() => requireLooks({ alpha: 0.04, looks })).toThrow(GateError);
    const [first] = looks;
    expect(() => requireLooks({ alpha: 0.01, looks: [{ ...first!, lastAlpha: 0 }] })).not.toThrow();
    expect(() => requireLooks({ alpha: 0.01, looks: [first!] })).toThrow(/at most alpha, 0.01, got 0.0105/);
    expect(() => requireLooks({ alpha: 1, looks: [looks[1]!, looks[0]!] })).toThrow(GateError);
  });
});

describe('screen', () => {
  it('advances at the margin, not in quiet around zero', () => {
    expect(advances([0.019, 0.02, 0.02, 0.02, 0.021], 0.0198)).toBe(true);
    expect(advances([0.001, -0.001, 0, 0.002, -0.002], 0.0198)).toBe(false);
    expect(advances([0, 0, 0, 0, 0], 0)).toBe(false);
  });

  it('needs five values to exclude anything', () => {
    expect(excludes([0, 0, 0, 0], 0.1)).toBe(false);
    expect(excludes([0, 0.01, 0.02, 0.03, 0.04], 0.1)).toBe(true);
    expect(excludes([0, 0.01, 0.02, 0.03, 0.14], 0.1)).toBe(false);
    expect(excludes([], 0.1)).toBe(false);
  });
});
