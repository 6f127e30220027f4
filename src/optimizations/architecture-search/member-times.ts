import type { Tools } from '../../contract/player.ts';
import { mean, median } from '../../statistics/describe.ts';
import { requestTimes } from '../serving/request-times.ts';
import { latencyOf, type PoolRecord } from './comparator.ts';
import { fullModel } from './pool.ts';

/** The point that times members. */
export const membersPoint = 'members';
/** Timed requests of each. */
const requests = 6;

/**
 * Milliseconds of a request, the geometric mean over the members that base and head have as other bytes, at the pace of the record. Where
 * there is none the record is read, so that both sides have one number.
 */
export const memberTime = async (pool: PoolRecord, tools: Tools): Promise<number> => {
  const timed = pool.filter(({ name }) => tools.differing.includes(name));
  if (timed.length === 0) return geometricMean(pool.map(latencyOf));
  const dense = pool.find(({ name }) => name === fullModel);
  const { of } = await requestTimes(
    tools,
    timed.map(({ name }) => ({ variant: name })),
    { passes: 1, requests },
    dense === undefined ? null : latencyOf(dense),
  );
  return geometricMean(of.map((each) => median(each.requests)));
};

/** Bytes of all members that an arm has built. */
export const poolBytes = async ({ variants, inspect }: Pick<Tools, 'variants' | 'inspect'>): Promise<number> => {
  let total = 0;
  for (const name of variants) if (name !== fullModel) total += (await inspect(name))['bytes'] ?? Number.NaN;
  return total;
};

const geometricMean = (values: readonly number[]): number => Math.exp(mean(values.map(Math.log)));
