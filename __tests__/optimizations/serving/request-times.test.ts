import { describe, expect, it } from 'vitest';
import { atRecordedPace, openPace, requestTimes } from '../../../src/optimizations/serving/request-times.ts';
import { type ReplayedCosts, replayTools } from '../../testkit/episode-tools.ts';

const variants = ['main', 'half'];
const share = (variant: string): number => (variant === 'half' ? 0.5 : 1);
/** A request of the reference model takes 10 ms on a machine that is so many times as slow as it might be. */
const machine = (slowness: () => number): ReplayedCosts => ({
  prefill: ({ variant }) => 8 * share(variant) * slowness(),
  step: ({ variant }) => share(variant) * slowness(),
  open: () => 20 * slowness(),
});
const toolsOf = (slowness: () => number) => replayTools({ costs: machine(slowness), variants });
const all = variants.map((variant) => ({ variant }));
const few = { passes: 2, requests: 3 } as const;

describe('requestTimes', () => {
  it('gives each what it takes, in the order asked for, and how fast the machine was', async () => {
    const { reference, of } = await requestTimes(
      toolsOf(() => 1),
      all,
      few,
    );
    expect(reference).toBe(10);
    expect(of.map(({ requests }) => requests)).toEqual([Array(6).fill(10), Array(6).fill(5)]);
    expect(of.map(({ ready }) => ready)).toEqual([30, 25]);
  });

  it('a slower machine is slower for all, unless the pace of a record is asked for', async () => {
    const slow = toolsOf(() => 3);
    expect((await requestTimes(slow, all, few)).of[1]?.requests[0]).toBe(15);
    const { reference, of } = await requestTimes(slow, all, few, 10);
    expect([reference, of[0]?.requests[0], of[1]?.requests[0]]).toEqual([10, 10, 5]);
  });
});

const taking = (milliseconds: number) => async (): Promise<number> => milliseconds;

describe('atRecordedPace', () => {
  it('runs one request of the reference model right before, so that no arm meets a colder processor than another', async () => {
    const said: string[] = [];
    const taken = async (name: string): Promise<number> => {
      said.push(name);
      return 10;
    };
    const pace = { once: () => taken('reference'), release: async () => {} };
    const paced = await atRecordedPace(pace, 10);
    said.length = 0;
    for (const name of ['a', 'b']) await paced(() => taken(name));
    expect(said).toEqual(['reference', 'a', 'reference', 'b']);
  });

  it.each([0.4, 1, 3])('takes nothing from what an arm takes, on a machine %d times as slow', async (slowness) => {
    const paced = await atRecordedPace(await openPace(toolsOf(() => slowness)), 10);
    for (const milliseconds of [1, 10, 35]) expect(await paced(taking(milliseconds * slowness))).toBeCloseTo(milliseconds, 9);
  });

  it('follows a machine that changes, and no single disturbance', async () => {
    let now = 1;
    const paced = await atRecordedPace(await openPace(toolsOf(() => now)), 10);
    now = 50;
    expect(await paced(taking(10))).toBeCloseTo(10, 9);
    now = 2;
    for (let step = 0; step < 18; step++) await paced(taking(20));
    expect(await paced(taking(20))).toBeCloseTo(10, 9);
  });
});
