import { describe, expect, it } from 'vitest';
import { standardDeviation } from '../../src/statistics/describe.ts';
import { seededRandom } from '../../src/statistics/random.ts';
import { signedRankGreater } from '../../src/statistics/signed-rank.ts';

const margin = Math.log1p(0.02);

describe('what only rounding tells apart', () => {
  it.each([
    [50, 51],
    [25, 25.5],
    [0.1, 0.102],
    [350, 357],
  ])('is at the centre, and counts on neither side: %d → %d', (base, head) => {
    expect(signedRankGreater(new Array<number>(12).fill(Math.log(head / base)), margin)).toBe(1);
    expect(signedRankGreater(new Array<number>(12).fill(-Math.log(head / base)), -margin)).toBe(1);
    // One step of rounding beyond 1e-9 of the margin, and it counts.
    expect(signedRankGreater(new Array<number>(12).fill(margin * (1 + 2e-9)), margin)).toBe(2 ** -12);
  });

  it('is a tie of sizes: both get the middle rank', () => {
    const exact = signedRankGreater([1, -1, 2], 0);
    expect(signedRankGreater([0.1 + 0.2, -0.3, 0.6], 0)).toBe(exact);
    expect(signedRankGreater([margin + 0.3, margin - (0.1 + 0.2), margin + 0.6], margin)).toBe(exact);
  });

  it('makes no false alarm of times in steps of 0.1 ms at the tolerance', () => {
    const random = seededRandom(1);
    const stepped = (level: number): number => Math.round(level * 10 + 4 * (random() + random() - 1)) / 10;
    let found = 0;
    for (let run = 0; run < 400; run++) {
      const values = Array.from({ length: 24 }, () => Math.log(stepped(51) / stepped(50)));
      if (signedRankGreater(values, margin) <= 0.05) found += 1;
    }
    expect(found).toBeLessThan(400 * 0.05 + 2.5 * Math.sqrt(400 * 0.05 * 0.95));
  });
});

describe('the standard deviation', () => {
  it('has the same digits at every size of its numbers', () => {
    const values = [3, 4.5, 5, 7.25, -1];
    const found = standardDeviation(values);
    expect(found).toBeCloseTo(Math.sqrt(9.375), 12);
    for (const unit of [2 ** -1000, 2 ** -600, 2 ** 600, 2 ** 1000])
      expect(standardDeviation(values.map((value) => unit * value))).toBe(unit * found);
    expect(standardDeviation([0, 0])).toBe(0);
  });
});
