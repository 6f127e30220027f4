import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ownEnvironment } from '../../bench/child-program.ts';
import { isMet } from '../../bench/comparison.ts';
import { writeSwigluLayer } from '../../bench/swiglu-layer.ts';
import { headLine, rowLines } from '../../bench/table.ts';
import { countMultiplyAdds } from '../../src/onnx/count.ts';
import { readModel } from '../../src/onnx/read.ts';
import { recognise } from '../../src/onnx/recognise/recognise.ts';
import { testFolder } from '../testkit/folder.ts';

const bench = (...words: readonly string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, '../../bench/index.ts'), ...words], { encoding: 'utf8' });

describe('targets', () => {
  it.each([
    ['most', 1.01, 1.01, true],
    ['most', 1.01, 1.0101, false],
    ['least', 0.8, 0.8, true],
    ['least', 0.8, 0.79, false],
  ] as const)('at %s %f, measured %f: %s', (bound, value, measured, met) => {
    expect(isMet({ value: measured, target: { bound, value } })).toBe(met);
  });

  it('are not met or missed where there are none', () => {
    expect(isMet({ value: 1, target: null })).toBeNull();
  });
});

describe('the table', () => {
  const row = { what: 'a call', value: 1.0249, unit: '×', target: { bound: 'most', value: 1.01 }, note: 'of 3' } as const;

  it('says the same with and without colour', () => {
    const plain = rowLines('timed-region', row, { colour: false });
    expect(plain).toMatch(/^timed-region +a call +1\.025 × +≤ 1\.01 × {2}NOT MET\n +of 3$/);
    const coloured = rowLines('timed-region', row, { colour: true });
    expect(coloured).not.toBe(plain);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is removed
    expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(plain);
  });

  it('puts numbers and targets below their headings', () => {
    const [line = ''] = rowLines('timed-region', row, { colour: false }).split('\n');
    const head = headLine({ colour: false });
    expect(line.indexOf('1.025 ×') + '1.025 ×'.length).toBe(head.indexOf('number') + 'number'.length);
    expect(line.indexOf('  NOT MET')).toBe(head.length);
  });
});

describe('the layer', () => {
  it('is recognised as a gated feed-forward whose every product is counted', () => {
    const folder = testFolder();
    const model = readModel(join(folder, writeSwigluLayer(folder, 32, 128, 1)));
    expect(recognise(model).projections).toMatchObject([{ width: 128, gate: { size: 128 }, down: { rows: 128, columns: 32 } }]);
    expect(countMultiplyAdds(model, { past: 0, batch: 1, tokens: 5 })).toEqual({
      multiplyAdds: 5 * 3 * 32 * 128,
      parameters: 3 * 32 * 128,
      unknown: [],
    });
  });
});

describe('the command line', () => {
  it.each([
    [['--only', 'no-such'], 'no-such'],
    [['--seed', '-1'], '--seed'],
    [['--seed', '1.5'], '--seed'],
    [['--bogus'], '--bogus'],
  ])('refuses %j', (words, said) => {
    const ended = bench(...words);
    expect(ended.status).toBe(2);
    expect(ended.stderr).toContain(said);
    expect(ended.stdout).toBe('');
  });

  it('lists every benchmark', () => {
    const ended = bench('--help');
    expect(ended.status).toBe(0);
    for (const name of ['timed-region', 'pruning-speedup', 'gate-speed', 'cold-start', 'artefact-hashing', 'installation', 'whole-run'])
      expect(ended.stdout).toContain(name);
  });
});

describe('programs that are started', () => {
  it('are not told that they are in this folder', () => {
    process.env['npm_config_local_prefix'] = '/here';
    process.env['npm_config_cache'] = '/cache';
    try {
      expect(ownEnvironment()).toMatchObject({ npm_config_cache: '/cache', PATH: process.env['PATH'] });
      expect(ownEnvironment()).not.toHaveProperty('npm_config_local_prefix');
    } finally {
      delete process.env['npm_config_local_prefix'];
      delete process.env['npm_config_cache'];
    }
  });
});
