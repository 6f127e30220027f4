import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/config/resolve.ts';
import { settleCell } from '../../src/gate/settled-cell.ts';
import { type ArmParts, armDigest, armParts, entryKeys } from '../../src/planning/arm-digest.ts';
import { benchmarkOf, configurable } from '../../src/planning/plan.ts';
import { planCells, type Side } from '../../src/planning/plan-cells.ts';
import { subjectResolver } from '../../src/planning/subjects.ts';
import type { PlannedCell } from '../../src/records/plan.ts';
import type { BuiltLine } from '../../src/records/sample.ts';
import type { ModelFacts } from '../../src/records/serving.ts';
import { openRepository, type Repository } from '../../src/repository/repository.ts';
import type { CommandContext } from '../../src/run/context.ts';
import { digest, planOf } from '../gate/fixtures.ts';
import { environment, removeRoot, root, ScratchRepository } from '../repository/scratch-repository.ts';
import { defaultConfig, parseConfig } from '../testkit/config.ts';

const packageRoot = resolve(import.meta.dirname, '..', '..');
afterAll(removeRoot);

const facts = {
  id: 'mini',
  digest: digest('f'),
  family: 'qwen3',
  layers: 4,
  hidden: 64,
  heads: 4,
  kvHeads: 2,
  experts: 0,
  vision: false,
} as ModelFacts;
const programs = { 'a.mjs': '', 'b.mjs': '', 'a.py': '', 'b.py': '', 'inputs/x': '', 'more/x': '', 'below/a.py': '' };
const metric = (id: string): string => `{ id: ${id}, unit: ms, better: lower, kind: timing }`;

const entries = {
  measure: ['id: own', 'measure: python3 a.py 1', 'inputs: [inputs/**]', `metrics: [${metric('x')}]`],
  serve: ['id: own', 'like: adaptive-batching', 'serve: python3 a.py', 'inputs: [inputs/**]', 'with: { step: 1 }'],
  module: ['id: own', 'like: adaptive-batching', 'module: a.mjs', 'inputs: [inputs/**]', 'with: { step: 1 }'],
  command: ['id: own', 'like: structured-pruning', 'command: python3 a.py {output}', 'inputs: [inputs/**]'],
  builtin: ['id: own', 'like: adaptive-batching'],
} as const;

type Files = Readonly<Record<string, string>>;
interface Written {
  readonly entry: readonly string[];
  readonly rest?: readonly string[];
  readonly files?: Files;
  /** Working directory below the root. */
  readonly folder?: string;
}

const document = ({ entry, rest = [] }: Written): string =>
  ['models: [mini]', 'optimizations:', ...entry.map((line, at) => `${at === 0 ? '  - ' : '    '}${line}`), ...rest, ''].join('\n');

let scratch: ScratchRepository;
let repository: Repository;
/** Files of head → its commit; of base there are none. */
const commits = new Map<string, string>();
beforeAll(async () => {
  scratch = ScratchRepository.create();
  commits.set('{}', scratch.commit(programs));
  const opened = await openRepository(scratch.folder, { environment, temporary: root });
  repository = { ...opened, paths: once(opened.paths), inputsDigest: once(opened.inputsDigest), textsAt: once(opened.textsAt) };
});

/** Git is asked once for each thing. */
const once = <Asked extends readonly unknown[], Answer>(
  ask: (...asked: Asked) => Promise<Answer>,
): ((...asked: Asked) => Promise<Answer>) => {
  const known = new Map<string, Promise<Answer>>();
  return (...asked) => {
    const key = JSON.stringify(asked);
    const answer = known.get(key) ?? ask(...asked);
    known.set(key, answer);
    return answer;
  };
};

/** The commit in which some files differ from base's. */
const commitOf = (files: Files = {}): string => {
  const key = JSON.stringify(files);
  const known = commits.get(key);
  if (known !== undefined) return known;
  scratch.git('checkout', '--quiet', '--detach', commits.get('{}') ?? '');
  const commit = scratch.commit(files);
  commits.set(key, commit);
  return commit;
};

