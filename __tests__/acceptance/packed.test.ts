import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorTable } from '../../src/errors.ts';
import { type Ended, packageRoot } from '../commands/project.ts';
import { builtPrograms } from '../testkit/built-programs.ts';

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'gate-packed-')));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Folders of the search path without those that npm puts in front: they hold Node 24. */
const machinePath = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
const majorOf = (program: string): number =>
  Number(/^v(\d+)\./.exec(spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1]);
/** A Node of the machine that the gate does not run on; null where there is none. */
const oldNode = machinePath
  .map((folder) => join(folder, 'node'))
  .find((file) => existsSync(file) && majorOf(file) >= 20 && majorOf(file) < 24);
/** What people have: the Node of the machine if it is old, else this one. */
const usualNode = oldNode ?? process.execPath;

const environment = (more: Readonly<Record<string, string>>): Record<string, string> => ({
  PATH: [dirname(usualNode), ...machinePath].join(delimiter),
  HOME: process.env['HOME'] ?? scratch,
  TMPDIR: scratch,
  OPTIMIZATION_GATE_STORE: join(scratch, 'store'),
  ...more,
});

const run = (cwd: string, [program = '', ...args]: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  new Promise((done) => {
    const child = spawn(program, args, { cwd, env: environment(more), stdio: ['ignore', 'pipe', 'pipe'] });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].on('data', (chunk: Buffer) => {
        texts[name] += chunk.toString('utf8');
      });
    child.once('close', (code, signal) => done({ code, signal, ...texts }));
  });

/** A copy of this repository with the program of this moment. */
const source = join(scratch, 'source');
/** A project of a user. */
const project = join(scratch, 'project');
let tarball = '';
let packed: { readonly size: number; readonly files: readonly { readonly path: string }[] } = { size: 0, files: [] };

const manifest = (folder: string): Readonly<Record<string, Readonly<Record<string, string>>>> =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const installedIn = (folder: string): readonly string[] =>
  readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'));
const gate = (args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  run(project, [usualNode, join(project, 'node_modules', '.bin', 'optimization-gate'), ...args], more);
const json = (ended: Ended) => JSON.parse(ended.stdout);

/** A folder with a package.json and the packed gate in it; nothing but the file is needed. */
const installGate = async (folder: string, more: object = {}): Promise<void> => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'a-project', private: true, ...more }));
  const empty = mkdtempSync(join(scratch, 'no-cache-'));
  const { code, stderr } = await run(folder, ['npm', 'install', '--offline', '--cache', empty, '--save-dev', tarball]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
};

