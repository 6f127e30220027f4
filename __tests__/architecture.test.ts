import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type SourceFile, sourceFile, sourceFiles } from './architecture/source-file.ts';
import { rules } from './architecture/walls.ts';

const files = sourceFiles(join(import.meta.dirname, '..'));

describe('the walls hold', () => {
  it('looks at the real files', () => {
    expect(files.map(({ path }) => path)).toContain('src/config/schema.ts');
    expect(files.find(({ path }) => path === 'src/config/config.ts')?.imports.map(({ target }) => target)).toContain(
      'src/config/schema.ts',
    );
  });

  it.each(Object.keys(rules) as (keyof typeof rules)[])('%s', (name) => {
    expect(rules[name](files)).toEqual([]);
  });
});

const virtual = (contents: Readonly<Record<string, string>>): readonly SourceFile[] =>
  Object.entries(contents).map(([path, text]) => sourceFile(path, text));
const empty = 'export {};';

/** One file set per broken rule, each beside its lawful neighbour. */
const broken: readonly (readonly [keyof typeof rules, string, Readonly<Record<string, string>>])[] = [
  ['folders', 'gate may not import onnx', { 'src/gate/a.ts': "import type { X } from '../onnx/read.ts';", 'src/onnx/read.ts': empty }],
  ['folders', 'commands may not import runtime', { 'src/commands/a.ts': "export const f = () => import('../runtime/session.ts');" }],
  ['folders', 'records may not import config', { 'src/records/a.ts': "export * from '../config/schema.ts';" }],
  ['folders', 'local may not import github', { 'src/host/local/a.ts': "import { x } from '../github/b.ts'; export const y = x;" }],
  ['folders', 'report may not import gate', { 'src/report/a.ts': "export type Q = import('../gate/b.ts').Q;" }],
  ['folders', 'nobody imports an entry', { 'src/worker/a.ts': "import { x } from '../worker.ts'; export const y = x;" }],
  ['folders', 'nobody imports an entry', { 'src/config/a.ts': "import { x } from '../../scripts/docs.ts'; export const y = x;" }],
  ['folders', 'has no rule', { 'src/novelty/a.ts': empty }],
  ['packages', 'onnxruntime-node', { 'src/worker/a.ts': "export const f = () => import('onnxruntime-node');" }],
  [
    'packages',
    'onnxruntime-node',
    { 'src/worker/a.ts': "export const f = (require: (name: string) => unknown) => require('onnxruntime-node');" },
  ],
  [
    'packages',
    'only import() may',
    { 'src/runtime/a.ts': "import { InferenceSession } from 'onnxruntime-node'; export const x = InferenceSession;" },
  ],
  ['packages', 'child_process', { 'src/repository/a.ts': "import { spawn } from 'node:child_process'; export const x = spawn;" }],
  ['packages', 'child_process', { 'src/repository/a.ts': "import { spawn } from 'child_process'; export const x = spawn;" }],
  ['packages', 'simple-statistics', { 'src/gate/a.ts': "import { mean } from 'simple-statistics'; export const x = mean;" }],
  ['packages', 'ml-matrix', { 'src/statistics/a.ts': "import { Matrix } from 'ml-matrix'; export const x = Matrix.eye(1);" }],
  ['packages', 'string-width', { 'src/config/a.ts': "import width from 'string-width'; export const x = width('a');" }],
  ['packages', '@actions/core', { 'src/host/local/a.ts': "export const f = () => import('@actions/core');" }],
  ['packages', '@observablehq/plot', { 'src/report/a.ts': "import { plot } from '@observablehq/plot'; export const x = plot;" }],
  ['syntax', 'any', { 'src/gate/a.ts': 'export const x: any = 1;' }],
  ['syntax', 'non-null assertion', { 'src/gate/a.ts': 'export const f = (x: { y: number }[]) => x[0]!.y;' }],
  ['syntax', 'enum', { 'src/gate/a.ts': 'export enum Kind { A }' }],
  ['syntax', 'default export', { 'src/gate/a.ts': 'export default 1;' }],
  ['syntax', 'default export', { 'src/gate/a.ts': 'const x = 1; export { x as default };' }],
  ['syntax', 'Math.random', { 'src/worker/a.ts': 'export const f = () => globalThis.Math.random();' }],
  ['syntax', 'Math.random', { 'src/worker/a.ts': 'const { random } = Math; export const f = random;' }],
  ['syntax', 'clock: Date.now', { 'src/gate/a.ts': 'export const f = (clock = Date.now) => clock();' }],
  ['syntax', 'clock: performance', { 'src/report/a.ts': "export const f = () => performance['now']();" }],
  ['syntax', 'clock: new Date()', { 'src/baselines/a.ts': 'export const f = () => new Date().toISOString();' }],
  ['syntax', 'clock: process.hrtime', { 'src/store/a.ts': 'export const f = () => process.hrtime.bigint();' }],
  ['sizes', 'more than 400', { 'src/gate/a.ts': `${'// line\n'.repeat(400)}${empty}` }],
  [
    'sizes',
    'the median file',
    { 'src/gate/a.ts': `${'// line\n'.repeat(150)}${empty}`, 'src/gate/b.ts': `${'// line\n'.repeat(150)}${empty}` },
  ],
  [
    'sizes',
    'src/commands has 1404 lines',
    Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`src/commands/${name}.ts`, `${'// line\n'.repeat(350)}${empty}`])),
  ],
  [
    'types',
    'the type Clock is exported by src/gate/a.ts and src/worker/b.ts',
    { 'src/gate/a.ts': 'export type Clock = number;', 'src/worker/b.ts': 'export interface Clock { wall(): number }' },
  ],
  ['names', 'not kebab-case', { 'src/gate/someFile.ts': empty }],
  ['names', 'says nothing', { 'src/gate/string-utils.ts': empty }],
  ['names', 'says nothing', { 'src/helpers/text.ts': empty }],
  ['names', 'index.ts', { 'src/gate/index.ts': empty }],
  ['names', 'unfinished work', { 'src/gate/a.ts': '// TODO: later\nexport {};' }],
  ['endings', 'no such file', { 'src/gate/a.ts': "import { x } from './b.js'; export const y = x;", 'src/gate/b.ts': empty }],
  [
    'cycles',
    'src/gate/a.ts → src/gate/b.ts → src/gate/a.ts',
    {
      'src/gate/a.ts': "import { x } from './b.ts'; export const y = x;",
      'src/gate/b.ts': "import type { Y } from './a.ts'; export type X = Y;",
    },
  ],
  [
    'withoutRuntime',
    'src/commands/a.ts → src/optimizations/b.ts → src/runtime/c.ts',
    {
      'src/commands/a.ts': "import { x } from '../optimizations/b.ts'; export const y = x;",
      'src/optimizations/b.ts': "export { x } from '../runtime/c.ts';",
      'src/runtime/c.ts': empty,
    },
  ],
  [
    'lazySubjects',
    'only import() may',
    { 'src/optimizations/registry.ts': "import { subject } from './pruning/subject.ts'; export const s = subject;" },
  ],
];

