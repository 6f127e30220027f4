import { readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LoadedModel } from '../../src/runtime/decoder.ts';
import { scoreArms, type WindowScore } from '../../src/runtime/scoring.ts';
import { openScratch } from '../../src/store/scratch.ts';
import { rememberLogits } from '../../src/worker/remembered-logits.ts';
import { randomWeights } from '../models/random-weights.ts';
import { builtTiny, opened, tinyWindows } from '../runtime/tiny-model.ts';
import { testFolder } from '../testkit/folder.ts';

const key = 'c'.repeat(64);

const counted = (model: LoadedModel): { readonly model: LoadedModel; readonly calls: number[] } => {
  const calls: number[] = [];
  return {
    calls,
    model: {
      ...model,
      score: (...asked) => {
        calls.push(asked[1]);
        return model.score(...asked);
      },
    },
  };
};

const scoresOf = async (reference: LoadedModel, head: LoadedModel, windows: ReturnType<typeof tinyWindows>, backwards = false) => {
  const out: Readonly<Record<string, WindowScore>>[] = [];
  await scoreArms(
    reference,
    { reference, head },
    windows,
    { batch: 2, arrange: (starts) => (backwards ? starts.toReversed() : starts) },
    (window, scores) => {
      out[window] = { ...scores };
    },
  );
  return out;
};

describe('rememberLogits', () => {
  test('gives the same scores with, without and after the scratch, in any order, and computes each part once', async () => {
    const built = builtTiny('qwen3');
    const random = randomWeights();
    const other = builtTiny('qwen3', {
      ...random,
      read: (name, dims) => (name.endsWith('layers.1.mlp.down_proj.weight') ? random.read(`${name}!`, dims) : random.read(name, dims)),
    });
    const windows = tinyWindows(built.config, 5, 9);
    const [plain, head] = [await opened(built, null), await opened(other, null)];
    const expected = await scoresOf(plain, head, windows);
    expect(expected[4]?.['head']?.kl).toBeGreaterThan(1e-6);
    const root = testFolder();
    const { model, calls } = counted(plain);
    const remembering = (limit = 5): LoadedModel => rememberLogits(model, openScratch({ root, secret: '5'.repeat(64) }, key), limit);
    expect(await scoresOf(remembering(), head, windows)).toEqual(expected);
    expect(calls).toEqual([0, 2, 4]);
    expect(await scoresOf(remembering(), head, windows, true)).toEqual(expected);
    expect(calls).toEqual([0, 2, 4]);

    // Damage costs time, never a number.
    const files = readdirSync(join(root, 'scratch', key)).map((name) => join(root, 'scratch', key, name));
    expect(files).toHaveLength(3);
    truncateSync(files[0] ?? '', 100);
    writeFileSync(files[1] ?? '', Buffer.alloc(statSync(files[1] ?? '').size));
    expect(await scoresOf(remembering(), head, windows)).toEqual(expected);
    expect(calls).toEqual([0, 2, 4, 0, 2]);

    // More than the bound for all windows together: nothing is kept, and what is there is left alone.
    const large = { ...model, face: { ...model.face, vocabulary: 2 ** 24 } };
    await rememberLogits(large, openScratch({ root, secret: '5'.repeat(64) }, 'd'.repeat(64)), 5).score(windows, 0, 2);
    expect(readdirSync(join(root, 'scratch'))).toEqual([key]);
    await plain.release();
    await head.release();
  });

  test('never mixes up blind scores', async () => {
    const built = builtTiny('qwen3_vl');
    const windows = tinyWindows(built.config);
    const plain = await opened(built, windows);
    const known = rememberLogits(plain, openScratch({ root: testFolder(), secret: '5'.repeat(64) }, key), 3);
    const seen = await known.score(windows, 0, 1);
    const blind = await known.score(windows, 0, 1, true);
    expect(blind.values).toEqual((await plain.score(windows, 0, 1, true)).values);
    expect(blind.values).not.toEqual(seen.values);
    expect((await known.score(windows, 0, 1)).values).toEqual(seen.values);
    await plain.release();
  });
});
