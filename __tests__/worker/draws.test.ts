import { describe, expect, it } from 'vitest';
import { drawsOf } from '../../src/worker/draws.ts';

const enough = { within: { goodput: 0.005 }, least: 4 };
const point = { id: 'replay-steady', rounds: 200, enough };
const arms = ['reference', 'base', 'head'] as const;
const still = { wall: () => 0 };
const columns = (base: readonly number[], head: readonly number[]) => ({
  base: { goodput: [...base] },
  head: { goodput: [...head] },
  reference: { goodput: base.map(() => 1) },
});
/** Pairs whose differences swing by `swing` either way. */
const swinging = (rounds: number, swing: number) =>
  columns(
    Array.from({ length: rounds }, (_, at) => 100 + 30 * (at % 3)),
    Array.from({ length: rounds }, (_, at) => 100 + 30 * (at % 3) + (at % 2 === 0 ? swing : -swing)),
  );

describe('draws of a point', () => {
  it('are enough at the least number of them where both arms do the same, however much draws differ', () => {
    const draws = drawsOf(point, arms, still);
    expect([1, 2, 3, 4].map((rounds) => draws.enough(swinging(rounds, 0)))).toEqual([false, false, false, true]);
    expect(draws.warnings()).toEqual([]);
  });

  it('go on until the mean difference is known to within half a percent', () => {
    const draws = drawsOf(point, arms, still);
    const first = Array.from({ length: 200 }, (_, at) => at + 1).find((rounds) => draws.enough(swinging(rounds, 2))) ?? 0;
    // t · 2 ÷ √n ≤ 0.005 · 130: some forty.
    expect(first).toBeGreaterThan(30);
    expect(first).toBeLessThan(60);
    expect(draws.enough(swinging(200, 20))).toBe(false);
  });

  it('are enough at the least number of them where there is nothing to compare', () => {
    const draws = drawsOf(point, ['reference', 'head'], still);
    const { head, reference } = columns([1, 1, 1, 1], [1.5, 0.5, 1.4, 0.7]);
    expect(draws.enough({ head, reference })).toBe(true);
    expect(draws.enough({ head: { goodput: [1, 1, 1] }, reference })).toBe(false);
    expect(draws.warnings()).toEqual([]);
  });

  it('go on until every series is known that the arms have', () => {
    const several = drawsOf({ ...point, enough: { within: { goodput: 0.005, trials: 0.05, absent: 0.05 }, least: 4 } }, arms, still);
    const tried = (rounds: number) => Array.from({ length: rounds }, (_, at) => (at % 4 === 0 ? 20 : 2));
    const equal = { goodput: Array<number>(8).fill(1) };
    const other = { ...equal, trials: tried(8).toReversed() };
    const known = (base: typeof equal, head: typeof equal) => several.enough({ reference: equal, base, head });
    expect(known({ ...equal, trials: tried(8) } as typeof equal, { ...equal, trials: tried(8) } as typeof equal)).toBe(true);
    expect(known({ ...equal, trials: tried(8) } as typeof equal, other)).toBe(false);
    expect(known(equal, other)).toBe(true);
  });

  it('end after twenty seconds, not before there are eight, and say so', () => {
    let now = 0;
    const draws = drawsOf(point, arms, { wall: () => now });
    now = 25_000;
    expect(draws.enough(swinging(7, 20))).toBe(false);
    expect(draws.enough(swinging(8, 20))).toBe(true);
    expect(draws.warnings()).toEqual([
      'replay-steady: 8 of at most 200 draws were played in 20 s, because programs answer slowly or the machine is busy',
    ]);
  });

  it('are all of the rounds where a point does not say when there are enough', () => {
    expect(drawsOf({ id: 'replay-step', rounds: 3 }, arms, still).enough(swinging(100, 0))).toBe(false);
  });
});
