import { describe, expect, it } from 'vitest';
import { diffPolicy, gatePolicyOf } from '../../src/config/policy.ts';
import { type Catalogue, resolveConfig } from '../../src/config/resolve.ts';
import { selectConfigs } from '../../src/config/selection.ts';
import { type TolerantMetric, toleranceFlaws, toleranceOf } from '../../src/config/tolerance.ts';
import { GateError } from '../../src/errors.ts';
import { gatePolicy } from '../../src/records/plan.ts';
import type { Json } from '../../src/records/words.ts';
import { defaultConfig, parseConfig } from '../testkit/config.ts';
import { refusal } from './refusal.ts';

const catalogue: Catalogue = {
  optimizations: ['structured-pruning', 'tensor-decomposition', 'model'].map((id) => ({
    id,
    runs: id !== 'model',
    parse: (value: unknown, where: string): Json => {
      const { ratio = 0.25, ...rest } = value as { ratio?: number };
      if (Object.keys(rest).length > 0) throw new GateError('option-invalid', 'unknown option', { where });
      return { ratio };
    },
  })),
  models: ['mini-qwen3-dense', 'mini-qwen3-moe', 'mini-glm4-moe-lite', 'mini-qwen3-vl'],
};
const resolve = (text: string) => resolveConfig(parseConfig(text, 'gate.yml'), catalogue);

describe('resolveConfig', () => {
  it('fills in the options of built-ins and leaves those of own code alone', () => {
    const two = 'optimizations: [{id: structured-pruning}, {id: tensor-decomposition}]';
    expect(resolve(two).optimizations.map(({ id, options }) => [id, options])).toEqual([
      ['structured-pruning', { ratio: 0.25 }],
      ['tensor-decomposition', { ratio: 0.25 }],
    ]);
    const [own] = resolve('optimizations: [{id: own, like: structured-pruning, module: p.js, with: {level: 3}}]').optimizations;
    expect(own).toMatchObject({ like: 'structured-pruning', options: { level: 3 } });
  });

  it('gives the bench the options of a built-in, those under like-with of own code, and none where nothing judges', () => {
    const entries = [
      '{id: structured-pruning, with: {ratio: 0.5}}',
      '{id: own, like: structured-pruning, module: p.js, with: {level: 3}, like-with: {ratio: 0.75}}',
      '{id: plain, like: structured-pruning, module: p.js, with: {level: 3}}',
      '{id: engine, measure: x, metrics: [{id: m, unit: ms, better: lower, kind: timing}]}',
    ];
    const benchmarkOptions = resolve(`optimizations: [${entries.join(', ')}]`).optimizations.map((entry) => entry.benchmarkOptions);
    expect(benchmarkOptions).toEqual([{ ratio: 0.5 }, { ratio: 0.75 }, { ratio: 0.25 }, {}]);
  });

  it.each([
    ['models: [mini-qwen3-dens]', 'model-unknown', 'Did you mean "mini-qwen3-dense"'],
    ['optimizations: [{id: pruning}]', 'optimization-unknown', 'Did you mean "structured-pruning"'],
    [
      'optimizations: [{id: x, like: tensor-decompositon, command: "{output}"}]',
      'optimization-unknown',
      'Did you mean "tensor-decomposition"',
    ],
    ['optimizations: [{id: structured-pruning, with: {raito: 1}}]', 'option-invalid', 'unknown option'],
    ['optimizations: [{id: x, like: model, module: m.js, like-with: {raito: 1}}]', 'option-invalid', 'unknown option'],
    ['optimizations: [{id: model}]', 'optimization-unknown', 'There is no built-in optimization "model"'],
  ])('refuses %j', (text, code, part) => {
    expect(refusal(() => resolve(text))).toMatchObject({
      code,
      where: expect.stringContaining('gate.yml'),
      message: expect.stringContaining(part),
    });
  });
});