const sideOf = async (tree: 'head' | 'base', written: Written): Promise<Side> => {
  const catalogue = { optimizations: configurable, models: ['mini'] };
  const config = resolveConfig(parseConfig(document(written), 'test'), catalogue);
  const context = {
    root: join(scratch.folder, written.folder ?? ''),
    worker: join(packageRoot, 'dist', 'worker.js'),
  } as unknown as CommandContext;
  return {
    tree,
    config,
    environment: {},
    ...(await subjectResolver(tree, config, context, repository, commitOf(written.files), written.folder ?? '')),
  };
};

/** How the cell of two configurations is settled, where every build gives the same artefact. */
const settled = async (base: Written, head: Written): Promise<{ status: string; keys: readonly string[]; cell: PlannedCell }> => {
  const sides = { base: await sideOf('base', base), head: await sideOf('head', head) };
  const { cells, builds } = planCells({ models: [facts], ...sides, renamed: new Map(), gate: defaultConfig().gate, benchmarkOf, seed: 1 });
  const [cell] = cells;
  if (cell === undefined) throw new Error('no cell');
  const line = (key: string): BuiltLine => ({
    line: 'built',
    key,
    status: 'built',
    artefact: digest('1'),
    bytes: 1,
    seconds: 1,
    repeatSeconds: null,
    facts: {},
    error: null,
  });
  const built = new Map(builds.map(({ key }) => [key, line(key)]));
  return { status: settleCell(planOf(cells, { builds }), cell, built).status, keys: builds.map(({ key }) => key), cell };
};

const replaced = (entry: readonly string[], from: string, to: string): Written => {
  const changed = entry.map((line) => line.replace(from, to));
  if (changed.join() === entry.join()) throw new Error(`no ${from}`);
  return { entry: changed };
};

/** For each key what it is changed from and to. */
const edits: Readonly<Record<Exclude<keyof typeof entryKeys, 'id' | 'command'>, readonly (readonly [Written, Written])[]>> = {
  measure: [
    [{ entry: entries.measure }, replaced(entries.measure, 'a.py 1', 'a.py 3')],
    [{ entry: entries.measure }, replaced(entries.measure, 'a.py 1', 'nope.py 1')],
  ],
  serve: [
    [{ entry: entries.serve }, replaced(entries.serve, 'a.py', 'b.py')],
    [{ entry: entries.serve }, { entry: entries.module }],
  ],
  module: [[{ entry: entries.module }, replaced(entries.module, 'a.mjs', 'b.mjs')]],
  like: [[{ entry: entries.builtin }, replaced(entries.builtin, 'adaptive-batching', 'feedback-control')]],
  with: [
    [{ entry: entries.module }, replaced(entries.module, 'step: 1', 'step: 2')],
    [{ entry: entries.serve }, replaced(entries.serve, 'step: 1', 'step: 2')],
    [{ entry: entries.builtin }, { entry: [...entries.builtin, 'with: { maximum: 8 }'] }],
  ],
  inputs: [
    [{ entry: entries.measure }, replaced(entries.measure, '[inputs/**]', '[inputs/**, more/**]')],
    [{ entry: entries.module }, replaced(entries.module, '[inputs/**]', '[more/**]')],
  ],
  metrics: [[{ entry: entries.measure }, replaced(entries.measure, `[${metric('x')}]`, `[${metric('x')}, ${metric('y')}]`)]],
  setup: [
    [{ entry: entries.measure }, { entry: entries.measure, rest: ['setup: pip install numpy'] }],
    [
      { entry: entries.module, rest: ['setup: npm ci'] },
      { entry: entries.module, rest: ['setup: npm install'] },
    ],
  ],
  environment: [[{ entry: entries.measure }, { entry: entries.measure, rest: ['environment: [X]'] }]],
  points: [[{ entry: entries.command }, { entry: [...entries.command, 'points: [{ id: p, length: 8 }]'] }]],
  'like-with': [[{ entry: entries.serve }, { entry: [...entries.serve, 'like-with: { maximum: 8 }'] }]],
};

