/**
 * Writes batch-replay-input.json: what `adaptive-batching` plays on one table of service times, drawn by the program. Arrivals, what the n-th batch
 * takes as a multiple of the table, the batches that the built-in policy chose, and the arrivals that the best fixed batch is chosen on.
 * batch-replay.py computes from it what the metrics are.
 *
 *     node __tests__/oracles/batch-replay.ts && python3 __tests__/oracles/batch-replay.py
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { batchingComparator } from '../../src/optimizations/adaptive-batching/comparator.ts';
import { batchingPlayer } from '../../src/optimizations/adaptive-batching/play.ts';
import { replayedService } from '../../src/optimizations/adaptive-batching/replay.ts';
import { adaptiveBatching } from '../../src/optimizations/adaptive-batching/subject.ts';
import { type LoadShape, played, shapes, tracesOf } from '../../src/optimizations/adaptive-batching/workload.ts';
import type { Arrival } from '../../src/optimizations/serving/virtual-queue.ts';
import { deriveSeed, seededRandom } from '../../src/statistics/random.ts';
import { costsOfTable } from '../optimizations/adaptive-batching/plants.ts';
import { replayTools, turnOf } from '../testkit/episode-tools.ts';

const seed = 1;
const service = {
  clock: 'thread',
  token: 0.455,
  decode: 4,
  lengths: [4, 8, 16],
  batches: [1, 2, 3, 4, 6, 8, 12, 16],
  ms: [
    [2.941, 3.477, 4.023, 4.563, 5.661, 6.722, 8.913, 11.087],
    [3.158, 3.921, 4.676, 5.447, 6.951, 8.493, 11.544, 14.602],
    [3.602, 4.799, 6.018, 7.197, 9.622, 12.011, 16.83, 21.655],
  ],
} as const;

const comparator = batchingComparator.parse(await batchingPlayer.tune?.(replayTools({ costs: costsOfTable(service) }), {}));
const pairs = (arrivals: readonly Arrival[]): readonly (readonly [number, number])[] => arrivals.map(({ time, tokens }) => [time, tokens]);
const drawn = (shape: LoadShape, random: () => number) =>
  tracesOf({ shape, ...played }, comparator.capacity, service.lengths, random).map(pairs);

/** The batches of each load that the built-in policy answers. */
const chosenBatches = async (shape: LoadShape): Promise<readonly (readonly number[])[]> => {
  const chosen: number[][] = [];
  const recorded: Pick<typeof adaptiveBatching, 'start'> = {
    start: async (episode) => {
      const policy = await adaptiveBatching.start?.(episode);
      const own: number[] = [];
      chosen.push(own);
      return {
        next: async (seen) => {
          const action = (await policy?.next(seen)) as { readonly batch: number };
          own.push(action.batch);
          return action;
        },
      };
    },
  };
  const turn = turnOf({ id: `replay-${shape}`, setting: { shape, ...played }, exact: true }, { arm: 'head', tuned: comparator, seed });
  await batchingPlayer.play(turn, replayTools({ costs: costsOfTable(service), subject: recorded, seed }));
  return chosen;
};

/** A table in which every batch takes 1 ms: a replay of it is the luck of the n-th batch. */
const unit = { ...service, ms: service.ms.map((row) => row.map(() => 1)) };

const replays = await Promise.all(
  shapes.map(async (shape) => {
    const { random } = replayTools({ costs: costsOfTable(service), seed });
    const arrivals = drawn(shape, random);
    const luck = arrivals.map((requests) => {
      const took = replayedService(unit, { random });
      return requests.map(() => took(1, 4));
    });
    const sweeps = Array.from({ length: 12 }, (_, sweep) => drawn(shape, seededRandom(deriveSeed(sweep, 'best fixed', shape))));
    return [shape, { arrivals, luck, chosen: await chosenBatches(shape), sweeps }] as const;
  }),
);
const lines = JSON.stringify({ seed, service, replays: Object.fromEntries(replays) }, null, 1).replace(/\n {5,}/g, '');
writeFileSync(join(import.meta.dirname, 'batch-replay-input.json'), `${lines}\n`);
