import { expect, it } from 'vitest';
import type { Subject } from '../../../src/contract/optimization.ts';
import oracle from '../../oracles/loop-response.json' with { type: 'json' };
import given from '../../oracles/loop-response-input.json' with { type: 'json' };
import { drawnNoise, playOnPlant } from './plant-turn.ts';

const { seed, plant } = given;

/** Decides what was recorded, step by step. */
const deciding = (decided: readonly number[]): Pick<Subject<never>, 'start'> => ({
  start: async () => {
    const batches = decided.values();
    return { next: async () => ({ batch: batches.next().value ?? null }) };
  },
});

const loops = given.loops.map((loop, at) => ({ ...loop, expected: oracle[at]! }));

it.each(loops)(
  '$point, $name: the loop has the latencies and metrics that NumPy has',
  async ({ point, name, decided, latency, expected }) => {
    expect([expected.point, expected.name]).toEqual([point, name]);
    const { values, trace } = await playOnPlant({ point, plant, seed, subject: deciding(decided) });
    expect(trace?.['latency']).toHaveLength(latency.length);
    latency.forEach((each, step) => {
      expect(trace?.['latency']?.[step]).toBeCloseTo(each, 9);
    });
    expect(Object.keys(values).toSorted()).toEqual(Object.keys(expected.values).toSorted());
    for (const [metric, value] of Object.entries(expected.values)) expect(values[metric]).toBeCloseTo(value, 9);
  },
);

it('tells loops of one point apart by their metrics', () => {
  const stepped = oracle.filter(({ point }) => point === 'step').map(({ values }) => JSON.stringify(values));
  expect(new Set(stepped).size).toBe(3);
});

it('draws the noise that NumPy was given', () => {
  expect(drawnNoise(seed, given.noise.length)).toEqual(given.noise);
});