describe('selectConfigs', () => {
  const none = new Map<string, string>();
  const selected = (selection: Parameters<typeof selectConfigs>[2], head = defaultConfig()) =>
    selectConfigs({ head, base: null }, none, selection).head;

  it('keeps what is named, in the order of the configuration', () => {
    const some = selected({ models: ['mini-qwen3-vl', 'mini-qwen3-dense'], optimizations: null });
    expect(some.models).toEqual([
      { kind: 'id', id: 'mini-qwen3-dense' },
      { kind: 'id', id: 'mini-qwen3-vl' },
    ]);
    expect(some.optimizations).toEqual(defaultConfig().optimizations);
    const manifest = parseConfig('models: [{manifest: models/qwen3-4b.json}]', 'gate.yml');
    expect(selected({ models: ['qwen3-4b'], optimizations: [] }, manifest).models).toHaveLength(1);
  });

  it('knows the names of either side, and both names of what was renamed', () => {
    const [base, head] = ['old', 'new'].map((id) =>
      parseConfig(`optimizations: [{id: ${id}, like: model, module: m.js}, {id: ${id}-alone, like: model, module: ${id}.js}]`, 'gate.yml'),
    );
    if (base === undefined || head === undefined) throw new Error('no configurations');
    const ids = (name: string) => {
      const sides = selectConfigs({ head, base }, new Map([['new', 'old']]), { models: null, optimizations: [name] });
      return [sides.head, sides.base].map((side) => side?.optimizations.map(({ id }) => id));
    };
    expect(ids('old')).toEqual([['new'], ['old']]);
    expect(ids('new')).toEqual([['new'], ['old']]);
    expect(ids('old-alone')).toEqual([[], ['old-alone']]);
    expect(refusal(() => ids('odl'))).toMatchObject({ code: 'optimization-unknown', message: expect.stringContaining('"old"') });
  });

  it('refuses what is not configured', () => {
    expect(refusal(() => selected({ models: null, optimizations: ['structured-prune'] }))).toMatchObject({
      code: 'optimization-unknown',
      where: 'optimizations',
      message: expect.stringContaining('Did you mean "structured-pruning"'),
    });
  });
});