describe('a breach is seen', () => {
  it.each(broken)('%s: %s', (name, part, contents) => {
    const found = rules[name](virtual(contents));
    expect(found.join('\n')).toContain(part);
  });

  it('every rule has such a breach', () => {
    expect(new Set(broken.map(([name]) => name))).toEqual(new Set(Object.keys(rules)));
  });
});

describe('what is lawful is let through', () => {
  const lawful = virtual({
    'src/errors.ts': empty,
    'src/cli.ts':
      "import { run } from './commands/run.ts'; import { session } from './host/local/host.ts'; export const now = Date.now; export const x = [run, session];",
    'src/commands/run.ts':
      "import type { S } from '../optimizations/registry.ts'; import { x } from '../optimizations/registry.ts'; export const run = x as S;",
    'src/optimizations/registry.ts':
      "import { GateError } from '../errors.ts'; export const x = () => import('./pruning/subject.ts'); export type S = GateError;",
    'src/optimizations/pruning/subject.ts': "import { open } from '../../runtime/session.ts'; export const subject = open;",
    'src/runtime/session.ts':
      "import type { InferenceSession } from 'onnxruntime-node'; export const open = () => import('onnxruntime-node'); export type I = InferenceSession;",
    'src/worker/rounds.ts': 'export const f = () => performance.now() + Date.now() + new Date(0).getTime();',
    'src/host/local/host.ts': "import type { Host } from '../contract.ts'; export const session = (host: Host) => host;",
    'src/host/contract.ts': 'export type Host = { company: number };',
  });

  it.each(Object.keys(rules) as (keyof typeof rules)[])('%s', (name) => {
    expect(rules[name](lawful)).toEqual([]);
  });
});
