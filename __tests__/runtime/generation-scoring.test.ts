import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readModel } from '../../src/onnx/read.ts';
import { recognise } from '../../src/onnx/recognise/recognise.ts';
import { findRotaryKeys } from '../../src/onnx/recognise/rotary.ts';
import type { LoadedModel } from '../../src/runtime/decoder.ts';
import { scoreGeneration } from '../../src/runtime/generation-scoring.ts';
import type { RowLogits } from '../../src/runtime/row-logits.ts';
import { type TinyFamily, tinyFamilies } from '../models/random-weights.ts';
import { type Built, builtTiny, largestDifference, opened, tinyWindows } from './tiny-model.ts';

const steps = 6;
const asked = { count: 3, steps, beat: () => {} };
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Loss and divergence of some positions, written down in the plainest way. */
const plainly = (expected: RowLogits, own: RowLogits, row: number, truths: readonly number[]): { nll: number; apart: number } => {
  const softmax = ({ values, vocabulary, length }: RowLogits, position: number): readonly number[] => {
    const start = (row * length + position) * vocabulary;
    const exps = [...values.subarray(start, start + vocabulary)].map(Math.exp);
    const total = exps.reduce((sum, value) => sum + value, 0);
    return exps.map((value) => value / total);
  };
  const each = truths.map((truth, position) => {
    const [p, q] = [softmax(expected, position), softmax(own, position)];
    return { nll: -Math.log(q[truth] ?? 0), apart: p.reduce((sum, value, at) => sum + value * Math.log(value / (q[at] ?? 0)), 0) };
  });
  return { nll: mean(each.map(({ nll }) => nll)), apart: mean(each.map(({ apart }) => apart)) };
};

/** A cache that forgets often: six positions, cut back every second. */
const forgetful = (built: Built): Promise<LoadedModel> => {
  const graph = readModel(join(built.folder, built.stages.find(({ id }) => id === 'decoder')?.graph ?? ''));
  const attentions = recognise(graph).layers.map(({ attention }) => attention);
  const { frequencies } = findRotaryKeys(graph, attentions);
  return opened(built, null, { chunk: 2, sinks: 1, keepLast: 3, slack: 2, frequencies });
};

/** A model whose steps go wrong in a way of one's own. */
const stepping = (model: LoadedModel, wrong: (logits: RowLogits) => RowLogits): LoadedModel => ({
  ...model,
  generate: async (...windows) => wrong(await model.generate(...windows)),
});

describe.each(tinyFamilies)('%s', (family: TinyFamily) => {
  test('steps behind a cache come to what one call gives, and both are scored by the textbook', async () => {
    const built = builtTiny(family);
    const windows = tinyWindows(built.config, 3, 21);
    const model = await opened(built, null);
    const [own, whole] = [await model.generate(windows, 0, 3, steps), await model.recompute(windows, 0, 3, steps)];
    expect([own.rows, own.length]).toEqual([3, steps + 1]);
    expect(largestDifference(own.values, whole.values)).toBeLessThan(1e-4);
    const scores = await scoreGeneration(model, model, windows, asked);
    scores.forEach(({ nll, apart }, row) => {
      const truths = Array.from({ length: steps + 1 }, (_, at) => windows.tokens[row * 21 + 20 - steps + at] ?? 0);
      expect(nll).toBeCloseTo(plainly(whole, own, row, truths).nll, 5);
      expect(apart).toBeLessThan(1e-6);
    });
    const shifted = stepping(model, (logits) => ({
      ...logits,
      values: logits.values.map((value, at) => (at % 7 === 0 ? value + 2 : value)),
    }));
    const wrong = await shifted.generate(windows, 0, 3, steps);
    for (const [row, { nll, apart }] of (await scoreGeneration(model, shifted, windows, asked)).entries()) {
      const truths = Array.from({ length: steps + 1 }, (_, at) => windows.tokens[row * 21 + 20 - steps + at] ?? 0);
      expect(nll).toBeCloseTo(plainly(whole, wrong, row, truths).nll, 5);
      expect(apart).toBeCloseTo(plainly(whole, wrong, row, truths).apart, 5);
      expect(apart).toBeGreaterThan(0.01);
    }
    await model.release();
  });

  test('a cache that forgets is held against the reference', async () => {
    const built = builtTiny(family);
    const windows = tinyWindows(built.config, 3, 21);
    const [reference, arm] = [await opened(built, null), await forgetful(built)];
    expect([reference.forgets, arm.forgets]).toEqual([false, true]);
    const scores = await scoreGeneration(reference, arm, windows, asked);
    for (const { apart } of scores) expect(apart).toBeGreaterThan(1e-5);
    // What it would be held against by itself is what it reads as a whole, without forgetting.
    const alone = await scoreGeneration(reference, { ...arm, forgets: false }, windows, asked);
    expect(alone.map(({ nll }) => nll)).toEqual(scores.map(({ nll }) => nll));
    for (const model of [reference, arm]) await model.release();
  });
});
