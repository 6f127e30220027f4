import { describe, expect, test } from 'vitest';
import { GateError } from '../../src/errors.ts';
import type { LoadedModel } from '../../src/runtime/decoder.ts';
import { blindNll, lostBits, scoreArms, targetsOf, type WindowScore } from '../../src/runtime/scoring.ts';
import { seededRandom } from '../../src/statistics/random.ts';
import { randomWeights, tinyConfig } from '../models/random-weights.ts';
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
    const squares = targetsOf(windows, 1).flatMap((t) =>
      [...known.values.subarray(t * 40, (t + 1) * 40)].map(
        (logit, i) => [logit ** 2, (logit - (own.values[t * 40 + i] ?? 0)) ** 2] as const,
      ),
    );
    const [size, apart] = [mean(squares.map(([each]) => each)), mean(squares.map(([, each]) => each))];
    expect(score?.lostBits).toBeCloseTo(Math.log2(1 + Math.sqrt(apart / size) * 2 ** 24), 6);
    for (const window of scores) expect(window['reference']).toMatchObject({ kl: 0, top1: 1, lostBits: 0 });
    await reference.release();
    await head.release();
  });

  test('is exact to 1e-9 on given logits, however wide they spread, in any order of calls', async () => {
    const built = builtTiny('qwen3');
    const model = await opened(built, null);
    const [count, length, vocabulary] = [3, 9, 40];
    const windows = tinyWindows(built.config, count, length);
    const random = seededRandom(3);
    const drawn = (spread: number): Float32Array =>
      Float32Array.from({ length: count * (length - 1) * vocabulary }, () => spread * (random() + random() + random() - 1.5));
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    const apart = (value: number, wanted: number): number => Math.abs(value - wanted) / Math.max(1, Math.abs(wanted));
    for (const spread of [0.1, 5, 40]) {
      const [untouched, changed] = [drawn(spread), drawn(spread)];
      const serving = (values: Float32Array): LoadedModel => ({
        ...model,
        score: async (_, index, rows) => {
          const size = (length - 1) * vocabulary;
          return { rows, length: length - 1, vocabulary, values: values.slice(index * size, (index + rows) * size) };
        },
      });
      const scores: WindowScore[] = [];
      const arrange = (starts: readonly number[]): readonly number[] => starts.toReversed();
      await scoreArms(serving(untouched), { head: serving(changed) }, windows, { batch: 2, arrange }, (window, { head }) => {
        if (head !== undefined) scores[window] = head;
      });
      expect(scores).toHaveLength(count);
      scores.forEach(({ nll, lateNll, kl, top1, kls }, window) => {
        const each = targetsOf(windows, window).map((t) => {
          const at = (window * (length - 1) + t) * vocabulary;
          const truth = windows.tokens[window * length + t + 1] ?? 0;
          return plain(untouched.subarray(at, at + vocabulary), changed.subarray(at, at + vocabulary), truth);
        });
        expect(apart(nll, mean(each.map((one) => one.nll)))).toBeLessThan(1e-9);
        // Eight targets: the last two are the last quarter.
        expect(apart(lateNll, mean(each.slice(6).map((one) => one.nll)))).toBeLessThan(1e-9);
        expect(apart(kl, mean(each.map((one) => one.kl)))).toBeLessThan(1e-9);
        expect(top1).toBeCloseTo(mean(each.map(({ agree }) => Number(agree))), 12);
        each.forEach((one, i) => {
          expect(apart(kls[i] ?? 0, one.kl)).toBeLessThan(1e-6);
        });
      });
    }
    await model.release();
  });

  test('a logit of the arm that is minus infinity where the reference expects something fails, too', async () => {
    const model = await opened(builtTiny('qwen3'), null);
    const broken: LoadedModel = {
      ...model,
      score: async (...asked) => {
        const logits = await model.score(...asked);
        const values = logits.values.slice();
        values[5] = Number.NEGATIVE_INFINITY;
        return { ...logits, values };
      },
    };
    const windows = tinyWindows(tinyConfig('qwen3'), 1, 9);
    await expect(collected(model, { head: broken }, windows, {})).rejects.toMatchObject({ code: 'non-finite-output', where: 'head' });
    await model.release();
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

test('lost bits are 0 for the same bits, one more for twice the shift, and 24 where nothing is left', () => {
  expect(lostBits({ size: 4, apart: 0 })).toBe(0);
  const small = lostBits({ size: 4, apart: 4 * 2 ** -20 });
  expect(lostBits({ size: 4, apart: 16 * 2 ** -20 })).toBeCloseTo(small + 1, 3);
  expect(lostBits({ size: 4, apart: 400 })).toBeCloseTo(24, 6);
  expect(lostBits({ size: 0, apart: 1 })).toBeCloseTo(24, 6);
  expect(lostBits({ size: 0, apart: 0 })).toBe(0);
});
