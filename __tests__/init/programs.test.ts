import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { javascriptProgram } from '../../src/init/javascript-programs.ts';
import type { FoundProgram } from '../../src/init/program.ts';
import { pythonProgram } from '../../src/init/python-programs.ts';
import { pruneProgram, roundModule, roundProgram } from './program-texts.ts';

const packageRoot = join(import.meta.dirname, '..', '..');

const example = (path: string): FoundProgram | null => {
  const text = readFileSync(join(packageRoot, 'examples', path), 'utf8');
  return path.endsWith('.py') ? pythonProgram(path, text) : javascriptProgram(path, text);
};

describe('the examples', () => {
  it.each([
    ['python/prune.py', 'command', 'model', null],
    ['python/decode.py', 'measure', null, null],
    ['python/batcher.py', 'serve', 'adaptive-batching', null],
    ['python/controller.py', 'serve', 'feedback-control', null],
    ['python/search.py', 'serve', 'automl', null],
    ['python/pool.py', 'serve', 'architecture-search', null],
    ['javascript/search.mjs', 'module', 'automl', null],
    ['javascript/prune.ts', 'module', 'model', 'Bundle it into one JavaScript file, and name that file.'],
  ])('%s is a %s like %s', (path, key, like, open) => {
    expect(example(path)).toMatchObject({ key, like, open });
  });
});

describe('a program of Python', () => {
  const openOf = (text: string, path = 'optimize/prune.py'): string | null | undefined => pythonProgram(path, text)?.open;

  it('is a command where every other option has a default', () => {
    expect(openOf(pruneProgram('parser.add_argument("--ratio", type=float, default=0.25)'))).toBeNull();
    expect(openOf(pruneProgram('parser.add_argument("--fast", action="store_true")'))).toBeNull();
  });

  it.each([
    ['an option that is required', 'parser.add_argument("--ratio", required=True)'],
    ['a word without a name', 'parser.add_argument("data")'],
  ])('needs work with %s', (_name, line) => {
    expect(openOf(pruneProgram(line))).toBe('Write the other options that it needs into the command.');
  });

  it.each([
    ['"--input-model"', '"--output-model"', '--input-model {model} --output-model {output}'],
    ['"-m", "--model"', '"-o", "--output"', '--model {model} --output {output}'],
    ['"model"', '"output"', '{model} {output}'],
    ['"--input"', '"--output"', '--input {model} --output {output}'],
  ])('is called by its own names: %s and %s', (model, output, words) => {
    const text = pruneProgram().replace('"--model"', model).replace('"--output"', output);
    const found = (text: string) => pythonProgram('a.py', text.replaceAll(', required=True', model.includes('-') ? ', required=True' : ''));
    expect(found(text)).toMatchObject({ key: 'command', words, open: null });
    const reads = found(text.replace('onnx.load(options.model)', 'make(options.model)'));
    expect(reads?.open).toBe(model === '"--input"' ? 'Make sure that it reads the ONNX file that {model} stands for.' : null);
  });

  it('needs work where it imports from its own package', () => {
    expect(openOf(`from .layers import cut\n${pruneProgram()}`)).toContain('`-m`');
  });

  it('is nothing where it neither reads ONNX nor measures', () => {
    expect(pythonProgram('optimize/prune.py', pruneProgram().replaceAll('onnx', 'numpy'))).toBeNull();
    expect(pythonProgram('tools/filter.py', 'import json, sys\nfor line in sys.stdin: print(json.dumps({"a": 1}))\n')).toBeNull();
  });

  it('names metrics by what they are called', () => {
    const printed = '{"decode-latency": ms, "tokens-per-second": rate, "cache-bytes": size, "tokens": count}';
    expect(pythonProgram('a.py', roundProgram(printed))?.metrics).toEqual([
      { id: 'decode-latency', unit: 'ms', better: 'lower', kind: 'timing', role: 'gate' },
      { id: 'tokens-per-second', unit: 'per second', better: 'higher', kind: 'timing', role: 'gate' },
      { id: 'cache-bytes', unit: 'bytes', better: 'lower', kind: 'exact', role: 'gate' },
      { id: 'tokens', unit: 'count', better: 'higher', kind: 'exact', role: 'described' },
    ]);
  });

  it.each([
    ['more than one object', `${roundProgram()}print(json.dumps({"latency": 1}))\n`],
    ['other names too', roundProgram('{"latency": 1, **more}')],
    ['a name that no metric has', roundProgram('{"Decode Latency": 1}')],
    ['no time', roundProgram('{"tokens": 1}')],
  ])('needs work where it prints %s', (_name, text) => {
    expect(pythonProgram('a.py', text)?.open).toBe('Name its metrics as it prints them.');
  });

  it.each(['bench/decode.py', 'benchmarks/a/b.py', 'decode_bench.py', 'bench.py', 'src/benchmark_all.py'])(
    'is a benchmark to complete, by its name: %s',
    (path) => {
      expect(pythonProgram(path, 'print(1)')).toMatchObject({ key: 'measure', open: expect.stringContaining('round N') });
    },
  );

  it.each(['workbench.py', 'benchmarked/x.py', 'optimize/x.py'])('is nothing: %s', (path) => {
    expect(pythonProgram(path, 'print(1)')).toBeNull();
  });
});

