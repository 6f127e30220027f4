import { beforeAll, describe, expect, it } from 'vitest';
import type { Subject } from '../../../src/contract/optimization.ts';
import { batchingComparator } from '../../../src/optimizations/adaptive-batching/comparator.ts';
import { adaptiveBatching } from '../../../src/optimizations/adaptive-batching/subject.ts';
import { type LoadShape, shapes } from '../../../src/optimizations/adaptive-batching/workload.ts';
import type { ArmId, Json } from '../../../src/records/words.ts';
import { meanOver, type Plant, plantNames, play, tunedOn } from './plants.ts';

const comparators = new Map<Plant, Json>();
beforeAll(async () => {
  for (const plant of plantNames) comparators.set(plant, await tunedOn(plant));
});
const tunedFor = (plant: Plant): Json => comparators.get(plant) ?? null;

const answering = (answer: Json): Pick<Subject<never>, 'start'> => ({ start: async () => ({ next: async () => answer }) });

describe('the comparator', () => {
  it.each(plantNames)('%s: the objective is three requests alone, and the capacity keeps it for who comes just too late', (plant) => {
    const { alone, objective, capacity, service } = batchingComparator.parse(tunedFor(plant));
    expect(objective).toBeCloseTo(3 * alone, 9);
    const [longest = []] = service.ms.slice(-1);
    const within = service.batches.filter((_, at) => (longest[at] ?? 0) <= objective / 2);
    const beyond = service.batches.filter((_, at) => (longest[at] ?? 0) > objective / 2);
    const rate = (batch: number): number => (1000 * batch) / (longest[service.batches.indexOf(batch)] ?? Number.NaN);
    expect(capacity).toBeGreaterThanOrEqual(rate(Math.max(...within)));
    expect(capacity).toBeLessThanOrEqual(rate(Math.min(...beyond)));
  });
});

describe('adaptive batching against the best fixed batch, in replay', () => {
  it.each(plantNames.flatMap((plant) => shapes.map((shape) => [plant, shape] as const)))(
    '%s, %s: at most 5 % less goodput; more in a burst; batch 1 is far behind',
    async (plant, shape) => {
      const goodput = (arm: 'reference' | 'head' | 'comparator:batch-1'): Promise<number> =>
        meanOver(8, 'goodput', { plant, tuned: tunedFor(plant), shape, arm });
      const [fixed, adaptive, single] = [await goodput('reference'), await goodput('head'), await goodput('comparator:batch-1')];
      expect(adaptive / fixed).toBeGreaterThan(shape === 'burst' ? 1 : 0.95);
      expect(single / fixed).toBeLessThan(0.6);
    },
  );

  it.each(plantNames.flatMap((plant) => shapes.map((shape) => [plant, shape] as const)))(
    '%s, %s: a policy that answers the batch of the reference scores its very numbers, another batch others',
    async (plant, shape) => {
      const tuned = tunedFor(plant);
      const { fixed } = batchingComparator.parse(tuned);
      const answered = (batch: number) => ({ subject: answering({ batch }), plant, tuned, shape, exact: true }) as const;
      for (const seed of [1, 2, 3]) {
        const reference = await play({ plant, tuned, shape, arm: 'reference', exact: true, seed });
        expect(await play({ ...answered(fixed[shape]), arm: 'head', seed })).toEqual(reference);
        expect((await play({ ...answered(1), arm: 'head', seed })).values['goodput']).not.toBe(reference.values['goodput']);
      }
    },
  );

  it('asks a policy in the arms that have none where batches are executed, and does not listen', async () => {
    const asked: ArmId[] = [];
    const by = (arm: ArmId): Pick<Subject<never>, 'start'> => ({
      start: async () => ({ next: async () => ({ batch: `answer ${asked.push(arm)}` }) }),
    });
    const what = { plant: 'dense', tuned: tunedFor('dense'), shape: 'steady' } as const;
    const silent = { start: async () => Promise.reject(new Error('it does not start')) };
    for (const arm of ['reference', 'comparator:batch-1'] as const)
      expect(await play({ ...what, arm, subject: by(arm) })).toEqual(await play({ ...what, arm, subject: silent }));
    expect(new Set(asked)).toEqual(new Set(['reference', 'comparator:batch-1']));
    asked.splice(0);
    await play({ ...what, arm: 'reference', exact: true, subject: by('reference') });
    expect(asked).toEqual([]);
  });

  it('is the same to the bit for the same seed, and another trace for another', async () => {
    const what = { plant: 'dense', tuned: tunedFor('dense'), shape: 'burst', arm: 'head' } as const;
    expect(await play(what)).toEqual(await play(what));
    expect(await play({ ...what, arm: 'base' })).toEqual(await play(what));
    expect((await play({ ...what, seed: 2 })).values).not.toEqual((await play(what)).values);
  });

  it('says of every batch when it began, who waited, how many it took and how long its oldest request waited', async () => {
    const { values, trace = {} } = await play({ plant: 'dense', tuned: tunedFor('dense'), shape: 'ramp', arm: 'head' });
    const { objective } = batchingComparator.parse(tunedFor('dense'));
    expect(Object.keys(trace)).toEqual(['time', 'queue', 'batch', 'latency', 'set-point']);
    expect(trace['batch']?.reduce((sum, each) => sum + each, 0)).toBe(3 * 24);
    expect(trace['time']).toEqual(trace['time']?.toSorted((a, b) => a - b));
    for (const [at, batch] of (trace['batch'] ?? []).entries()) expect(trace['queue']?.[at]).toBeGreaterThanOrEqual(batch);
    expect(new Set(trace['set-point'])).toEqual(new Set([objective]));
    expect(values['latency-p99']).toBeLessThanOrEqual(Math.max(...(trace['latency'] ?? [])));
    expect(values['latency-p50']).toBeLessThan(values['latency-p99'] ?? 0);
  });

  it('utilization counts padding, and batches that are too small', async () => {
    const what = { plant: 'dense', tuned: tunedFor('dense'), shape: 'steady' } as const;
    const [alone = 0, batched = 0] = [
      (await play({ ...what, arm: 'comparator:batch-1' })).values['utilization'],
      (await play({ ...what, arm: 'head' })).values['utilization'],
    ];
    expect(alone).toBeLessThan(batched);
    expect(batched).toBeLessThan(100);
    expect(alone).toBeGreaterThan(0);
  });
});