describe('policy', () => {
  it('spends exactly alpha over the looks, as a document of the plan', () => {
    for (const alpha of [0.05, 0.01]) {
      const policy = gatePolicyOf(parseConfig(`gate: {alpha: ${alpha}}`, 'gate.yml'), []);
      expect(gatePolicy.parse(policy)).toEqual(policy);
      expect(policy.looks.reduce((sum, look) => sum + look.alpha + look.lastAlpha, 0)).toBeCloseTo(alpha, 12);
      expect(policy.looks.map((look) => look.launches)).toEqual([12, 24, 36]);
    }
    expect(gatePolicyOf(defaultConfig(), []).looks.map((look) => [look.alpha, look.lastAlpha])).toEqual([
      [0.01, 0.0005],
      [0.015, 0.001],
      [0.02, 0.0035],
    ]);
  });

  it('says head edits of the rule in sentences, and nothing when only options of an optimization differ', () => {
    const two = 'optimizations: [{id: structured-pruning}, {id: tensor-decomposition}]';
    const base = parseConfig(`gate: {tolerance: {latency: 2%}}\n${two}`, 'base.yml');
    const head = parseConfig(
      'gate: {alpha: 0.2, tolerance: {latency: 50%, nll-delta: 0.1}, fail-on: [regressed]}\nmodels: [mini-qwen3-dense]\noptimizations: [{id: structured-pruning, points: [{id: p, length: 8}]}, {id: new-one}]',
      'head.yml',
    );
    expect(diffPolicy(base, head)).toEqual([
      'gate.alpha was changed from 0.05 to 0.2; 0.05 is in force until the merge.',
      'gate.fail-on was changed from failed, missing, regressed, unmet to regressed; failed, missing, regressed, unmet is in force until the merge.',
      'gate.tolerance.latency was changed from 2% to 50%; 2% is in force until the merge.',
      'gate.tolerance.nll-delta was changed from default to 0.1; default is in force until the merge.',
      "optimization structured-pruning has other `like`, `like-with`, `points` or `metrics` than in base; base's are in force until the merge.",
      'model mini-qwen3-moe was removed: it is expected until the merge, so it is reported as missing unless baselines/accepted.json of base retires it.',
      'model mini-glm4-moe-lite was removed: it is expected until the merge, so it is reported as missing unless baselines/accepted.json of base retires it.',
      'model mini-qwen3-vl was removed: it is expected until the merge, so it is reported as missing unless baselines/accepted.json of base retires it.',
      'optimization tensor-decomposition was removed: it is expected until the merge, so it is reported as missing unless baselines/accepted.json of base retires it.',
      'optimization new-one was added: base has nothing to compare it with yet.',
    ]);
    const options = parseConfig(
      'gate: {tolerance: {latency: 2%}}\noptimizations: [{id: structured-pruning, with: {ratio: 0.9}}, {id: tensor-decomposition}]',
      'head.yml',
    );
    expect(diffPolicy(base, options)).toEqual([]);
    const own = (more: string) => parseConfig(`optimizations: [{id: own, like: model, module: m.js, ${more}}]`, 'gate.yml');
    expect(diffPolicy(own('with: {a: 1}'), own('with: {a: 2}'))).toEqual([]);
    expect(diffPolicy(own('like-with: {a: 1}'), own('like-with: {a: 2}'))).toEqual([expect.stringContaining('own has other')]);
    const isolated = (users: string) => parseConfig(`isolation: ${users}\n${two}`, 'gate.yml');
    expect(diffPolicy(isolated('{ user: a, base-user: b }'), isolated('{ user: c }'))).toEqual([
      'isolation.base-user was changed from b to none; b is in force until the merge.',
      'isolation.user was changed from a to c; a is in force until the merge.',
    ]);
    const other = parseConfig(`gate: {tolerance: {latency: 2%}}\nruntime: {provider: cuda, threads: 3}\n${two}`, 'head.yml');
    expect(diffPolicy(base, other)).toEqual([
      'runtime.provider was changed from cpu to cuda; both sides are measured with cuda, so its own effect is not seen.',
      expect.stringMatching(/^runtime\.threads was changed from \d+ to 3; both sides are measured with 3,/),
    ]);
  });
});