beforeAll(async () => {
  cpSync(packageRoot, source, {
    recursive: true,
    filter: (from) => !['node_modules', '.git', 'dist', '.optimization-gate'].some((name) => from === join(packageRoot, name)),
  });
  cpSync(await builtPrograms(), join(source, 'dist'), { recursive: true });
  const { code, stdout, stderr } = await run(source, ['npm', 'pack', '--json', '--pack-destination', scratch]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const [first] = JSON.parse(stdout);
  packed = first;
  tarball = join(scratch, first.filename);
  await installGate(project);
});

describe('the package', () => {
  it('holds what a user needs, in at most 14 MB', () => {
    expect(statSync(tarball).size).toBeLessThanOrEqual(14e6);
    const paths = packed.files.map(({ path }) => path);
    const tops = new Set(paths.map((path) => path.split('/')[0]));
    expect([...tops].toSorted()).toEqual([
      'LICENSE',
      'README.md',
      'baselines',
      'dist',
      'docs',
      'examples',
      'models',
      'package.json',
      'schemas',
      'types',
    ]);
    expect(paths).toEqual(expect.arrayContaining(['dist/cli.js', 'dist/worker.js', 'docs/install.md', 'types/index.d.ts']));
    expect(paths.filter((path) => /^dist\/(action|cache-worker|command-line)\.js$|^baselines\/.*json$|\.png$|\.test\./.test(path))).toEqual(
      [],
    );
    for (const [, page] of Object.values(errorTable).flatMap(({ remedy }) => [
      ...remedy.matchAll(/(docs\/[\w-]+\.md|models\/README\.md)/g),
    ]))
      expect(paths).toContain(page);
  });

  it('has every page that its pages link to', () => {
    const paths = packed.files.map(({ path }) => path);
    const links = (page: string): readonly string[] =>
      [...readFileSync(join(source, page), 'utf8').matchAll(/(?<!!)\[[^\]]*\]\((?![a-z]+:|#)([^)\s#]+)/g)].map(([, to = '']) =>
        posix.join(posix.dirname(page), to).replace(/\/$/, ''),
      );
    const dead = paths
      .filter((path) => path.endsWith('.md'))
      .flatMap((page) =>
        links(page)
          .filter((to) => !paths.some((path) => path === to || path.startsWith(`${to}/`)))
          .map((to) => `${page}: ${to}`),
      );
    expect(dead).toEqual([]);
    expect(links('README.md')).toContain('docs/install.md');
  });

  it('brings no other package and no script', () => {
    expect(installedIn(project)).toEqual(['optimization-gate']);
    const { dependencies, scripts } = manifest(join(project, 'node_modules', 'optimization-gate'));
    expect(dependencies).toBeUndefined();
    expect(Object.keys(scripts ?? {}).filter((name) => /install|prepare/.test(name) && name !== 'install-once')).toEqual([]);
  });

  it('has the types of plug-ins in it', async () => {
    const folder = join(scratch, 'typed');
    await installGate(folder, { type: 'module' });
    const check = async (line: string): Promise<Ended> => {
      writeFileSync(join(folder, 'plug-in.ts'), `import type { BatchingAction, BuildContext } from 'optimization-gate';\n${line}\n`);
      const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', ''];
      return run(folder, [join(packageRoot, 'node_modules', '.bin', 'tsc'), ...options, 'plug-in.ts'], {
        PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}`,
      });
    };
    expect(await check('export const f = (c: BuildContext): BatchingAction => ({ batch: c.output.length });')).toMatchObject({
      code: 0,
      stdout: '',
    });
    expect((await check("export const a: BatchingAction = { batch: 'one' };")).stdout).toContain('TS2322');
  });
});

describe.skipIf(oldNode === undefined)('on a Node that is too old', () => {
  it('shows help and version, also by npx', async () => {
    const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
    expect(await gate(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
    expect(await gate(['run', '--help'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Usage: optimization-gate'),
      stderr: '',
    });
    expect(await run(project, ['npx', '--offline', 'optimization-gate', '--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  it.each([
    [['rnu'], 'usage-unknown-command'],
    [['store', 'claen'], 'usage-unknown-command'],
    [['run', '--sede', '1'], 'usage-unknown-option'],
    [['run', '--seed', 'x'], 'usage-bad-value'],
    [['run', '--working-directory', 'nowhere'], 'usage-bad-value'],
  ])('refuses %j as any Node does', async (args, code) => {
    expect(await gate(args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(`error[${code}]`) });
  });

  it.each([[[]], [['doctor']], [['runtime', 'add', 'cpu']], [['models', 'list']]])('says for %j which Node it needs', async (args) => {
    expect(await gate(args)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/error\[node-too-old\].* Expected Node 24 or newer.*\n.*npm install --save-dev node@24/),
    });
  });
});

describe('ONNX Runtime', () => {
  beforeAll(() => {
    // As `npm install node@24` leaves it, without another download of 50 MB; above, where npm does not remove what it did not install.
    mkdirSync(join(scratch, 'node_modules'));
    symlinkSync(join(packageRoot, 'node_modules', 'node'), join(scratch, 'node_modules', 'node'));
    writeFileSync(join(project, '.gitignore'), 'node_modules/\n.optimization-gate/\n');
    writeFileSync(
      join(project, 'optimization-gate.yml'),
      [
        'models: [mini-qwen3-dense]',
        'optimizations:',
        '  - id: structured-pruning',
        '    points: [{ id: quick, length: 4, batch: 1, rounds: 20 }]',
        '',
      ].join('\n'),
    );
    const git = (...args: readonly string[]) =>
      expect(spawnSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], { cwd: project }).status).toBe(0);
    git('init', '--quiet', '--initial-branch=main');
    git('add', '--all');
    git('commit', '--quiet', '--message=first');
  });

  it('is missing, which doctor says with the command that adds it', async () => {
    const ended = await gate(['doctor', '--json']);
    expect(ended.code).toBe(2);
    const { checks } = json(ended);
    expect(checks).toContainEqual(
      expect.objectContaining({ id: 'runtime', status: 'bad', says: expect.stringContaining('`optimization-gate runtime add cpu`') }),
    );
    expect(checks).toContainEqual(expect.objectContaining({ id: 'node', says: expect.stringMatching(/^2[4-9]\./) }));
  });

  it('is not added where the package manager fails, and its words are shown', async () => {
    const fake = mkdtempSync(join(scratch, 'fake-'));
    const more = { PATH: [fake, ...machinePath].join(delimiter) };
    writeFileSync(join(fake, 'npm'), '#!/bin/sh\necho "npm error code E404" >&2\nexit 1\n');
    chmodSync(join(fake, 'npm'), 0o755);
    const failed = await gate(['runtime', 'add', 'cpu'], more);
    expect(failed).toMatchObject({ code: 2, stdout: '' });
    expect(failed.stderr).toMatch(/error\[runtime-not-added\].*ended with exit status 1\.[\s\S]*npm error code E404/);
    // One that does nothing is not believed.
    writeFileSync(join(fake, 'npm'), '#!/bin/sh\nexit 0\n');
    expect((await gate(['runtime', 'add', 'cpu'], more)).stderr).toContain('error[runtime-not-found]');
    const without = await gate(['runtime', 'add', 'cpu'], { PATH: join(scratch, 'nowhere') });
    expect(without.stderr).toMatch(/error\[runtime-not-added\].*could not be started: spawn npm ENOENT/);
  });

  it('is added to the project without its scripts, once, and then everything runs', async () => {
    const added = await gate(['runtime', 'add', 'cpu', '--json'], { npm_config_prefer_offline: 'true' });
    expect(added, added.stderr).toMatchObject({ code: 0 });
    const folder = join(project, 'node_modules', 'onnxruntime-node');
    expect(json(added)).toMatchObject({ provider: 'cpu', folder, advice: expect.stringContaining('.npmrc') });
    expect(manifest(project)['devDependencies']).toMatchObject({ 'onnxruntime-node': json(added).added });
    const libraries = readdirSync(join(folder, 'bin', 'napi-v6', process.platform, process.arch));
    expect(libraries.filter((name) => /cuda|tensorrt/.test(name))).toEqual([]);
    expect(json(await gate(['runtime', 'add', 'cpu', '--json']))).toMatchObject({ added: null, folder });

    const doctor = await gate(['doctor', '--json']);
    expect(doctor, doctor.stdout).toMatchObject({ code: 0 });
    expect(json(doctor)).toMatchObject({ ready: true });

    const head = await gate(['run', '--quick', '--set', 'optimizations.structured-pruning.with.importance=random', '--json']);
    expect(head, head.stderr).toMatchObject({ code: 1 });
    const { verdict, cells } = json(head);
    expect(verdict).toBe('regressed');
    expect(cells).toMatchObject([{ model: 'mini-qwen3-dense', optimization: 'structured-pruning', verdict: 'regressed' }]);
  });

  it('is added to a folder of its own where one is named', async () => {
    const folder = join(scratch, 'ort');
    const added = await gate(['runtime', 'add', 'cpu', '--ort-path', folder, '--json'], { npm_config_prefer_offline: 'true' });
    expect(added, added.stderr).toMatchObject({ code: 0 });
    expect(json(added).folder).toBe(join(folder, 'node_modules', 'onnxruntime-node'));
    const file = join(scratch, 'a-file');
    writeFileSync(file, '');
    expect((await gate(['runtime', 'add', 'cpu', '--ort-path', file])).stderr).toContain('error[runtime-not-added]');
  });
});

describe('a checkout without packages', () => {
  const npmRun = (...args: readonly string[]): Promise<Ended> =>
    run(source, ['npm', 'run', '--silent', 'gate', '--', ...args], {
      npm_config_offline: 'true',
      npm_config_cache: join(scratch, 'empty'),
    });

  it('shows texts and refuses command lines, and installs nothing for them', async () => {
    expect(await npmRun('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: optimization-gate'), stderr: '' });
    expect(await npmRun('rnu')).toMatchObject({ code: 2, stderr: expect.stringContaining('error[usage-unknown-command]') });
    expect(existsSync(join(source, 'node_modules'))).toBe(false);
    expect((await npmRun('doctor')).stderr).toContain('Installing the packages');
  });
});