describe('every key of an entry', () => {
  it.each(Object.entries(edits))('%s decides as the table says', async (key, pairs) => {
    const owner = entryKeys[key as keyof typeof edits];
    for (const [base, head] of pairs) {
      expect((await settled(base, base)).status).toBe('unchanged');
      expect([head.entry, (await settled(base, head)).status]).toEqual([head.entry, 'part' in owner ? 'changed' : 'unchanged']);
    }
  });

  it('of a command is part of what its builds are known by; their artefact decides', async () => {
    const base = { entry: entries.command };
    for (const head of [
      replaced(entries.command, 'a.py', 'b.py'),
      replaced(entries.command, 'a.py {output}', 'a.py {output} --ratio 0.5'),
      replaced(entries.command, '[inputs/**]', '[more/**]'),
      { entry: entries.command, rest: ['setup: pip install numpy'] },
      { entry: entries.command, files: { 'a.py': 'changed' } },
    ]) {
      const { status, keys, cell } = await settled(base, head);
      expect({ head, status, keys: new Set(keys).size, codes: new Set(cell.arms.map(({ code }) => code)).size }).toEqual({
        head,
        status: 'unchanged',
        keys: keys.length,
        codes: 2,
      });
    }
    const same = await settled(base, base);
    expect(new Set(same.keys).size).toBe(same.keys.length / 2);
  });
});

describe('the files of an arm', () => {
  it.each([
    ['a program that the command line names', { entry: entries.measure }, { 'a.py': 'changed' }, 'changed'],
    ['a module', { entry: entries.module }, { 'a.mjs': 'changed' }, 'changed'],
    [
      'a file that an option names',
      { entry: [...entries.module.slice(0, -1), 'with: { steps: [{ table: more/x }] }'] },
      { 'more/x': 'changed' },
      'changed',
    ],
    ['a file of inputs', { entry: entries.serve }, { 'inputs/x': 'changed' }, 'changed'],
    ['a list that setup installs from', { entry: entries.serve, rest: ['setup: npm ci'] }, { 'package-lock.json': '{}' }, 'changed'],
    ['a file that nothing names', { entry: entries.measure }, { 'more/x': 'changed', 'b.py': 'changed' }, 'unchanged'],
    ['a file of that name elsewhere', { entry: entries.measure }, { 'below/a.py': 'changed' }, 'unchanged'],
    ['a file, where a built-in is run', { entry: entries.builtin }, { 'a.py': 'changed', 'inputs/x': 'changed' }, 'unchanged'],
  ] satisfies readonly (readonly [string, Written, Files, string])[])('%s', async (_what, written, files, status) => {
    expect((await settled(written, { ...written, files })).status).toBe(status);
  });

  it('are looked for from the working directory', async () => {
    const below = { entry: entries.measure, folder: 'below' };
    expect((await settled(below, { ...below, files: { 'below/a.py': 'changed' } })).status).toBe('changed');
    expect((await settled(below, { ...below, files: { 'a.py': 'changed' } })).status).toBe('unchanged');
    expect((await settled({ entry: entries.measure }, below)).status).toBe('changed');
  });
});

describe('armDigest', () => {
  const parts: ArmParts = {
    door: { kind: 'serve', command: 'x' },
    folder: '',
    files: digest('1'),
    setup: null,
    options: { a: 1 },
    environment: { X: null },
  };
  const others: { readonly [Part in keyof ArmParts]: readonly ArmParts[Part][] } = {
    door: [
      { kind: 'serve', command: 'x ' },
      { kind: 'command', command: 'x' },
      { kind: 'measure', command: 'x', reports: [] },
      { kind: 'measure', command: 'x', reports: ['y'] },
      { kind: 'module', module: 'x' },
      { kind: 'builtin', optimization: 'x', entry: null },
      { kind: 'builtin', optimization: 'x', entry: 'dist/worker.js' },
    ],
    folder: ['x'],
    files: [digest('2')],
    setup: ['', 'x'],
    options: [null, {}, { a: 2 }, { a: '1' }, { b: 1 }],
    environment: [{}, { X: digest('2') }, { Y: null }, { X: null, Y: null }],
  };

  it('differs with every part of the list, and is the same for the same', () => {
    expect(Object.keys(others).sort()).toEqual(Object.keys(armParts).sort());
    const variants = Object.entries(others).flatMap(([part, values]) => values.map((value) => ({ ...parts, [part]: value }) as ArmParts));
    const digests = [parts, ...variants].map(armDigest);
    expect(new Set(digests).size).toBe(digests.length);
    const { options, environment: variables, setup, files, folder, door } = parts;
    expect(armDigest({ options, environment: variables, setup, files, folder, door })).toBe(armDigest(parts));
  });
});
