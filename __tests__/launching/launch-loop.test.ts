import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LaunchLoop, measureUntilDone } from '../../src/launching/launch-loop.ts';
import { nextMeasurement, sharing, type Wanted } from '../../src/launching/schedule.ts';
import type { SampleLine } from '../../src/records/sample.ts';

const wanted = (purpose: string, index: number, cell = 'm/o', alone = false): Wanted => ({
  launch: `${cell}#${purpose}-${index}`,
  cell,
  purpose,
  alone,
});

const purposes = ['impact', 'once', 'solo', 'tune', 'screen', 'confirm'] as const;
const runs = fc.record({ energyMeter: fc.boolean(), event: fc.constantFrom('change' as const, 'default-branch' as const) });
const everything = sharing({ energyMeter: false, event: 'change' });
const queues = fc
  .array(fc.tuple(fc.constantFrom(...purposes), fc.boolean()))
  .map((list) => list.map(([purpose, alone], index) => wanted(purpose, index, 'm/o', alone)));

/** All of a queue in the order in which it begins, where every measurement ends `after` beginnings of others. */
const beginnings = (queue: readonly Wanted[], lanes: number, shared: ReadonlySet<string>, ends: readonly number[]): readonly Wanted[] => {
  let left = queue;
  let running: readonly Wanted[] = [];
  const begun: Wanted[] = [];
  for (let step = 0; left.length > 0; step++) {
    const next = nextMeasurement(left, running, lanes, shared);
    left = left.filter((one) => !next.includes(one));
    begun.push(...next);
    running = [...running, ...next];
    expect(running.length).toBeLessThanOrEqual(Math.max(1, lanes));
    if (running.some(({ purpose, alone }) => alone || !shared.has(purpose))) expect(running).toHaveLength(1);
    // Nothing began: a free lane was not left idle.
    if (next.length > 0) continue;
    expect(running).not.toHaveLength(0);
    running = running.toSpliced((ends[step % ends.length] ?? 0) % running.length, 1);
  }
  return begun;
};

describe('nextMeasurement', () => {
  it('never runs a tested launch beside another, and loses none', () => {
    fc.assert(
      fc.property(queues, fc.integer({ min: 0, max: 4 }), runs, fc.array(fc.nat(9), { minLength: 1 }), (queue, lanes, run, ends) => {
        const exclusive = new Set([
          'screen',
          'confirm',
          ...(run.energyMeter ? ['solo'] : []),
          ...(run.event === 'change' ? [] : ['impact', 'tune']),
        ]);
        // Those that share first, each kind in the rule's order.
        expect(beginnings(queue, lanes, sharing(run), ends)).toEqual([
          ...queue.filter(({ purpose, alone }) => !alone && !exclusive.has(purpose)),
          ...queue.filter(({ purpose, alone }) => alone || exclusive.has(purpose)),
        ]);
      }),
    );
  });

  it('fills a lane as soon as it is free, and keeps one when told of none', () => {
    const [a, b, c] = [wanted('solo', 0), wanted('solo', 1), wanted('screen', 0)];
    expect(nextMeasurement([a, b], [c], 2, everything)).toEqual([]);
    expect(nextMeasurement([b, c], [a], 2, everything)).toEqual([b]);
    expect(nextMeasurement([c], [a], 2, everything)).toEqual([]);
    expect(nextMeasurement([c], [], 2, everything)).toEqual([c]);
    expect(nextMeasurement([a, b], [], 0, everything)).toEqual([a]);
    expect(nextMeasurement([b], [a], 0, everything)).toEqual([]);
  });
});

describe('launches that are one measurement', () => {
  it('take one lane together, and none is lost', () => {
    const queue = ['a/x', 'a/y', 'b/x', 'b/y', 'a/z', 'c/x'].map((cell) => wanted('solo', 0, cell));
    const modelOf = ({ cell }: Wanted): string => cell.slice(0, 1);
    const cells = (launches: readonly Wanted[]): readonly string[] => launches.map(({ cell }) => cell);
    expect(cells(nextMeasurement(queue, [], 2, everything, modelOf))).toEqual(['a/x', 'a/y', 'a/z']);
    expect(cells(nextMeasurement(queue, [], 2, new Set(), modelOf))).toEqual(['a/x']);
  });
});

interface World {
  readonly setting: LaunchLoop<Wanted>;
  readonly ran: string[];
  readonly asked: number[];
  readonly lines: SampleLine[];
  readonly atOnce: number[];
  readonly stop: AbortController;
}

