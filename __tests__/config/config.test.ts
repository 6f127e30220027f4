import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { builtinOptimizations } from '../../src/optimizations/registry.ts';
import { defaultConfig, parseConfig } from '../testkit/config.ts';
import { refusal } from './refusal.ts';

const parse = (text: string) => parseConfig(text, 'gate.yml');

const full = `
models: [mini-qwen3-dense, {manifest: models/qwen3-4b-instruct-2507.json}]
optimizations:
  - id: structured-pruning
    with: { target: ffn, ratio: 0.25 }
  - id: our-pruning
    like: structured-pruning
    command: python optimize/prune.py --model {model} --output {output}
    inputs: [optimize/**]
    points: [{ id: decode-b32, past: 4096, batch: 32 }]
  - id: our-batcher
    like: adaptive-batching
    module: optimize/batcher.js
  - id: vllm-decode
    measure: python bench/decode.py
    metrics: [{ id: decode-latency, unit: ms, better: lower, kind: timing }]
runtime: { provider: cuda }
gate: { alpha: 0.01, tolerance: { latency: 2%, model-size: 0.1%, nll-delta: 0.005 }, must-detect: 5% }
setup: pip install -r requirements.txt
budget: { minutes: 30 }
limits: { seconds: 10m, memory: 512MiB }
`;

