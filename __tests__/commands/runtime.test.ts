import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runtimeCommand } from '../../src/commands/runtime.ts';
import type { CommandContext } from '../../src/run/context.ts';
import { pinnedRuntime, runtimePlace } from '../../src/run/runtime-place.ts';
import { testFolder } from '../testkit/folder.ts';

const pinned = `onnxruntime-node@${pinnedRuntime}`;

/** A project with the gate in its `node_modules`, and more files. */
const installed = (manifest: object | string | null, files: Readonly<Record<string, string>> = {}) => {
  const folder = realpathSync(testFolder());
  const packageRoot = join(folder, 'node_modules', 'optimization-gate');
  mkdirSync(packageRoot, { recursive: true });
  if (manifest !== null) writeFileSync(join(folder, 'package.json'), typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return { folder, packageRoot, place: () => runtimePlace({ ortPath: null, packageRoot }) };
};

const dev = { devDependencies: { 'optimization-gate': 'file:gate.tgz' } };

describe('where the runtime is added', () => {
  it.each<[string, object, Readonly<Record<string, string>>, string]>([
    ['npm without a lock file', {}, {}, 'npm install --save-exact --ignore-scripts --no-audit --no-fund'],
    ['npm beside the gate', dev, {}, 'npm install --save-exact --ignore-scripts --no-audit --no-fund --save-dev'],
    ['pnpm by its lock file', dev, { 'pnpm-lock.yaml': '' }, 'pnpm add --save-exact --ignore-scripts --save-dev'],
    [
      'pnpm at the root of a workspace',
      {},
      { 'pnpm-lock.yaml': '', 'pnpm-workspace.yaml': '' },
      'pnpm add --save-exact --ignore-scripts --workspace-root',
    ],
    ['pnpm by the manifest', { packageManager: 'pnpm@10.1.0' }, { 'package-lock.json': '' }, 'pnpm add --save-exact --ignore-scripts'],
    ['bun', dev, { 'bun.lock': '' }, 'bun add --exact --ignore-scripts --dev'],
    ['yarn 1', {}, { 'yarn.lock': '' }, 'yarn add --exact --ignore-scripts'],
    [
      'yarn 1 at the root of a workspace',
      { workspaces: ['a'], packageManager: 'yarn@1.22.22' },
      {},
      'yarn add --exact --ignore-scripts --ignore-workspace-root-check',
    ],
    ['yarn 4', dev, { 'yarn.lock': '', '.yarnrc.yml': '' }, 'yarn add --exact --mode=skip-build --dev'],
    ['yarn 4 by the manifest', { packageManager: 'yarn@4.9.1+sha224.x' }, {}, 'yarn add --exact --mode=skip-build'],
    ['npm for an unknown manager', { packageManager: 'cargo@1.0.0' }, {}, 'npm install --save-exact --ignore-scripts --no-audit --no-fund'],
  ])('is the project: %s', (_name, manifest, files, command) => {
    const { folder, packageRoot, place } = installed(manifest, files);
    const { argv, ...found } = place();
    expect(argv.join(' ')).toBe(`${command} ${pinned}`);
    expect(found).toMatchObject({ folder, found: packageRoot });
  });

  it('is the project of a package that another one brings, too', () => {
    const { folder, packageRoot } = installed({});
    const nested = join(packageRoot, 'node_modules', 'inner');
    expect(runtimePlace({ ortPath: null, packageRoot: nested })).toMatchObject({ folder, found: packageRoot });
  });

  it('keeps the section of a project that names the pinned release already', () => {
    const { place } = installed({ ...dev, dependencies: { 'onnxruntime-node': pinnedRuntime } });
    expect(place().argv).not.toContain('--save-dev');
  });

  it('tells how later installs of npm run no script of the runtime, until they do not', () => {
    expect(installed({}).place().advice).toContain('onnxruntime-node-install=skip');
    expect(installed({}, { '.npmrc': 'onnxruntime-node-install=skip\n' }).place().advice).toBeNull();
    expect(installed({}, { 'pnpm-lock.yaml': '' }).place().advice).toBeNull();
    expect(installed({}, { 'yarn.lock': '' }).place().advice).toContain('ONNXRUNTIME_NODE_INSTALL=skip');
  });

  it('is a folder that is named for it, else the global packages, else the checkout', () => {
    const { packageRoot } = installed({});
    expect(runtimePlace({ ortPath: '/opt/ort', packageRoot })).toEqual({
      folder: '/opt/ort',
      argv: ['npm', 'install', '--save-exact', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', '/opt/ort', pinned],
      found: '/opt/ort',
      advice: null,
    });
    const global = runtimePlace({ ortPath: null, packageRoot: '/nowhere/lib/node_modules/optimization-gate' });
    expect(global.argv.join(' ')).toContain(`--global --prefix /nowhere ${pinned}`);
    expect(runtimePlace({ ortPath: null, packageRoot: '/nowhere/gate' })).toMatchObject({
      folder: '/nowhere/gate',
      argv: ['npm', 'ci', '--no-audit', '--no-fund'],
    });
  });

  it.each<[string, object | string | null, string]>([
    ['another release', { dependencies: { 'onnxruntime-node': '^1.17.0' } }, '^1.17.0'],
    ['another release for development', { devDependencies: { 'onnxruntime-node': '1.30.1' } }, '1.30.1'],
    ['a broken manifest', '{', 'JSON'],
    ['a manifest that is a list', [], 'JSON'],
    ['no manifest', null, 'found none'],
  ])('is nowhere: %s', (_name, manifest, part) => {
    expect(installed(manifest).place).toThrow(
      expect.objectContaining({ code: 'runtime-not-added', message: expect.stringContaining(part) }),
    );
  });

  it.each([[{ dependencies: null }], [{ dependencies: { 'onnxruntime-node': 5 }, packageManager: [] }], [{ devDependencies: 'x' }]])(
    'takes odd values of a manifest for nothing: %j',
    (manifest) => {
      expect(installed(manifest).place().argv[0]).toBe('npm');
    },
  );
});

it.each([[['add']], [['add', 'cuda']], [['add', 'cpu', 'cuda']], [[]]])('runtime %j is refused', async (operands) => {
  await expect(runtimeCommand(operands, {} as CommandContext)).rejects.toMatchObject({ code: 'usage-bad-value' });
});

it('the pinned release is the one that this repository is tested with, and that the workflows name', () => {
  const read = (name: string): string => readFileSync(join(import.meta.dirname, '..', '..', name), 'utf8');
  expect(JSON.parse(read('package.json')).devDependencies['onnxruntime-node']).toBe(pinnedRuntime);
  for (const page of ['README.md', 'docs/install.md', 'examples/workflows/pull-request.yml', 'examples/workflows/baselines.yml'])
    expect(new Set([...read(page).matchAll(/onnxruntime-node@([\d.]*\d)/g)].map(([, version]) => version)), page).toEqual(
      new Set([pinnedRuntime]),
    );
});