describe('tolerances', () => {
  const { gate } = parseConfig('gate: {tolerance: {latency: 2%, decode-latency: 3%, nll-delta: 0.005, late-nll-delta: 1%}}', 'gate.yml');

  it('take the longest key that means the metric', () => {
    expect(toleranceOf(gate, { id: 'prefill-latency', scale: 'log', cells: ['m/o'] })).toBe(0.02);
    expect(toleranceOf(gate, { id: 'decode-latency', scale: 'log', cells: ['m/o'] })).toBe(0.03);
    expect(toleranceOf(gate, { id: 'nll-delta', scale: 'linear', cells: ['m/o'] })).toBe(0.005);
    expect(toleranceOf(gate, { id: 'translatency', scale: 'log', cells: ['m/o'] })).toBeNull();
  });

  const flawsOf = (metrics: readonly TolerantMetric[]) =>
    toleranceFlaws(gate, metrics).map(({ error: { code, where, message } }) => ({ code, where, message }));
  const fitting = [
    { id: 'decode-latency', scale: 'log', cells: ['m/o'] },
    { id: 'latency', scale: 'log', cells: ['m/o'] },
    { id: 'nll-delta', scale: 'linear', cells: ['m/o'] },
    { id: 'late-nll-delta', scale: 'log', cells: ['m/o'] },
  ] as const;

  const written = (keys: string): Parameters<typeof toleranceOf>[0] => parseConfig(`gate: {tolerance: {${keys}}}`, 'gate.yml').gate;
  const latencyOf = (keys: string, ...cells: readonly string[]) =>
    toleranceOf(written(keys), { id: 'decode-latency', scale: 'log', cells });

  it.each<readonly [string, string, number | null]>([
    ['m/o/decode-latency: 7%, latency: 2%', 'm/o', 0.07],
    ['m/o/decode-latency: 7%, latency: 2%', 'm/other', 0.02],
    ['m/o/latency: 7%, decode-latency: 2%', 'm/o', 0.07],
    ['"*/o/latency": 6%, m/o/latency: 7%', 'm/o', 0.07],
    ['"*/o/latency": 6%, m/o/latency: 7%', 'n/o', 0.06],
    ['"m*/*/*": 6%', 'mini-x/o', 0.06],
    ['"m*/*/*": 6%', 'x-mini/o', null],
    ['"*/latency": 6%', 'engine', 0.06],
    ['"*/latency": 6%', 'm/o', null],
    ['"*/*/latency": 6%', 'engine', null],
    ['q.3/o/latency: 6%', 'qx3/o', null],
  ])('given as %s, for a cell %s', (keys, cell, expected) => {
    expect(latencyOf(keys, cell)).toBe(expected);
  });

  it('hold for a renamed cell by either name', () => {
    expect(latencyOf('m/old/latency: 7%', 'm/new', 'm/old')).toBe(0.07);
  });

  it.each(['m//latency', '/latency', 'a/b/c/latency', '"*a*b*c*d*e"', 'm/o/', 'M/o/latency'])('are not given as %s', (key) => {
    expect(refusal(() => written(`${key}: 7%`))).toMatchObject({ code: 'config-invalid', message: expect.stringContaining('METRIC') });
  });

  it('name no cell that is not there, and say which there are', () => {
    const flaws = toleranceFlaws(written('m/ot/latency: 7%'), [{ id: 'latency', scale: 'log', cells: ['m/o'] }]);
    expect(flaws.map(({ error: { code, message } }) => ({ code, message }))).toEqual([
      { code: 'config-unknown-key', message: expect.stringMatching(/No metric of a cell is called "m\/ot\/latency"\..*m\/o\/latency/) },
    ]);
  });

  it('have no flaw where each means a metric and fits its scale', () => {
    expect(flawsOf(fitting)).toEqual([]);
  });

  it('do not take a number without a sign of percent where a share is meant: 0.5 ms would be 50 %', () => {
    expect(toleranceOf(gate, { id: 'nll-delta', scale: 'log', cells: ['m/o'] })).toBeNull();
    expect(flawsOf([...fitting, { id: 'nll-delta', scale: 'log', cells: ['m/o'] }])).toEqual([
      {
        code: 'config-invalid',
        where: expect.stringMatching(/^gate\.yml:1:\d+$/),
        message: expect.stringMatching(/^gate\.tolerance\.nll-delta: .*expected a percentage such as 2%, got 0.005. Write 0.5% if/),
      },
    ]);
    const none = parseConfig('gate: {tolerance: {latency: 0}}', 'gate.yml').gate;
    expect(toleranceOf(none, { id: 'latency', scale: 'log', cells: ['m/o'] })).toBe(0);
  });

  it('do not take a percentage where zero is possible, nor a key that means nothing', () => {
    expect(toleranceOf(gate, { id: 'late-nll-delta', scale: 'linear', cells: ['m/o'] })).toBeNull();
    expect(flawsOf([...fitting.slice(0, 3), { id: 'late-nll-delta', scale: 'linear', cells: ['m/o'] }])).toMatchObject([
      { code: 'config-invalid' },
    ]);
    expect(flawsOf(fitting.slice(0, 3))).toMatchObject([
      { code: 'config-unknown-key', message: expect.stringContaining('Known: decode-latency, latency, nll-delta, delta') },
    ]);
  });
});
