import { describe, expect, it } from 'vitest';
import { inBlocks, ratioOf } from '../../bench/side-by-side.ts';
import { seededRandom } from '../../src/statistics/random.ts';

const setting = { blocks: 20, warmUp: 2, calls: 3 };

/** A machine that becomes slower all the time: `cost` milliseconds, and a per cent more with every block that any side ran. */
const drifting = (costs: Readonly<Record<'one' | 'other', number>>) => {
  const order: string[] = [];
  const side = (name: 'one' | 'other') => async (calls: number) => {
    order.push(name);
    return Array.from({ length: calls }, () => costs[name] * 1.01 ** order.length);
  };
  return { order, sides: { one: side('one'), other: side('other') } };
};

describe('blocks side by side', () => {
  it('find a ratio through a drift that is larger than it', async () => {
    const { sides } = drifting({ one: 1.05, other: 1 });
    const times = await inBlocks(sides, { ...setting, random: seededRandom(3) });
    const ratio = ratioOf(times.one, times.other);
    expect(times.one).toHaveLength(20);
    expect(times.one.at(-1)).toBeGreaterThan(1.3 * (times.one[0] ?? 0));
    expect(ratio.lower).toBeGreaterThan(1.03);
    expect(ratio.upper).toBeLessThan(1.07);
    expect(ratio.median).toBeGreaterThanOrEqual(ratio.lower);
    expect(ratio.median).toBeLessThanOrEqual(ratio.upper);
  });

  it('find none between equal sides', async () => {
    const { sides } = drifting({ one: 1, other: 1 });
    const times = await inBlocks(sides, { ...setting, random: seededRandom(4) });
    const ratio = ratioOf(times.one, times.other);
    expect(ratio.lower).toBeLessThanOrEqual(1);
    expect(ratio.upper).toBeGreaterThanOrEqual(1);
  });

  it('run every side once per round, warm-up rounds too, in an order that follows from the seed', async () => {
    const orders = await Promise.all(
      [5, 5, 6].map(async (seed) => {
        const { order, sides } = drifting({ one: 1, other: 1 });
        await inBlocks(sides, { ...setting, random: seededRandom(seed) });
        return order;
      }),
    );
    const [first = [], again, another] = orders;
    for (let round = 0; round < 22; round++) expect(first.slice(2 * round, 2 * round + 2).toSorted()).toEqual(['one', 'other']);
    expect(first).toEqual(again);
    expect(first).not.toEqual(another);
  });
});
