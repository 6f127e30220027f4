import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Config, parseConfig } from '../../src/config/config.ts';
import { checkedConfiguration } from '../../src/init/checked-configuration.ts';
import { openModelSource } from '../../src/models/model-source.ts';
import { buildReference } from '../../src/models/reference.ts';
import { modelIds } from '../../src/planning/model-folder.ts';
import { expectGolden } from '../report/golden.ts';
import { testFolder } from '../testkit/folder.ts';
import { pruneProgram, roundModule, roundProgram } from './program-texts.ts';
import { filesOf, packageRoot, proposalOf, scratch, textAt } from './scene.ts';

const python = {
  'requirements.txt': 'onnx\n',
  'optimize/prune.py': pruneProgram(),
  'bench/decode.py': roundProgram(),
  'bench/bench_all.py': 'print(1)\n',
  'tests/test_prune.py': pruneProgram(),
};
const node = {
  'package.json': '{"name":"n","scripts":{"bench":"node all.js","perf":"node optimize/round.mjs"},"dependencies":{"left":"1.0.0"}}',
  'pnpm-lock.yaml': '',
  'optimize/round.mjs': `import { left } from 'left';\n${roundModule}`,
  'optimize/typed.ts': roundModule,
};
const monorepo = {
  'package.json': '{"name":"root","private":true,"workspaces":["packages/*"]}',
  'package-lock.json': '{}',
  'packages/chat/pyproject.toml': '[project]\nname = "chat"\n',
  'packages/chat/optimize/prune.py': pruneProgram(),
  'packages/search/package.json': '{"name":"search"}',
  'packages/search/optimize/round.mjs': roundModule,
  'tools/bench/all.py': 'print(1)\n',
};

/** The ONNX files of a miniature, built once. */
const graphs = (): string => {
  const folder = testFolder();
  buildReference(openModelSource(join(packageRoot, 'models', 'mini-qwen3-dense')), folder);
  return folder;
};

const golden = async (name: string, files: Awaited<ReturnType<typeof filesOf>>): Promise<void> =>
  expectGolden(`${name}.txt`, files.map(({ path, why, text }) => `--- ${path}: ${why}\n${text}`).join('\n'), 'init');

describe('what is proposed', () => {
  it('for Python', async () => golden('python', await filesOf(scratch(python))));
  it('for Node', async () => golden('node', await filesOf(scratch(node))));
  it('for a monorepo', async () => golden('monorepo', await filesOf(scratch(monorepo))));
  it('for an empty repository', async () => golden('empty', await filesOf(scratch({}))));

  it('for ONNX files', async () => {
    const scene = scratch({ 'exports/broken.onnx': 'no graph', 'exports/late.onnx': 'version https://git-lfs.github.com/spec/v1\n' });
    const built = graphs();
    cpSync(built, join(scene.folder, 'exports'), { recursive: true });
    renameSync(join(scene.folder, 'exports', 'model.onnx'), join(scene.folder, 'exports', 'decoder.onnx'));
    await golden('onnx', await filesOf(scene));
  });

  it('for a machine with a GPU, a subfolder, and a workflow that runs the gate already', async () => {
    const workflow =
      'jobs:\n  a:\n    steps:\n      - uses: o/optimization-gate@c\n        with: { mode: update, working-directory: engine }\n';
    const scene = scratch({
      'engine/bench/decode.py': `import torch\n${roundProgram()}`,
      'other/optimize/prune.py': pruneProgram(),
      '.github/workflows/own.yml': workflow,
    });
    await golden('gpu', await filesOf(scene, { gpu: 'NVIDIA H200', branch: null }, 'engine'));
  });
});

describe('a graph', () => {
  it('whose weights git ignores is no build of both sides', async () => {
    const scene = scratch({ '.gitignore': '*.data\n' });
    cpSync(graphs(), scene.folder, { recursive: true });
    const [project] = (await proposalOf(scene)).projects;
    expect(project?.active).toEqual([]);
    expect(project?.open.map(({ comment }) => comment)).toEqual([expect.stringContaining('ignored by git')]);
  });

  it('of a package that is installed is not looked at', async () => {
    const scene = scratch({
      'node_modules/x/package.json': '{"name":"x"}',
      'node_modules/x/a.onnx': '',
      'node_modules/x/round.mjs': roundModule,
    });
    expect(await proposalOf(scene)).toMatchObject({ projects: [{ folder: '', active: [], open: [] }], others: [] });
  });

  it('beside a program that builds keeps its loss judged', async () => {
    const scene = scratch({ 'optimize/prune.py': pruneProgram() });
    cpSync(graphs(), scene.folder, { recursive: true });
    const [project] = (await proposalOf(scene)).projects;
    expect(project).toMatchObject({ unscored: false, active: [{ id: 'prune' }, { id: 'model' }] });
  });
});

