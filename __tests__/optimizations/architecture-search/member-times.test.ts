import { expect, it } from 'vitest';
import type { PoolRecord } from '../../../src/optimizations/architecture-search/comparator.ts';
import { memberTime, poolBytes } from '../../../src/optimizations/architecture-search/member-times.ts';
import { replayTools } from '../../testkit/episode-tools.ts';

const pool: PoolRecord = [
  { name: 'main', latencies: [8], swap: 20, 'nll-delta': 0, bytes: 900, work: 9 },
  { name: 'half', latencies: [4], swap: 10, 'nll-delta': 1, bytes: 500, work: 5 },
  { name: 'third', latencies: [2], swap: 10, 'nll-delta': 2, bytes: 300, work: 3 },
];
/** A machine that is twice as slow as when the pool was recorded, on which some variants take longer than that. */
const slowed = (by: Readonly<Record<string, number>>, differing: readonly string[]) => {
  const recorded = (variant: string): number => pool.find(({ name }) => name === variant)!.latencies[0]!;
  return replayTools({
    variants: pool.map(({ name }) => name),
    differing,
    costs: { prefill: ({ variant }) => 2 * recorded(variant) * (by[variant] ?? 1), step: () => 0 },
    inspect: (variant) => ({ bytes: pool.find(({ name }) => name === variant)!.bytes }),
  });
};

it('members that both sides have alike take the time of the record, and none is run', async () => {
  expect(await memberTime(pool, slowed({ half: 3 }, []))).toBeCloseTo(4, 9);
});

it('members that differ are timed, at the pace of the record', async () => {
  expect(await memberTime(pool, slowed({}, ['half']))).toBeCloseTo(4, 9);
  expect(await memberTime(pool, slowed({ half: 1.5 }, ['half']))).toBeCloseTo(6, 9);
  expect(await memberTime(pool, slowed({ half: 1.5 }, ['half', 'third', 'unknown']))).toBeCloseTo(Math.sqrt(6 * 2), 9);
});

it('the size of a pool is that of what was built', async () => {
  expect(await poolBytes(slowed({}, []))).toBe(800);
});