describe('a file of JavaScript', () => {
  it('is a module where it speaks the contract', () => {
    expect(javascriptProgram('optimize/round.mjs', roundModule)).toMatchObject({
      key: 'module',
      like: 'model',
      installed: false,
      open: null,
    });
    expect(javascriptProgram('scripts/build.mjs', 'export const build = async () => compile();\n')).toBeNull();
  });

  it('loads packages that are to be installed', () => {
    expect(javascriptProgram('a.mjs', `import { round } from 'our-mantissa';\n${roundModule}`)?.installed).toBe(true);
  });

  it('is a policy like the one built-in that has its words', () => {
    const policy = (words: string): string =>
      `export const start = async ({ setting }) => ({ next: async (${words}) => ({ batch: 1 }) });\n`;
    expect(javascriptProgram('a.mjs', policy('{ waiting }'))).toMatchObject({ like: 'adaptive-batching', open: null });
    expect(javascriptProgram('a.mjs', policy('{ other }'))).toMatchObject({ open: 'Name the built-in that it decides like.' });
  });

  it('is a command where its other options have defaults', () => {
    const program = (bits: string): string =>
      `import { parseArgs } from 'node:util';\nparseArgs({ options: { model: { type: 'string' }, output: { type: 'string' }, bits: { type: 'string'${bits} } } });\n`;
    expect(javascriptProgram('a.mjs', program(", default: '7'"))).toMatchObject({ key: 'command', open: null });
    expect(javascriptProgram('a.mjs', program(''))?.open).toBe('Write the other options that it needs into the command.');
  });

  it('is a measurement with the names that it prints', () => {
    const program = (printed: string): string =>
      `process.stdin.on('data', () => { const latency = performance.now(); console.log(JSON.stringify(${printed})); });\n`;
    expect(javascriptProgram('a.mjs', program("{ 'decode-latency': latency, tokens: count(a, b, c), latency }"))?.metrics).toMatchObject([
      { id: 'decode-latency', unit: 'ms' },
      { id: 'tokens', role: 'described' },
      { id: 'latency', unit: 'ms' },
    ]);
    expect(javascriptProgram('a.mjs', program('{ decodeLatency: latency }'))?.open).toBe('Name its metrics as it prints them.');
  });
});

describe('a text that is made to take long', () => {
  const bytes = 256 * 1024;
  it.each(['\n', ' ', 'a', 'export {', 'import ', 'add_argument(', 'json.dumps({', 'from\t', '{type:', 'a:', "'a': {", '((', 'stages '])(
    'is read at once: %j',
    (part) => {
      const text = part.repeat(bytes / part.length);
      const started = performance.now();
      for (const around of [text, `import sys, json, time\nsys.stdin json perf_counter parseArgs(${text}`]) {
        pythonProgram('optimize/a.py', around);
        javascriptProgram('optimize/a.mjs', around);
      }
      expect(performance.now() - started).toBeLessThan(2000);
    },
  );
});