describe('commented blocks', () => {
  /** Blocks of a text that are YAML behind `# `. */
  const uncommented = (text: string): string => text.replaceAll(/^( *)# (- id:| {2,}\S|setup:|runtime:|models:)/gm, '$1$2');

  it.each([
    ['python', python],
    ['node', node],
    ['empty', {}],
    ['onnx', { 'a.onnx': 'no graph' }],
  ])('are valid once they are filled in: %s', async (_name, files) => {
    const scene = scratch(files);
    const text = textAt(await filesOf(scene, { gpu: 'NVIDIA H200', branch: 'main' }), 'optimization-gate.yml');
    const config = checkedConfiguration(uncommented(text), scene.folder, packageRoot, modelIds(scene.folder, packageRoot));
    expect(config.optimizations.length).toBeGreaterThan(1);
    expect(config.runtime.provider).toBe('cuda');
  });
});

describe('workflows', () => {
  it.each(['pull-request', 'baselines'])('differ from the example only where they must: %s', async (example) => {
    const file = example === 'baselines' ? 'optimization-baselines' : 'optimization-gate';
    const text = textAt(await filesOf(scratch({})), `.github/workflows/${file}.yml`);
    expect(parse(text)).toEqual(parse(readFileSync(join(packageRoot, 'examples', 'workflows', `${example}.yml`), 'utf8')));
  });

  it('have a matrix of all projects, the root among them', async () => {
    const scene = scratch({ 'optimize/round.mjs': roundModule, 'a/package.json': '{"name":"a"}', 'a/round.mjs': roundModule });
    const { jobs } = parse(textAt(await filesOf(scene), '.github/workflows/optimization-gate.yml'));
    expect(jobs.gate.strategy.matrix.project).toEqual(['.', 'a']);
  });

  it('name the default branch, and say where it is not known', async () => {
    const of = async (branch: string | null): Promise<string> =>
      textAt(await filesOf(scratch({}), { gpu: null, branch }), '.github/workflows/optimization-baselines.yml');
    expect(parse(await of('release/2')).on.push.branches).toEqual(['release/2']);
    expect(await of(null)).toContain('# The default branch is not known here: correct its name.\n    branches: [main]');
  });
});

describe('hostile names', () => {
  const hostile = fc.string({
    unit: fc.constantFrom(
      'a',
      'B',
      '1',
      '.',
      '-',
      '_',
      ' ',
      '"',
      "'",
      '#',
      ':',
      '\n',
      '\t',
      '$',
      '{',
      '}',
      '[',
      '*',
      '!',
      '&',
      '`',
      '\\',
      'é',
      '%',
      '@',
    ),
    minLength: 1,
    maxLength: 12,
  });
  const usable = (name: string): boolean => !/^\.+$/.test(name) && name !== '.git';
  const summary = ({ optimizations, setup }: Config) => optimizations.map(({ id, door, inputs }) => ({ id, door, inputs, setup }));

  it('end in no text but as plain words, or not at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hostile.filter(usable), { minLength: 10, maxLength: 20 }), async (names) => {
        const files = Object.fromEntries(
          names.flatMap((name, at) => [
            [`d${at}${name}/prune.py`, pruneProgram()],
            [`bench/${name}.py`, roundProgram(`{${JSON.stringify(`latency${name}`)}: 1}`)],
            [`${name}.onnx`, 'no graph'],
          ]),
        );
        const scene = scratch({
          ...files,
          'package.json': JSON.stringify({ name: names[0], scripts: { [`bench:${names[0]}`]: names[0] } }),
        });
        const written = await filesOf(scene, { gpu: null, branch: null });
        for (const { text } of written)
          expect(text.replaceAll(/\$\{\{ (github|runner|matrix|strategy)\.[\w.-]+ \}\}|\$\{\{ !cancelled\(\) \}\}/g, '')).not.toContain(
            '${{',
          );
        const config = parseConfig(textAt(written, 'optimization-gate.yml'), 'x', { models: [], optimizations: [] });
        for (const { door, inputs } of summary(config)) {
          const words = [...inputs, 'command' in door ? door.command : 'module' in door ? door.module : ''];
          for (const each of words) expect(each).toMatch(/^[A-Za-z0-9_.+@{}*/ -]*$/);
        }
        expect(written.every(({ text }) => parse(text) !== null)).toBe(true);
      }),
      { numRuns: 2 },
    );
  }, 60_000);

  it('lead nowhere through links', async () => {
    const outside = testFolder();
    writeFileSync(join(outside, 'prune.py'), pruneProgram());
    const scene = scratch({ 'optimize/prune.py': [join(outside, 'prune.py')], 'real/x.txt': '' });
    scene.git('add', '--all');
    rmSync(join(scene.folder, 'real'), { recursive: true });
    execFileSync('ln', ['-s', outside, join(scene.folder, 'real')]);
    mkdirSync(join(scene.folder, 'pipe'));
    execFileSync('mkfifo', [join(scene.folder, 'pipe', 'prune.py')]);
    const [project] = (await proposalOf(scene)).projects;
    expect(project).toMatchObject({ active: [], open: [] });
  });
});

describe('a folder with an unusual name', () => {
  it('is searched when it was asked for, and quoted', async () => {
    const scene = scratch({ 'my work é/optimize/round.mjs': roundModule, 'my work é/bad name/round.mjs': roundModule });
    const files = await filesOf(scene, { gpu: null, branch: 'main' }, 'my work é');
    expect(parse(textAt(files, 'my work é/optimization-gate.yml')).optimizations).toEqual([
      { id: 'round', like: 'model', module: 'optimize/round.mjs', inputs: ['my work é/optimize/**'] },
    ]);
    const { jobs } = parse(textAt(files, '.github/workflows/optimization-gate-my-work.yml'));
    expect(jobs.gate.steps.find(({ id }: { id?: string }) => id === 'gate').with['working-directory']).toBe('my work é');
  });
});
