import { describe, expect, test } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { blindNll, scoreArms, targetsOf, type WindowScore } from '../../src/runtime/scoring.ts';
import { randomWeights } from '../models/random-weights.ts';
import { builtTiny, opened, tinyWindows } from './tiny-model.ts';

const collected = async (
  ...call: Parameters<typeof scoreArms> extends [...infer Head, unknown] ? Head : never
): Promise<Record<string, WindowScore>[]> => {
  const out: Record<string, WindowScore>[] = [];
  await scoreArms(...call, (window, scores) => {
    expect(window).toBe(out.length);
    out.push({ ...scores });
  });
  return out;
};

/** The same figures, written down a second time in the plainest way, in double precision. */
const plain = (reference: Float32Array, arm: Float32Array, truth: number): { nll: number; kl: number; agree: boolean } => {
  const softmax = (logits: Float32Array): number[] => {
    const exps = [...logits].map((value) => Math.exp(value));
    const sum = exps.reduce((a, b) => a + b, 0);
    return exps.map((value) => value / sum);
  };
  const [p, q] = [softmax(reference), softmax(arm)];
  return {
    nll: -Math.log(q[truth] ?? 0),
    kl: p.reduce((sum, value, i) => sum + value * Math.log(value / (q[i] ?? 0)), 0),
    agree: p.indexOf(Math.max(...p)) === q.indexOf(Math.max(...q)),
  };
};

describe('scoreArms', () => {
  test('gives the textbook figures, and the reference against itself is 0 and 1', async () => {
    const built = builtTiny('qwen3');
    const random = randomWeights();
    const other = builtTiny('qwen3', {
      ...random,
      read: (name, dims) => (name.endsWith('layers.1.mlp.down_proj.weight') ? random.read(`${name}!`, dims) : random.read(name, dims)),
    });
    const windows = tinyWindows(built.config, 3, 9);
    const [reference, head] = [await opened(built, null), await opened(other, null)];
    const scores = await collected(reference, { reference, head }, windows, { batch: 2 });
    expect(scores).toHaveLength(3);
    const [known, own] = [await reference.score(windows, 1, 1), await head.score(windows, 1, 1)];
    const each = targetsOf(windows, 1).map((t) =>
      plain(known.values.subarray(t * 40, (t + 1) * 40), own.values.subarray(t * 40, (t + 1) * 40), windows.tokens[9 + t + 1] ?? 0),
    );
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    const score = scores[1]?.['head'];
    expect(score?.tokens).toBe(8);
    expect(score?.nll).toBeCloseTo(mean(each.map(({ nll }) => nll)), 5);
    expect(score?.kl).toBeCloseTo(mean(each.map(({ kl }) => kl)), 6);
    expect(score?.kl).toBeGreaterThan(1e-6);
    expect(score?.top1).toBeCloseTo(mean(each.map(({ agree }) => Number(agree))), 9);
    expect(score?.kls).toHaveLength(8);
    for (const window of scores) expect(window['reference']).toMatchObject({ kl: 0, top1: 1 });
    await reference.release();
    await head.release();
  });

  test('does not depend on how windows are batched, and stops at the limit', async () => {
    const built = builtTiny('qwen3_moe');
    const windows = tinyWindows(built.config, 4, 8);
    const reference = await opened(built, null);
    const [one, three] = [
      await collected(reference, { head: reference }, windows, { batch: 1, limit: 3 }),
      await collected(reference, { head: reference }, windows, { batch: 3, limit: 3 }),
    ];
    expect(three).toHaveLength(3);
    three.forEach((score, i) => {
      expect(score['head']?.nll).toBeCloseTo(one[i]?.['head']?.nll ?? Number.NaN, 5);
    });
    await reference.release();
  });

  test('counts only targets, and blanking the image changes the figure', async () => {
    const built = builtTiny('qwen3_vl');
    const windows = tinyWindows(built.config);
    const reference = await opened(built, windows);
    const [first] = await collected(reference, { reference }, windows, { limit: 1 });
    expect(first?.['reference']?.tokens).toBe(6);
    expect(targetsOf(windows, 0)).toEqual([5, 6, 7, 8, 9, 10]);
    expect(Math.abs((await blindNll(reference, windows, 0)) - (first?.['reference']?.nll ?? 0))).toBeGreaterThan(1e-6);
    await reference.release();
  });

  test('an arm that is not a number fails by name', async () => {
    const built = builtTiny('qwen3');
    const random = randomWeights();
    const broken = builtTiny('qwen3', {
      ...random,
      read: (name, dims) => (name === 'model.norm.weight' ? new Float32Array(32).fill(Number.NaN) : random.read(name, dims)),
    });
    const [reference, head] = [await opened(built, null), await opened(broken, null)];
    const thrown = await collected(reference, { head }, tinyWindows(built.config), {}).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(GateError);
    expect(thrown).toMatchObject({ code: 'non-finite-output', where: 'head' });
    await reference.release();
    await head.release();
  });
});