describe('parseConfig', () => {
  it('reads every part', () => {
    const config = parse(full);
    expect(config.models).toEqual([
      { kind: 'id', id: 'mini-qwen3-dense' },
      { kind: 'manifest', path: 'models/qwen3-4b-instruct-2507.json' },
    ]);
    expect(config.optimizations.map(({ id, like, door, place }) => [id, like, door.kind, place])).toEqual([
      ['structured-pruning', 'structured-pruning', 'builtin', 'gate.yml:4:5'],
      ['our-pruning', 'structured-pruning', 'command', 'gate.yml:6:5'],
      ['our-batcher', 'adaptive-batching', 'module', 'gate.yml:11:5'],
      ['vllm-decode', null, 'measure', 'gate.yml:14:5'],
    ]);
    expect(config.optimizations[1]?.points).toEqual([{ id: 'decode-b32', phase: 'decode', length: 4096, batch: 32, rounds: null }]);
    expect(config.optimizations[3]?.metrics).toEqual([
      { id: 'decode-latency', unit: 'ms', better: 'lower', kind: 'timing', role: 'gate', scale: 'log' },
    ]);
    expect(config.gate).toEqual({
      alpha: 0.01,
      tolerance: {
        latency: { value: 0.02, relative: true, place: expect.stringMatching(/^gate\.yml:18:\d+$/) },
        'model-size': { value: 0.001, relative: true, place: expect.any(String) },
        'nll-delta': { value: 0.005, relative: false, place: expect.any(String) },
      },
      require: {},
      mustDetect: 0.05,
      quality: 'judged',
      buildTwice: true,
      failOn: ['regressed', 'unmet', 'missing', 'failed'],
    });
    expect(config).toMatchObject({
      runtime: { provider: 'cuda', threads: 1 },
      setup: 'pip install -r requirements.txt',
      budgetMinutes: 30,
      limits: { seconds: 600, memoryBytes: 512 * 2 ** 20 },
    });
  });

  it('fills in the defaults of an empty file and of an empty section', () => {
    for (const text of ['', '# nothing\n', 'gate: {}\nlimits: {}\n']) {
      const config = parse(text);
      expect(config.models.map((model) => model.kind === 'id' && model.id)).toEqual([
        'mini-qwen3-dense',
        'mini-qwen3-moe',
        'mini-glm4-moe-lite',
        'mini-qwen3-vl',
      ]);
      expect(config.optimizations.map(({ id }) => id)).toEqual(builtinOptimizations.map(({ benchmark }) => benchmark.id));
      expect(config.gate).toMatchObject({ alpha: 0.05, mustDetect: 0.1, tolerance: {} });
      expect(config.runtime).toEqual({ provider: 'cpu', threads: 1 });
    }
    expect(defaultConfig().origin).toBe('defaults');
  });

  it.each([
    ['gaet: {}', 'config-unknown-key', 'gate.yml:1:1', 'Unknown key "gaet". Did you mean "gate"?'],
    ['gate:\n  tolerence: {}', 'config-unknown-key', 'gate.yml:2:3', 'gate: Unknown key "tolerence". Did you mean "tolerance"?'],
    [
      'optimizations:\n  - id: a\n    liek: b',
      'config-unknown-key',
      'gate.yml:3:5',
      'optimizations[0]: Unknown key "liek". Did you mean "like"?',
    ],
    ['models:\n  - manifset: x', 'config-unknown-key', 'gate.yml:2:5', 'Did you mean "manifest"?'],
    ['models: []', 'config-invalid', 'gate.yml:1:9', 'models: '],
    ['models: [a, a]', 'config-invalid', 'gate.yml:1:13', '"a" is listed twice'],
    ['models: [../x]', 'config-invalid', 'gate.yml:1:10', 'models[0]'],
    ['models: [{manifest: /etc/passwd}]', 'config-invalid', 'gate.yml:1:21', 'inside the repository'],
    ['models: [{manifest: a/../../b}]', 'config-invalid', 'gate.yml:1:21', 'inside the repository'],
    ['gate: 5', 'config-invalid', 'gate.yml:1:7', 'gate: must be a map'],
    ['- a', 'config-invalid', 'gate.yml:1:1', 'must be a map'],
    ['gate: {alpha: 0}', 'config-invalid', 'gate.yml:1:15', 'gate.alpha'],
    ['gate: {alpha: .nan}', 'config-invalid', 'gate.yml:1:15', 'gate.alpha'],
    ['gate: {must-detect: -5%}', 'config-invalid', 'gate.yml:1:21', 'percentage such as 10%'],
    ['gate: {must-detect: 0%}', 'config-invalid', 'gate.yml:1:21', 'more than 0%'],
    ['gate: {tolerance: {latency: 2 percent}}', 'config-invalid', 'gate.yml:1:29', 'percentage such as 2%'],
    ['gate: {tolerance: {latency: -1}}', 'config-invalid', 'gate.yml:1:29', 'percentage such as 2%'],
    ['limits: {seconds: 5 days}', 'config-invalid', 'gate.yml:1:19', '90s, 10m or 1h'],
    ['limits: {seconds: 200h}', 'config-invalid', 'gate.yml:1:19', 'between 1ms and 168h'],
    ['limits: {memory: 4gb}', 'config-invalid', 'gate.yml:1:18', '512MiB or 4GiB'],
    ['limits: {memory: 1}', 'config-invalid', 'gate.yml:1:18', 'between 1MiB and'],
    ['optimizations: [{id: a, command: x, like: b}]', 'config-invalid', 'gate.yml:1:34', '{output}'],
    [
      'optimizations: [{id: a, command: "x {output}", like: b, with: {k: 1}}]',
      'config-invalid',
      'gate.yml:1:63',
      'no effect beside "command"',
    ],
    ['optimizations: [{id: a, like-with: {k: 1}}]', 'config-invalid', 'gate.yml:1:36', 'belongs to your own code'],
    [
      'optimizations: [{id: a, measure: x, like-with: {k: 1}, metrics: [{id: m, unit: s, better: lower, kind: exact}]}]',
      'config-invalid',
      'gate.yml:1:48',
      'no built-in judges it',
    ],
    ['optimizations: [{id: a, module: m.js, like-with: {k: 1}}]', 'config-invalid', 'gate.yml:1:33', 'needs `like: ID`'],
    ['optimizations: [{id: a, command: "x {output}"}]', 'config-invalid', 'gate.yml:1:34', 'needs `like: ID`'],
    ['optimizations: [{id: a, like: b, module: m.js, serve: s}]', 'config-invalid', 'gate.yml:1:55', 'cannot stand beside "module"'],
    ['optimizations: [{id: a, measure: m}]', 'config-invalid', 'gate.yml:1:34', 'needs `metrics`'],
    ['optimizations: [{id: a, inputs: [x]}]', 'config-invalid', 'gate.yml:1:33', 'a built-in has none'],
    ['optimizations: [{id: a, points: [{id: p, batch: 2}]}]', 'config-invalid', 'gate.yml:1:34', 'is needed by a prefill point'],
    ['optimizations: [{id: a}, {id: a}]', 'config-invalid', 'gate.yml:1:26', '"a" is listed twice'],
    ['optimizations: [{id: a, points: [{id: p, past: 1}, {id: p, past: 2}]}]', 'config-invalid', 'gate.yml:1:52', '"p" is listed twice'],
    [
      'optimizations: [{id: a, measure: m, metrics: [{id: m, unit: s, better: lower, kind: exact}, {id: m, unit: s, better: higher, kind: exact}]}]',
      'config-invalid',
      'gate.yml:1:93',
      '"m" is listed twice',
    ],
    ['setup: ""', 'config-invalid', 'gate.yml:1:8', 'must not be empty'],
  ])('refuses %j at its place', (text, code, where, part) => {
    expect(refusal(() => parse(text))).toMatchObject({ code, where, message: expect.stringContaining(part) });
  });

  it('names every problem of a file, each with its place', () => {
    const { message, where } = refusal(() => parse('gate: {alpha: 2}\nruntme: {}\nlimits:\n  memory: lots\n'));
    expect(where).toBe('gate.yml:2:1');
    expect(message).toContain('Unknown key "runtme". Did you mean "runtime"?');
    expect(message).toContain('gate.yml:1:15: gate.alpha: ');
    expect(message).toContain('gate.yml:4:11: limits.memory: must be a size');
  });

  it.each([
    ['a: 1\na: 2', 'gate.yml:2:1'],
    ['? [x]\n: 1', 'gate.yml:1:3'],
    ['a: *nobody', 'gate.yml:1:4'],
    ['gate: !!js/function "x"', 'gate.yml:1:7'],
    ['a: {b: 1', 'gate.yml:1:9'],
    ['__proto__: {gate: 1}', 'gate.yml:1:1'],
    ['a: 1\n---\nb: 2', 'gate.yml:2:1'],
  ])('refuses the text %j', (text, where) => {
    expect(refusal(() => parse(text))).toMatchObject({ code: 'config-syntax', where });
  });

  it('refuses a text that would blow up, nest endlessly or fill the memory', () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x]',
      ...'bcdefghijk'.split('').map((name, index) => `${name}: &${name} [${Array(8).fill(`*${'abcdefghij'[index]}`).join(', ')}]`),
    ].join('\n');
    expect(refusal(() => parse(bomb)).code).toBe('config-syntax');
    expect(refusal(() => parse(`a: ${'['.repeat(50)}${']'.repeat(50)}`)).code).toBe('config-syntax');
    expect(refusal(() => parse(`a: ${'['.repeat(60_000)}`)).code).toBe('config-syntax');
    expect(refusal(() => parse(`# ${'x'.repeat(300_000)}`)).code).toBe('config-too-large');
    const merely = parse('models: &m [mini-qwen3-dense]\n');
    expect(merely.models).toHaveLength(1);
  });

  it('answers any text with a configuration or a coded error', () => {
    const word = fc.constantFrom(
      'models',
      'gate',
      'optimizations',
      'id',
      ':',
      ' ',
      '\n',
      '  ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '&a',
      '*a',
      '2%',
      '"',
      '#',
      '!',
      '|',
      'x',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word).map((words) => words.join('')),
        ),
        (text) => {
          try {
            expect(parse(text).models.length).toBeGreaterThan(0);
          } catch (error) {
            expect(error).toBeInstanceOf(GateError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
