import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { readWindows } from '../../src/models/evaluation.ts';
import { copySubjectSource, modelDigest, openModelSource, openSubjectSource } from '../../src/models/model-source.ts';
import { buildReference } from '../../src/models/reference.ts';
import type { EvaluationWindows } from '../../src/records/serving.ts';
import { openModel } from '../../src/runtime/decoder.ts';
import { scoreArms } from '../../src/runtime/scoring.ts';
import { largestDifference, runtime, settings } from '../runtime/tiny-model.ts';
import { testFolder } from '../testkit/folder.ts';

interface Oracle {
  readonly windows: number;
  readonly tokens: number;
  readonly positions: readonly number[];
  readonly vocabulary: number;
  readonly logits: readonly number[];
}

const ids = ['mini-qwen3-dense', 'mini-qwen3-moe', 'mini-glm4-moe-lite', 'mini-qwen3-vl'];
const folderOf = (id: string): string => join('models', id);
const oracleOf = (id: string): string => join('__tests__', 'oracles', `logits-${id}.json`);
const present = (id: string): boolean => existsSync(join(folderOf(id), 'card.json')) && existsSync(oracleOf(id));

/** The windows that the oracle scored: fewer tokens of the first ones. */
const cut = (windows: EvaluationWindows, { windows: count, tokens }: Oracle): EvaluationWindows => ({
  ...windows,
  count,
  length: tokens + 1,
  tokens: Uint16Array.from(
    { length: count * (tokens + 1) },
    (_, i) => windows.tokens[Math.floor(i / (tokens + 1)) * windows.length + (i % (tokens + 1))] ?? 0,
  ),
});

describe.each(ids)('%s', (id) => {
  test.runIf(present(id))('agrees with PyTorch, and its perplexity with its card', async () => {
    const source = openModelSource(folderOf(id));
    const folder = testFolder();
    const windows = readWindows(join(source.folder, 'evaluation.safetensors'), source.config);
    const model = await openModel(folder, buildReference(source, folder), {}, { runtime: await runtime(), settings, prompts: windows });
    const oracle: Oracle = JSON.parse(readFileSync(oracleOf(id), 'utf8'));
    const logits = await model.score(cut(windows, oracle), 0, oracle.windows);
    const picked: number[] = [];
    for (let row = 0; row < oracle.windows; row++) {
      for (const position of oracle.positions) {
        const start = (row * logits.length + position) * logits.vocabulary;
        picked.push(...logits.values.subarray(start, start + logits.vocabulary));
      }
    }
    expect(largestDifference(picked, oracle.logits)).toBeLessThan(1e-3);
    let [nll, tokens] = [0, 0];
    await scoreArms(model, { reference: model }, windows, {}, (_, { reference }) => {
      nll += (reference?.nll ?? Number.NaN) * (reference?.tokens ?? 0);
      tokens += reference?.tokens ?? 0;
    });
    const { perplexity, bitsPerCharacter } = source.card.quality;
    // The scenes are read almost without error: in bits the ratio would be one of rounding errors.
    const expected = perplexity ?? 2 ** (bitsPerCharacter ?? Number.NaN);
    const ratio = Math.exp(nll / tokens) / expected;
    expect(ratio).toBeGreaterThan(0.999);
    expect(ratio).toBeLessThan(1.001);
    await model.release();
  });
});

describe.runIf(present('mini-qwen3-dense'))('a model source', () => {
  const copied = (): string => {
    const folder = testFolder();
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folderOf('mini-qwen3-dense')))
      copyFileSync(join(folderOf('mini-qwen3-dense'), name), join(folder, name));
    return folder;
  };
  const failure = (folder: string): { code: string; where: string | null } => {
    try {
      openModelSource(folder);
    } catch (thrown) {
      if (thrown instanceof GateError) return { code: thrown.code, where: thrown.where };
    }
    return { code: 'none', where: null };
  };

  test('is whole, and named by what its card lists', () => {
    const source = openModelSource(copied());
    expect(source.id).toBe('mini-qwen3-dense');
    expect(source.facts).toMatchObject({ miniature: true, digest: source.digest, vocabulary: 1024 });
    expect(modelDigest({ ...source.card, sha256: { ...source.card.sha256, 'config.json': '0'.repeat(64) } })).not.toBe(source.digest);
  });

  test('with a changed file is refused, naming it', () => {
    const folder = copied();
    writeFileSync(join(folder, 'tokenizer.json'), '{}');
    expect(failure(folder)).toEqual({ code: 'model-digest-mismatch', where: join(folder, 'tokenizer.json') });
  });

  test('copied for optimization code has all but the evaluation windows, and is opened as such', () => {
    const [folder, to] = [copied(), join(testFolder(), 'source')];
    writeFileSync(join(folder, 'notes.txt'), 'not on the card');
    mkdirSync(to);
    copySubjectSource(folder, to);
    const listed = Object.keys(openModelSource(folder).card.sha256);
    expect(listed).toContain('evaluation.safetensors');
    expect(readdirSync(to).toSorted()).toEqual(['card.json', ...listed].filter((name) => name !== 'evaluation.safetensors').toSorted());
    expect(openSubjectSource(to).digest).toBe(openModelSource(folder).digest);
    expect(failure(to)).toEqual({ code: 'model-invalid', where: join(to, 'evaluation.safetensors') });
    writeFileSync(join(to, 'tokenizer.json'), '{}');
    expect(() => openSubjectSource(to)).toThrow(expect.objectContaining({ code: 'model-digest-mismatch' }));
  });

  test('with a hostile card is refused', () => {
    const folder = copied();
    const card = JSON.parse(readFileSync(join(folder, 'card.json'), 'utf8'));
    const spoil = (change: object): string => {
      writeFileSync(join(folder, 'card.json'), JSON.stringify({ ...card, ...change }));
      return failure(folder).code;
    };
    expect(spoil({})).toBe('none');
    expect(spoil({ sha256: { ...card.sha256, '../../etc/passwd': '0'.repeat(64) } })).toBe('model-invalid');
    expect(spoil({ sha256: {} })).toBe('model-invalid');
    expect(spoil({ family: 'qwen3_moe' })).toBe('model-invalid');
    expect(spoil({ quality: { perplexity: 'good' } })).toBe('model-invalid');
  });
});
