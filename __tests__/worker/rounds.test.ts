import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ArmId } from '../../src/records/words.ts';
import { deriveSeed, seededRandom } from '../../src/statistics/random.ts';
import { type Clock, interleave, type RoundsSetting } from '../../src/worker/rounds.ts';

const arms: readonly ArmId[] = ['reference', 'base', 'head'];

/** A clock that advances only while an arm computes, and by a thousandth of a millisecond whenever it is read. */
const machine = (durations: Readonly<Record<string, number>>) => {
  let now = 1000;
  const called: ArmId[] = [];
  const clock: Clock = {
    wall: () => {
      now += 0.001;
      return now;
    },
    cpu: () => now / 2,
  };
  const calls = new Map(
    arms.map((arm) => [
      arm,
      async () => {
        called.push(arm);
        now += durations[arm] ?? 1;
      },
    ]),
  );
  return { clock, calls, called };
};

const run = async (durations: Readonly<Record<string, number>>, more: Partial<RoundsSetting> = {}, seed = 1) => {
  const { clock, calls, called } = machine(durations);
  let beats = 0;
  const columns = await interleave({
    calls,
    rounds: 40,
    warmUp: 3,
    seconds: 2,
    minimumRounds: 15,
    random: seededRandom(deriveSeed(seed, 'rounds')),
    clock,
    beat: () => {
      beats++;
    },
    ...more,
  });
  return { columns, called, beats, rounds: columns['head']?.['wall-ms']?.length ?? 0 };
};

const inRounds = (called: readonly ArmId[]): readonly (readonly ArmId[])[] =>
  Array.from({ length: called.length / arms.length }, (_, round) => called.slice(round * arms.length, (round + 1) * arms.length));

describe('interleave', () => {
  it('runs every arm once per round, whatever the seed, and drops the warm-up', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1e6), fc.integer({ min: 1, max: 20 }), fc.nat(5), async (seed, rounds, warmUp) => {
        const { columns, called, beats } = await run({}, { rounds, warmUp, minimumRounds: rounds }, seed);
        expect(called).toHaveLength(arms.length * (rounds + warmUp));
        for (const round of inRounds(called)) expect(round.toSorted()).toEqual(arms.toSorted());
        for (const arm of arms) expect([columns[arm]?.['wall-ms']?.length, columns[arm]?.['cpu-ms']?.length]).toEqual([rounds, rounds]);
        expect(beats).toBe(rounds + warmUp);
      }),
      { numRuns: 40 },
    );
  });

  it('draws the order anew for each round from the seed', async () => {
    const [one, same, other] = [await run({}, {}, 1), await run({}, {}, 1), await run({}, {}, 2)];
    expect(same.called).toEqual(one.called);
    expect(other.called).not.toEqual(one.called);
    const first = arms.map((arm) => inRounds(one.called).filter((round) => round[0] === arm).length);
    for (const times of first) expect(times).toBeGreaterThan(5);
  });

  it('takes all its rounds when they are quick, and stops after its seconds when they are not', async () => {
    expect((await run({ reference: 1, base: 1, head: 1 })).rounds).toBe(40);
    expect((await run({ reference: 40, base: 30, head: 30 })).rounds).toBe(20);
    expect((await run({ reference: 400, base: 300, head: 300 })).rounds).toBe(15);
    expect((await run({ reference: 400, base: 300, head: 300 }, { rounds: 4, minimumRounds: 4 })).rounds).toBe(4);
  });

  it('does not count the warm-up as measuring time', async () => {
    expect((await run({ reference: 40, base: 30, head: 30 }, { warmUp: 100 })).rounds).toBe(20);
  });

  it('times each arm by itself, in wall and processor time', async () => {
    const { columns } = await run({ reference: 5, base: 3, head: 2 });
    for (const [arm, milliseconds] of [
      ['reference', 5],
      ['base', 3],
      ['head', 2],
    ] as const) {
      for (const value of columns[arm]?.['wall-ms'] ?? [0]) expect(value).toBeCloseTo(milliseconds, 1);
      for (const value of columns[arm]?.['cpu-ms'] ?? [0]) expect(value).toBeCloseTo(milliseconds / 2, 1);
    }
  });

  it('slows the planted arm by its fraction, inside the clock, and no other', async () => {
    const { columns } = await run({ reference: 4, base: 4, head: 4 }, { planted: { arm: 'head', fraction: 0.25 } });
    for (const value of columns['head']?.['wall-ms'] ?? [0]) expect(value).toBeCloseTo(5, 1);
    for (const value of columns['base']?.['wall-ms'] ?? [0]) expect(value).toBeCloseTo(4, 1);
  });

  it('lets an arm that throws end the point', async () => {
    const { clock, calls } = machine({});
    calls.set('head', () => Promise.reject(new Error('out of memory')));
    const setting = { rounds: 2, warmUp: 0, seconds: 2, minimumRounds: 2, random: seededRandom(1), clock, beat: () => {} };
    await expect(interleave({ calls, ...setting })).rejects.toThrow('out of memory');
  });
});
