import { describe, expect, it } from 'vitest';
import type { Measured } from '../../../src/optimizations/architecture-search/comparator.ts';
import { replayedServing } from '../../../src/optimizations/architecture-search/drift-serving.ts';
import { seededRandom } from '../../../src/statistics/random.ts';

const members: readonly Measured[] = [
  { name: 'main', latencies: [4, 5, 6], swap: 20, 'nll-delta': 0, bytes: 100, work: 1000 },
  { name: 'half', latencies: [2, 2.5, 3], swap: 10, 'nll-delta': 0.1, bytes: 60, work: 500 },
  { name: 'unknown', latencies: [2, 2.5, 3], swap: 10, 'nll-delta': 0.1, bytes: 60, work: null },
];
const serving = (works: Readonly<Record<string, number>>, seed = 1) =>
  replayedServing(members, {
    inspect: async (name) => {
      const work = works[name ?? ''];
      return work === undefined ? {} : { 'multiply-adds': work };
    },
    random: seededRandom(seed),
  });
const times = async (name: string, works: Readonly<Record<string, number>>, seed = 1): Promise<readonly number[]> => {
  const { swap, serve } = await serving(works, seed);
  return [await swap(name), ...(await Promise.all(Array.from({ length: 8 }, serve)))];
};

describe('a drift in replay', () => {
  it('takes recorded times, at a pace within a tenth of the record, the same for the same draw', async () => {
    const [swap = 0, ...served] = await times('main', { main: 1000 });
    const pace = swap / 20;
    expect(Math.abs(pace - 1)).toBeLessThanOrEqual(0.1);
    for (const each of served) expect([4, 5, 6].map((recorded) => recorded * pace)).toContain(each);
    expect(await times('main', { main: 1000 })).toEqual([swap, ...served]);
    expect(await times('main', { main: 1000 }, 2)).not.toEqual([swap, ...served]);
  });

  it('meets the same luck whichever variant serves', async () => {
    const [main, half] = [await times('main', { main: 1000 }), await times('half', { half: 500 })];
    expect(half).toEqual(main.map((each) => each / 2));
  });

  it('lets a variant that does more work than the recorded one take as much more time', async () => {
    const [before, after] = [await times('half', { half: 500 }), await times('half', { half: 1000 })];
    for (const [at, each] of after.entries()) expect(each).toBeCloseTo(2 * (before[at] ?? 0), 12);
    expect(await times('unknown', { unknown: 1e9 })).toEqual(await times('unknown', {}));
  });
});
