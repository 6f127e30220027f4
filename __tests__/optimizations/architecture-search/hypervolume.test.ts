import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beyondWorst, frontOf, hypervolume, type Objectives } from '../../../src/optimizations/architecture-search/hypervolume.ts';

/** Inclusion and exclusion over all subsets: the box that several points dominate together is that of their worst coordinates. */
const bySubsets = (points: readonly Objectives[], worst: Objectives): number => {
  let volume = 0;
  for (let subset = 1; subset < 2 ** points.length; subset++) {
    const chosen = points.filter((_, at) => (subset >> at) % 2 === 1);
    const box = [0, 1, 2].reduce((size, axis) => size * Math.max(0, worst[axis]! - Math.max(...chosen.map((point) => point[axis]!))), 1);
    volume += chosen.length % 2 === 1 ? box : -box;
  }
  return volume;
};
/** Unit cells that some point dominates, for whole numbers. */
const byCells = (points: readonly Objectives[], worst: Objectives): number => {
  let cells = 0;
  for (let x = 0; x < worst[0]; x++)
    for (let y = 0; y < worst[1]; y++)
      for (let z = 0; z < worst[2]; z++) if (points.some(([a, b, c]) => a <= x && b <= y && c <= z)) cells += 1;
  return cells;
};

const whole = fc.integer({ min: 0, max: 8 });
const real = fc.double({ min: 0, max: 8, noNaN: true });
const pointsOf = (coordinate: fc.Arbitrary<number>): fc.Arbitrary<Objectives[]> =>
  fc.array(fc.tuple(coordinate, coordinate, coordinate), { maxLength: 8 });

describe('hypervolume', () => {
  it('is what cells count, with ties and points beyond the worst', () => {
    fc.assert(
      fc.property(pointsOf(whole), (points) => {
        expect(hypervolume(points, [7, 6, 5])).toBe(byCells(points, [7, 6, 5]));
      }),
    );
  });

  it('is what inclusion and exclusion give', () => {
    fc.assert(
      fc.property(pointsOf(real), (points) => {
        expect(hypervolume(points, [7, 7, 7])).toBeCloseTo(bySubsets(points, [7, 7, 7]), 6);
      }),
    );
  });

  it('grows with every point that nothing dominates, and with no other', () => {
    const points: Objectives[] = [
      [1, 3, 2],
      [3, 1, 2],
    ];
    expect(hypervolume(points, [4, 4, 4])).toBe(10);
    expect(hypervolume([...points, [3, 3, 3]], [4, 4, 4])).toBe(10);
    expect(hypervolume([...points, [2, 2, 2]], [4, 4, 4])).toBe(12);
    expect(hypervolume([], [4, 4, 4])).toBe(0);
  });

  it('has a front and a place beyond its worst', () => {
    const points: Objectives[] = [
      [1, 3, 2],
      [1, 3, 3],
      [3, 1, 2],
      [1, 3, 2],
    ];
    expect(frontOf(points, (point) => point)).toEqual([points[0], points[2], points[3]]);
    expect(beyondWorst(points)).toEqual([3.2, 3.2, 3.1]);
    expect(beyondWorst([[2, 2, 2]])).toEqual([2.1, 2.1, 2.1]);
  });
});