/** Launches of a second each; the rule wants `rule(what was recorded)`. */
const world = (
  rule: (recorded: readonly SampleLine[]) => readonly Wanted[],
  more: {
    readonly status?: (launch: string) => 'complete' | 'failed' | 'discarded';
    readonly deadline?: number;
    readonly lanes?: number;
  } = {},
): World => {
  let now = 0;
  let busy = 0;
  const stop = new AbortController();
  const ran: string[] = [];
  const asked: number[] = [];
  const lines: SampleLine[] = [];
  const atOnce: number[] = [];
  const setting: LaunchLoop<Wanted> = {
    demand: () => {
      asked.push(lines.length);
      return rule(lines);
    },
    run: async ({ launch }) => {
      busy++;
      atOnce.push(busy);
      await Promise.resolve();
      busy--;
      now += 1000;
      ran.push(launch);
      return [{ line: 'end', launch, status: more.status?.(launch) ?? 'complete', error: null, process: null }];
    },
    record: (each) => lines.push(...each),
    progress: () => {},
    lanes: more.lanes ?? 2,
    sharing: everything,
    clock: () => now,
    deadline: more.deadline ?? null,
    signal: stop.signal,
  };
  return { setting, ran, asked, lines, atOnce, stop };
};

/** Everything of a list that has no end yet. */
const untilEnded = (list: readonly Wanted[]) => (recorded: readonly SampleLine[]) =>
  list.filter(({ launch }) => !recorded.some((line) => line.line === 'end' && line.launch === launch));

const list = [wanted('screen', 0), wanted('once', 0), wanted('solo', 0), wanted('screen', 1)];

describe('measureUntilDone', () => {
  it('runs all that is wanted once, asks again, and is done when nothing is', async () => {
    const here = world(untilEnded(list));
    expect(await measureUntilDone(here.setting)).toBe('done');
    expect(here.ran).toEqual(['m/o#once-0', 'm/o#solo-0', 'm/o#screen-0', 'm/o#screen-1']);
    expect(here.asked).toEqual([0, 4]);
    expect(Math.max(...here.atOnce)).toBe(2);
  });

  it('asks again at once when a launch failed or was discarded', async () => {
    for (const status of ['failed', 'discarded'] as const) {
      const rule = (recorded: readonly SampleLine[]) => (recorded.length > 0 ? [] : list);
      const here = world(rule, { status: (launch) => (launch === 'm/o#once-0' ? status : 'complete') });
      expect(await measureUntilDone(here.setting)).toBe('done');
      expect(here.ran).toEqual(['m/o#once-0', 'm/o#solo-0']);
    }
  });

  it('begins the next as soon as a lane is free, and does not wait for the longest', async () => {
    const long = Promise.withResolvers<void>();
    const here = world(untilEnded([wanted('solo', 0), wanted('solo', 1), wanted('solo', 2)]));
    const { run } = here.setting;
    const ended = measureUntilDone({
      ...here.setting,
      run: async (one) => {
        if (one.launch === 'm/o#solo-0') await long.promise;
        if (one.launch === 'm/o#solo-2') long.resolve();
        return run(one);
      },
    });
    expect(await ended).toBe('done');
    expect(here.ran).toEqual(['m/o#solo-1', 'm/o#solo-2', 'm/o#solo-0']);
  });

  it('lets what runs end before it throws, and records that', async () => {
    const here = world(untilEnded([wanted('solo', 0), wanted('solo', 1), wanted('solo', 2)]));
    const { run } = here.setting;
    const broken: LaunchLoop<Wanted> = {
      ...here.setting,
      run: async (one) => {
        if (one.launch === 'm/o#solo-0') throw new Error('no room');
        await new Promise((resolve) => setImmediate(resolve));
        return run(one);
      },
    };
    await expect(measureUntilDone(broken)).rejects.toThrow('no room');
    expect(here.lines.map((line) => line.line === 'end' && line.launch)).toEqual(['m/o#solo-1']);
  });

  it('stops at its deadline and says so; what ran is kept', async () => {
    const here = world(untilEnded(list), { deadline: 3000, lanes: 1 });
    expect(await measureUntilDone(here.setting)).toBe('budget');
    expect(here.ran).toHaveLength(3);
    expect(here.lines.at(-1)).toEqual({ line: 'stopped', reason: 'budget' });
    expect(here.lines).toHaveLength(4);
  });

  it('begins nothing with a budget that is spent already, and is done rather than stopped when nothing is wanted', async () => {
    const spent = world(untilEnded(list), { deadline: 0 });
    expect(await measureUntilDone(spent.setting)).toBe('budget');
    expect(spent.ran).toEqual([]);
    const idle = world(() => [], { deadline: 0 });
    expect(await measureUntilDone(idle.setting)).toBe('done');
    expect(idle.lines).toEqual([]);
  });

  it('drops what the interruption ended, so that a resumed run does it again', async () => {
    const here = world(untilEnded(list), { lanes: 1 });
    const run = here.setting.run;
    const interrupting: LaunchLoop<Wanted> = {
      ...here.setting,
      run: async (one) => {
        if (here.ran.length === 2) here.stop.abort();
        return run(one);
      },
    };
    expect(await measureUntilDone(interrupting)).toBe('interrupted');
    expect(here.lines).toHaveLength(3);
    expect(here.lines.at(-1)).toEqual({ line: 'stopped', reason: 'interrupted' });
    expect(await measureUntilDone({ ...here.setting, signal: new AbortController().signal })).toBe('done');
    expect(here.ran).toEqual(['m/o#once-0', 'm/o#solo-0', 'm/o#screen-0', 'm/o#screen-0', 'm/o#screen-1']);
  });
});
