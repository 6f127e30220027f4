import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  measureServiceTimes,
  openPacedService,
  type ServiceTimes,
  serviceTime,
  serviceTimes,
} from '../../../src/optimizations/serving/service-times.ts';
import { seededRandom } from '../../../src/statistics/random.ts';
import { type ReplayedCosts, replayTools } from '../../testkit/episode-tools.ts';

const costs: ReplayedCosts = { prefill: ({ batch, length }) => 1 + batch * length, step: ({ batch, past }) => 2 + batch + past / 8 };
const wanted = { lengths: [8, 16], batches: [1, 2, 4], decode: 2, samples: 5 };

describe('measureServiceTimes', () => {
  it('is prefill and steps of every size, and nothing else', async () => {
    const table = await measureServiceTimes(replayTools({ costs }), wanted);
    const expected = wanted.lengths.map((tokens) =>
      wanted.batches.map((batch) => 1 + batch * tokens + 2 * (2 + batch) + (tokens + (tokens + 1)) / 8),
    );
    expect(table).toEqual({ clock: 'thread', token: 2, decode: 2, lengths: [8, 16], batches: [1, 2, 4], ms: expected });
    expect(serviceTimes.parse(table)).toEqual(table);
  });

  it('takes medians to the microsecond, and never lets a larger batch or a longer prompt be faster', async () => {
    const random = seededRandom(3);
    const noisy: ReplayedCosts = {
      prefill: (call) => costs.prefill(call) * (random() < 0.2 ? 10 : 1 + 0.3 * random()),
      step: () => 0.1,
    };
    const { ms } = await measureServiceTimes(replayTools({ costs: noisy }), { ...wanted, batches: [1, 2, 3, 4, 5, 6], samples: 9 });
    for (const [row, times] of ms.entries())
      for (const [column, time] of times.entries()) {
        expect(time).toBe(Math.round(time * 1000) / 1000);
        expect(time).toBeGreaterThanOrEqual(times[column - 1] ?? 0);
        expect(time).toBeGreaterThanOrEqual(ms[row - 1]?.[column] ?? 0);
        expect(time).toBeLessThan(2 + 2 * (column + 1) * (wanted.lengths[row] ?? 0));
      }
  });

  it('a size that was disturbed lifts none above it by all of that', async () => {
    const disturbed: ReplayedCosts = {
      ...costs,
      prefill: (call) => costs.prefill(call) + (call.batch === 1 && call.length === 8 ? 40 : 0),
    };
    const [sound, { ms }] = [
      await measureServiceTimes(replayTools({ costs }), wanted),
      await measureServiceTimes(replayTools({ costs: disturbed }), wanted),
    ];
    for (const [row, times] of ms.entries())
      for (const [column, time] of times.entries()) {
        expect(time).toBeGreaterThanOrEqual(sound.ms[row]![column]!);
        expect(time - sound.ms[row]![column]!).toBeLessThan(30);
      }
  });

  it('a machine that changes its pace meanwhile changes nothing', async () => {
    let executions = 0;
    const pace = (): number => (executions > 25 ? 3 : 1);
    const drifting: ReplayedCosts = {
      prefill: (call) => pace() * costs.prefill(call),
      step: (call) => {
        executions += call.past % 8 === 0 ? 1 : 0;
        return pace() * costs.step(call);
      },
    };
    const [sound, { ms, token }] = [
      await measureServiceTimes(replayTools({ costs }), { ...wanted, samples: 9 }),
      await measureServiceTimes(replayTools({ costs: drifting }), { ...wanted, samples: 9 }),
    ];
    for (const [row, times] of ms.entries())
      for (const [column, time] of times.entries()) expect((time * sound.token) / (token * sound.ms[row]![column]!)).toBeCloseTo(1, 6);
  });

  it.each([
    [
      "a thread's time, although neighbours lengthen most executions",
      'thread',
      (wall: number, at: number) => (at % 4 === 0 ? 1 : 1 / 3) * wall,
    ],
    ['wall time where two threads work', 'wall', (wall: number) => 1.7 * wall],
    ['wall time where two threads share one processor', 'wall', (wall: number) => wall, 0.5],
    ['wall time where a device is waited for', 'wall', (wall: number) => 0.2 * wall],
  ])('is %s', async (_, clock, used, own = 1) => {
    const tools = replayTools({ costs });
    let executions = 0;
    let before = 0;
    const spent = { cpu: 0, thread: 0 };
    const tick = (): void => {
      const [from, wall] = [before, tools.clock.wall()];
      before = wall;
      if (wall === from) return;
      const cpu = used(wall - from, executions++);
      spent.cpu += cpu;
      // One token alone is the thread's own in any case: it is too small to share.
      spent.thread += executions % 2 === 1 ? Math.min(cpu, wall - from) : own * Math.min(cpu, wall - from);
    };
    const read = (of: keyof typeof spent) => (): number => {
      tick();
      return spent[of];
    };
    const clocks = { wall: tools.clock.wall, cpu: read('cpu'), thread: read('thread') };
    expect(await measureServiceTimes({ ...tools, clock: clocks }, wanted)).toMatchObject({ clock });
  });
});

