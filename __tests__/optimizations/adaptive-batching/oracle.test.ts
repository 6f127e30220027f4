import { beforeAll, describe, expect, it } from 'vitest';
import type { Subject } from '../../../src/contract/optimization.ts';
import { type BatchingComparator, batchingComparator } from '../../../src/optimizations/adaptive-batching/comparator.ts';
import { batchingPlayer } from '../../../src/optimizations/adaptive-batching/play.ts';
import { played, shapes } from '../../../src/optimizations/adaptive-batching/workload.ts';
import oracle from '../../oracles/batch-replay.json' with { type: 'json' };
import given from '../../oracles/batch-replay-input.json' with { type: 'json' };
import { replayTools, turnOf } from '../../testkit/episode-tools.ts';
import { costsOfTable } from './plants.ts';

const costs = costsOfTable(given.service);
let comparator: BatchingComparator;
beforeAll(async () => {
  comparator = batchingComparator.parse(await batchingPlayer.tune?.(replayTools({ costs }), {}));
});

/** Answers what was recorded, load by load. */
const answering = (loads: readonly (readonly number[])[]): Pick<Subject<never>, 'start'> => {
  let started = 0;
  return {
    start: async () => {
      const batches = (loads[started++] ?? []).values();
      return { next: async () => ({ batch: batches.next().value ?? null }) };
    },
  };
};

it('objective, capacity and the best fixed batches follow from the table as NumPy has them', () => {
  expect(comparator.service).toEqual(given.service);
  expect(comparator.alone).toBeCloseTo(oracle.alone, 9);
  expect(comparator.objective).toBeCloseTo(oracle.objective, 9);
  expect(comparator.capacity / oracle.capacity).toBeCloseTo(1, 9);
  expect(comparator.fixed).toEqual(Object.fromEntries(shapes.map((shape) => [shape, oracle.shapes[shape].fixed])));
});

describe.each(shapes)('a replay of %s', (shape) => {
  it.each([
    ['recorded choices', 'head', 'chosen'],
    ['the best fixed batch', 'reference', 'best'],
    ['batch 1', 'comparator:batch-1', 'single'],
  ] as const)('of %s has the metrics and the batches that NumPy has', async (_, arm, name) => {
    const { values, trace } = await batchingPlayer.play(
      turnOf({ id: shape, setting: { shape, ...played }, exact: true }, { arm, tuned: comparator, seed: given.seed }),
      replayTools({ costs, subject: answering(given.replays[shape].chosen), seed: given.seed }),
    );
    const { batches, ...expected } = oracle.shapes[shape][name];
    expect(Object.keys(values).toSorted()).toEqual(Object.keys(expected).toSorted());
    for (const [metric, value] of Object.entries(expected)) expect((values[metric] ?? Number.NaN) / value).toBeCloseTo(1, 9);
    const all = batches.flat();
    expect(trace?.['queue']).toEqual(all.map(([, waiting]) => waiting));
    expect(trace?.['batch']).toEqual(all.map(([, , taken]) => taken));
    // The first load begins at 0: its batches begin when they do.
    for (const [at, [start = Number.NaN]] of (batches[0] ?? []).entries()) expect(trace?.['time']?.[at]).toBeCloseTo(start, 6);
  });

  it('of other choices has other metrics', async () => {
    const one = given.replays[shape].chosen.map((batches) => batches.map(() => 16));
    const { values } = await batchingPlayer.play(
      turnOf({ id: shape, setting: { shape, ...played }, exact: true }, { arm: 'head', tuned: comparator, seed: given.seed }),
      replayTools({ costs, subject: answering(one), seed: given.seed }),
    );
    expect(values['goodput']).not.toBeCloseTo(oracle.shapes[shape].chosen.goodput, 3);
  });
});
