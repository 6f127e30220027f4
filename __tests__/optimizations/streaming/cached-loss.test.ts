import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EvaluationWindows, ServeHints } from '../../../src/records/serving.ts';
import type { LoadedModel } from '../../../src/runtime/decoder.ts';
import { type GenerationScore, scoreGeneration } from '../../../src/runtime/generation-scoring.ts';
import oracle from '../../oracles/cached-nll.json' with { type: 'json' };
import { shippedStream } from './shipped-stream.ts';

/** Only the first window of the oracle, so that it is quick; the acceptance tests compare all of them. */
const count = 1;
let windows: EvaluationWindows;
let reference: LoadedModel;
let hints: ServeHints;
let open: (serve: ServeHints) => Promise<LoadedModel>;

beforeAll(async () => {
  ({ windows, hints, open } = await shippedStream());
  reference = await open({});
});
afterAll(() => reference.release());

const scoresOf = (model: LoadedModel): Promise<readonly GenerationScore[]> =>
  scoreGeneration(reference, model, windows, { count, steps: 128, beat: () => {} });

const scoresServed = async (serve: ServeHints): Promise<readonly GenerationScore[]> => {
  const model = await open(serve);
  try {
    return await scoresOf(model);
  } finally {
    await model.release();
  }
};

const farthest = (scores: readonly GenerationScore[], arm: keyof typeof oracle, own: keyof GenerationScore): number => {
  const expected = oracle[arm][own === 'nll' ? 'cached-nll' : 'agreement'];
  return Math.max(...scores.map((score, window) => Math.abs(score[own] - (expected[window] ?? Number.NaN))));
};

it('the loss of the reference behind its cache is what NumPy computes from the weights', async () => {
  const scores = await scoresOf(reference);
  expect(scores).toHaveLength(count);
  expect(farthest(scores, 'reference', 'nll')).toBeLessThan(1e-5);
  expect(farthest(scores, 'reference', 'apart')).toBeLessThan(1e-9);
});

it('the loss of streaming by its defaults is what NumPy computes with keys that are turned anew in each call', async () => {
  const scores = await scoresServed(hints);
  expect(farthest(scores, 'streaming', 'nll')).toBeLessThan(1e-5);
  expect(farthest(scores, 'streaming', 'apart')).toBeLessThan(1e-5);
});

it.each([
  ['keeps one position less', (sound: ServeHints) => ({ ...sound, keepLast: 59 })],
  ['keeps one sink less', (sound: ServeHints) => ({ ...sound, sinks: 3 })],
  ['does not turn keys back', (sound: ServeHints) => ({ ...sound, frequencies: sound.frequencies?.map(() => 0) })],
] as const)('a cache that %s has another loss', async (_, wrong) => {
  expect(farthest(await scoresServed(wrong(hints)), 'streaming', 'nll')).toBeGreaterThan(1e-4);
});