describe('openPacedService', () => {
  /** A machine that becomes so many times as slow after the table was measured. */
  const slower = (times: number): ReplayedCosts => ({
    prefill: (call) => times * costs.prefill(call),
    step: (call) => times * costs.step(call),
  });

  it('executes, at the pace of the machine when the table was measured', async () => {
    const table = await measureServiceTimes(replayTools({ costs }), wanted);
    for (const times of [0.5, 1, 3]) {
      const { serve } = await openPacedService(replayTools({ costs: slower(times) }), table);
      for (const [row, tokens] of wanted.lengths.entries())
        for (const [column, requests] of wanted.batches.entries())
          expect(await serve(requests, tokens)).toBeCloseTo(table.ms[row]?.[column] ?? Number.NaN, 9);
    }
  });

  it('what one batch alone takes longer is its own: the pace is that of one token', async () => {
    const table = await measureServiceTimes(replayTools({ costs }), wanted);
    const { serve } = await openPacedService(replayTools({ costs: { ...costs, step: (call) => 2 * costs.step(call) } }), table);
    expect(await serve(4, 8)).toBeCloseTo((table.ms[0]?.[2] ?? 0) + 2 * (2 + 4) + 17 / 8, 9);
  });

  /** A service whose executions of prompts take the given multiples of their time, the last one for ever; and how often it executed. */
  const held = async (...multiples: readonly number[]) => {
    const table = await measureServiceTimes(replayTools({ costs }), wanted);
    let executions = Number.NEGATIVE_INFINITY;
    let times = 1;
    const disturbed: ReplayedCosts = {
      prefill: (call) => {
        if (call.length > 1) times = multiples[Math.min(executions++, multiples.length - 1)] ?? 1;
        return costs.prefill(call) * (call.length > 1 ? times : 1);
      },
      step: (call) => costs.step(call) * times,
    };
    const service = await openPacedService(replayTools({ costs: disturbed }), table);
    executions = 0;
    return { ...service, usual: (row: number, column: number) => table.ms[row]?.[column] ?? Number.NaN, executions: () => executions };
  };

  it.each([
    ['is not run again within half as much more', [1.4, 1], 1.4, 1],
    ['is run again beyond that, and the second counts where it is quicker', [1.6, 1.1], 1.1, 2],
    ['the first counts where the second is slower still', [1.6, 3], 1.6, 2],
    ['is run twice at most', [9, 8, 1], 8, 2],
  ] as const)('what takes longer than its size: %s', async (_, multiples, counts, executions) => {
    const service = await held(...multiples);
    expect(await service.serve(4, 16)).toBeCloseTo(counts * service.usual(1, 2), 9);
    expect(service.executions()).toBe(executions);
  });

  it('a larger batch is not held up for being larger', async () => {
    const service = await held(1);
    expect(await service.serve(1, 8)).toBeCloseTo(service.usual(0, 0), 9);
    expect(await service.serve(4, 16)).toBeCloseTo(service.usual(1, 2), 9);
    expect(service.executions()).toBe(2);
  });

  it('says where many batches were run twice, the first of each shape not counted', async () => {
    const service = await held(2, 1, 1, 1, 1, 1, 2, 1, 2);
    for (let batch = 0; batch < 5; batch++) await service.serve(4, 16);
    expect(service.warnings()).toEqual([]);
    for (let batch = 0; batch < 2; batch++) await service.serve(4, 16);
    expect(service.warnings()).toEqual(['33 % of the batches took more than 1.5 times what the load test says of their size']);
  });

  it('runs a token before each batch outside the clock', async () => {
    const calls: number[] = [];
    const counted: ReplayedCosts = {
      ...costs,
      prefill: (call) => {
        calls.push(call.batch * call.length);
        return costs.prefill(call);
      },
    };
    const { serve } = await openPacedService(replayTools({ costs: counted }), { ...table1, token: 2, ms: [[1000]] });
    calls.length = 0;
    expect(await serve(3, 8)).toBe(25 + 6);
    expect(calls).toEqual([1, 24]);
  });
});

const table1: ServiceTimes = { clock: 'thread', token: 1, decode: 1, lengths: [4], batches: [1], ms: [[1]] };

describe('serviceTime', () => {
  const table: ServiceTimes = {
    clock: 'thread',
    token: 1,
    decode: 1,
    lengths: [4, 8, 16],
    batches: [1, 2, 4, 8],
    ms: [
      [1, 2, 4, 8],
      [2, 4, 8, 16],
      [4, 8, 16, 32],
    ],
  };

  it('lies straight between the sizes of a table that is a plane in each direction', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 8, noNaN: true }), fc.double({ min: 4, max: 16, noNaN: true }), (requests, tokens) => {
        expect(serviceTime(table, requests, tokens)).toBeCloseTo((requests * tokens) / 4, 9);
      }),
    );
  });

  it('ends at the ends', () => {
    expect(serviceTime(table, 20, 100)).toBe(32);
    expect(serviceTime(table, 0.5, 1)).toBe(1);
    expect(serviceTime({ ...table, lengths: [4], ms: [[1, 2, 4, 8]] }, 3, 9)).toBe(3);
  });

  it('is refused where rows or columns are missing', () => {
    expect(serviceTimes.safeParse({ ...table, ms: table.ms.slice(1) }).success).toBe(false);
    expect(serviceTimes.safeParse({ ...table, batches: [1, 2] }).success).toBe(false);
  });
});
