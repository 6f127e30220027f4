import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openStore } from '../../src/store/store.ts';
import { Project } from '../commands/project.ts';
import { storeArtefact } from '../testkit/stored-artefact.ts';
import { engineConfiguration } from './engine-configuration.ts';
import { type EngineScene, engineProgram, expectError, expectRegressed, openEngineScene, said } from './engine-scene.ts';

const root = mkdtempSync(join(tmpdir(), 'gate-disks-'));

/** A disk of its own; null where this user may not mount one. */
const disk = (mebibytes: number): string | null => {
  const folder = mkdtempSync(join(root, 'disk-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder]).status !== 0) return null;
  onTestFinished(() => {
    spawnSync('umount', ['--lazy', folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
};

const remount = (folder: string, how: 'ro' | 'rw'): void => void spawnSync('mount', ['-o', `remount,${how}`, folder]);

/** Leaves so many KiB of a disk free. */
const fill = (folder: string, kibibytes: number): void => {
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(join(folder, 'ballast'), Buffer.alloc(Math.max(0, bavail * bsize - kibibytes * 1024)));
};

const canMount = ((): boolean => {
  const folder = mkdtempSync(join(root, 'try-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status === 0;
  if (mounted) spawnSync('umount', [folder]);
  return mounted;
})();

/** Neither a defect of the gate nor a stack, and nothing to restore: the disk is what is wrong. */
const isPlain = (text: string): void => {
  expect(text).not.toMatch(/error\[internal\]|\n\s+at |version control/);
};

describe.skipIf(!canMount)('a disk of a job that is full or read-only', { timeout: 300_000 }, () => {
  let scene: EngineScene;
  beforeAll(async () => {
    scene = await openEngineScene();
  });
  afterAll(() => scene?.close());

  type Files = Readonly<Record<string, string>>;
  const judged = async (inputs: Files): Promise<void> => expectRegressed(scene, await scene.change({}, { inputs }));
  /** Log, summary and comment name the code, the place and what moves it, and no verdict stands. */
  const refused = async (code: string, says: RegExp, job: { readonly inputs?: Files; readonly environment?: Files }, files: Files = {}) => {
    const ended = await scene.change(files, job);
    expectError(scene, ended, { code, exit: 3, says });
    isPlain(said(ended.run));
  };
  const at = (folder: string, option: string): RegExp => new RegExp(`input \`${option}\`.*${folder}|${folder}.*input \`${option}\``, 's');

  it('is named with the option that moves it: that of the store', async () => {
    const small = disk(1) ?? '';
    fill(small, 8);
    await refused('disk-full', at(small, 'store'), { inputs: { store: join(small, 'store') } });
    const closed = disk(64) ?? '';
    const store = join(closed, 'store');
    remount(closed, 'ro');
    await refused('store-unwritable', at(closed, 'store'), { inputs: { store } });
    remount(closed, 'rw');
    await judged({ store });
    // One that an earlier job filled.
    remount(closed, 'ro');
    await refused('store-unwritable', at(closed, 'store'), { inputs: { store, seed: '2' } });
  });

  it('is named with the option that moves it: that of the run folder', async () => {
    const closed = disk(16) ?? '';
    const folder = join(closed, 'run');
    remount(closed, 'ro');
    await refused('folder-unwritable', at(closed, 'run-dir'), { inputs: { 'run-dir': folder } });
    remount(closed, 'rw');
    fill(closed, 16);
    await refused('disk-full', at(closed, 'run-dir'), { inputs: { 'run-dir': folder } });
    rmSync(join(closed, 'ballast'));
    await judged({ 'run-dir': folder });
  });

  it('is named with the variable that moves it: that of temporary files', async () => {
    const small = disk(1) ?? '';
    fill(small, 0);
    await refused('disk-full', /TMPDIR/, { environment: { TMPDIR: small } });
  });

  it('is no fault of head where head or base writes to it', async () => {
    const small = disk(1) ?? '';
    mkdirSync(join(small, 'out'));
    const target = JSON.stringify(join(small, 'out', 'data'));
    const write = `fs.writeFileSync(${target}, Buffer.alloc(4e6));`;
    await refused('disk-full', /Code under test wrote to a disk\. It found no room/, {}, { 'bench.mjs': engineProgram(900, write) });
  });
});

/** An artefact that a job of another project left in a store. Returns its folder. */
const leaveArtefact = async (root: string): Promise<string> => {
  const store = await openStore(root, { clock: () => 1e12 });
  const { folder } = await storeArtefact(store, 'a'.repeat(64), { 'model.onnx': Buffer.alloc(2 ** 20) });
  await store.close();
  return folder;
};

describe('the store of a runner that keeps its disk', { timeout: 300_000 }, () => {
  it('keeps to its budget at the end of every job', async () => {
    const scene = await openEngineScene();
    const store = join(mkdtempSync(join(root, 'kept-')), 'store');
    try {
      expectRegressed(scene, await scene.change({}, { inputs: { store } }));
      const left = await leaveArtefact(store);
      expectRegressed(scene, await scene.change({}, { inputs: { store } }));
      expect(existsSync(left)).toBe(true);
      const cleaned = await scene.change({}, { inputs: { store, 'store-budget': '0' } });
      expectRegressed(scene, cleaned);
      expect(existsSync(left)).toBe(false);
      expect(said(cleaned.run)).toContain('The store kept to its budget of 0 MiB');
    } finally {
      await scene.close();
    }
  });
});

describe.skipIf(!canMount)('a disk that fills up between the phases of a run', () => {
  it('costs nothing of what was measured', async () => {
    const project = Project.make();
    const files = { 'optimization-gate.yml': engineConfiguration(), 'bench.mjs': engineProgram(100) };
    project.commit({ '.gitignore': '.optimization-gate*\nrun\n', ...files });
    project.commit({ 'bench.mjs': engineProgram(900) });
    const closed = disk(16) ?? '';
    const run = join(closed, 'run');
    expect((await project.gate('plan', '--base', 'HEAD~1', '--run-dir', run)).code).toBe(0);
    remount(closed, 'ro');
    const refused = await project.gate('--base', 'HEAD~1', '--run-dir', run);
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringMatching(/error\[folder-unwritable\].*--run-dir/s)]);
    isPlain(refused.stderr);
    remount(closed, 'rw');
    fill(closed, 4);
    const full = await project.gate('measure', '--run-dir', run);
    expect([full.code, full.stderr]).toEqual([3, expect.stringMatching(/error\[disk-full\].*--run-dir/s)]);
    expect(full.stderr).toContain(run);
    isPlain(full.stderr);
    const kept = existsSync(join(run, 'samples.jsonl')) ? readFileSync(join(run, 'samples.jsonl'), 'utf8') : '';
    expect(kept === '' || kept.endsWith('\n')).toBe(true);
    rmSync(join(closed, 'ballast'));
    expect((await project.gate('measure', '--run-dir', run)).code).toBe(0);
    expect(readFileSync(join(run, 'samples.jsonl'), 'utf8').startsWith(kept)).toBe(true);
    fill(closed, 0);
    const decided = await project.gate('gate', '--run-dir', run);
    expect([decided.code, decided.stderr]).toEqual([3, expect.stringMatching(/error\[disk-full\].*--run-dir/s)]);
    isPlain(decided.stderr);
    rmSync(join(closed, 'ballast'));
    expect((await project.gate('gate', '--run-dir', run)).code).toBe(1);
  });
});