describe('a fault is seen', () => {
  const goodput = (options: Json, shape: LoadShape = 'steady'): Promise<number> =>
    meanOver(8, 'goodput', { plant: 'dense', tuned: tunedFor('dense'), shape, arm: 'head', options });

  it.each([
    ['steady', 'a limit left at one', { maximum: 1 }, 0.6],
    ['steady', 'a limit that hardly grows', { controller: 'aimd', increase: 0.02 }, 0.8],
    ['burst', 'hardly any of the objective used', { headroom: 0.9 }, 0.95],
  ] as const)('%s: %s costs goodput', async (shape, _, options, share) => {
    expect((await goodput(options, shape)) / (await goodput({}, shape))).toBeLessThan(share);
  });

  it('another sound controller is not called one', async () => {
    expect((await goodput({ controller: 'aimd' })) / (await goodput({}))).toBeGreaterThan(0.93);
  });

  it.each([null, 4, {}, { batch: 0 }, { batch: 2.5 }, { batch: '4' }, { batch: 1e9 }, { batch: 2, more: 1 }])(
    'an answer %j is refused with a code',
    async (answer) => {
      const played = play({ plant: 'dense', tuned: tunedFor('dense'), shape: 'steady', arm: 'head', subject: answering(answer) });
      await expect(played).rejects.toThrow(expect.objectContaining({ code: 'subject-protocol', where: 'head at steady' }));
    },
  );

  it('more than waits takes all that wait', async () => {
    const { trace } = await play({
      plant: 'dense',
      tuned: tunedFor('dense'),
      shape: 'burst',
      arm: 'head',
      subject: answering({ batch: 1000 }),
    });
    expect(trace?.['batch']).toEqual(trace?.['queue']?.map((waiting) => Math.min(16, waiting)));
  });
});

describe('the built-in policy', () => {
  const episode = { point: 'steady', seed: 1, options: { maximum: 8 } as never };
  const setting = { objective: 10, service: { lengths: [8], batches: [1, 16], ms: [[3, 12]] }, maximum: 16, decode: 4 };

  it('refuses options, a setting or an observation that cannot be', async () => {
    const start = (options: Json, told: Json): Promise<unknown> =>
      adaptiveBatching.start?.({ ...episode, options, setting: told }) ?? Promise.resolve();
    await expect(start({ maximum: 0 }, setting)).rejects.toThrow(expect.objectContaining({ code: 'option-invalid' }));
    const torn = { ...setting, service: { ...setting.service, ms: [[3]] } };
    await expect(start({}, torn)).rejects.toThrow(expect.objectContaining({ code: 'document-invalid' }));
    await expect(start({}, { ...setting, objective: -1 })).rejects.toThrow(expect.objectContaining({ code: 'document-invalid' }));
    const policy = await adaptiveBatching.start?.({ ...episode, setting });
    await expect(policy?.next({ time: 0, waiting: 0, ages: [], tokens: [], last: null })).rejects.toThrow(
      expect.objectContaining({ code: 'document-invalid' }),
    );
  });
});
