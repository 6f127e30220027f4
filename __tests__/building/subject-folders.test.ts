import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSubjectFolders, type SubjectFolders } from '../../src/building/subject-folders.ts';
import { thisProcess } from '../../src/records/owner.ts';
import { openStore } from '../../src/store/store.ts';
import { testFolder } from '../testkit/folder.ts';
import { storeArtefact } from '../testkit/stored-artefact.ts';

const digest = 'a'.repeat(64);

const opened = async (root: string): Promise<SubjectFolders> => {
  const folders = await openSubjectFolders(root, { isolated: false, admit: () => {} });
  onTestFinished(() => folders.release());
  return folders;
};

/** A store with one artefact. */
const oneArtefact = async (root: string) => {
  const store = await openStore(root, { clock: () => Date.now() });
  const added = await storeArtefact(store, digest, { 'model.onnx': 'graph' });
  return { store, artefact: { digest, ...added, stages: [{ id: 'decoder', graph: 'model.onnx' }], serve: {}, spare: 0 } };
};

describe('the folders that code under test is given', () => {
  it('name no part of the store, and show an artefact without a copy or a manifest', async () => {
    const root = testFolder();
    const { store, artefact } = await oneArtefact(root);
    const folders = await opened(root);
    const view = await folders.view(artefact, 'head', 'built-in');
    expect(readdirSync(view.folder)).toEqual(['model.onnx']);
    expect(readFileSync(join(view.folder, 'model.onnx'), 'utf8')).toBe('graph');
    expect(statSync(join(view.folder, 'model.onnx')).mode & 0o222).toBe(0);
    expect([view.folder, await folders.empty()].some((path) => path.startsWith(root))).toBe(false);
    expect(await folders.view(artefact, 'head', 'built-in')).toBe(view);
    expect((await folders.view(artefact, 'base', 'built-in')).folder).not.toBe(view.folder);
    await store.requireUnmodified(artefact);
    await folders.release();
    expect(existsSync(folders.root)).toBe(false);
    await store.requireUnmodified(artefact);
  });

  it('show the model anew where one side replaced a file of the other, and say so', async () => {
    const root = testFolder();
    const { store, artefact } = await oneArtefact(root);
    const folders = await opened(root);
    const shown = async (): Promise<string> => (await folders.view(artefact, 'base', 'built-in')).folder;
    const damages: readonly ((folder: string) => void)[] = [
      (folder) => {
        rmSync(join(folder, 'model.onnx'));
        writeFileSync(join(folder, 'model.onnx'), 'other');
      },
      (folder) => {
        rmSync(join(folder, 'model.onnx'));
        symlinkSync(join(artefact.folder, 'model.onnx'), join(folder, 'model.onnx'));
      },
      (folder) => writeFileSync(join(folder, 'more.onnx'), ''),
      (folder) => rmSync(folder, { recursive: true }),
    ];
    for (const damage of damages) {
      const before = await shown();
      await folders.requireIntact();
      damage(before);
      await expect(folders.requireIntact()).rejects.toMatchObject({ code: 'store-corrupt', where: expect.stringMatching(/^base /) });
      const after = await shown();
      expect(after).not.toBe(before);
      expect(readFileSync(join(after, 'model.onnx'), 'utf8')).toBe('graph');
    }
    await store.requireUnmodified(artefact);
  });

  it('are seen to be moved, if only for a moment, and not to have a file beside them for a moment', async () => {
    const root = testFolder();
    const { artefact } = await oneArtefact(root);
    for (const above of [0, 1, 2, 3]) {
      const folders = await opened(root);
      const { folder } = await folders.view(artefact, 'base', 'built-in');
      await folders.empty();
      writeFileSync(join(folder, 'lock'), '');
      rmSync(join(folder, 'lock'));
      await folders.requireIntact();
      const moved = Array.from({ length: above }).reduce<string>((at) => dirname(at), folder);
      renameSync(moved, `${moved}.away`);
      renameSync(`${moved}.away`, moved);
      await expect(folders.requireIntact()).rejects.toMatchObject({ code: 'store-corrupt' });
    }
  });

  it("show a user's own code files of one name, which it may hand on by links and not write to", async () => {
    const root = testFolder();
    const { artefact } = await oneArtefact(root);
    const folders = await opened(root);
    const shown = join((await folders.view(artefact, 'head', 'own')).folder, 'model.onnx');
    expect(statSync(shown)).toMatchObject({ nlink: 1, mode: statSync(join(artefact.folder, 'model.onnx')).mode });
    linkSync(shown, join(await folders.empty(), 'model.onnx'));
    await folders.requireIntact();
    expect(join((await folders.view(artefact, 'head', 'own')).folder, 'model.onnx')).toBe(shown);
    const { atimeNs, mtime } = statSync(shown, { bigint: true });
    chmodSync(shown, 0o644);
    writeFileSync(shown, 'other');
    utimesSync(shown, Number(atimeNs) / 1e9, mtime);
    await expect(folders.requireIntact()).rejects.toMatchObject({ code: 'store-corrupt' });
    expect(readFileSync(join((await folders.view(artefact, 'head', 'own')).folder, 'model.onnx'), 'utf8')).toBe('graph');
  });

  it('of a killed run are removed by the next one, and nothing else that is called so', async () => {
    const root = testFolder();
    const place = join((await opened(root)).root, '../..');
    const left = (name: string, pid: number): string => {
      const folder = join(place, `gate-subject-${process.pid}-${name}`);
      mkdirSync(folder);
      writeFileSync(join(folder, 'owner.json'), JSON.stringify({ ...thisProcess(), pid, started: '1' }));
      return folder;
    };
    const dead = left('dead', 2 ** 22 - 1);
    const target = testFolder();
    writeFileSync(join(target, 'kept'), '');
    writeFileSync(join(target, 'owner.json'), readFileSync(join(dead, 'owner.json')));
    const link = join(place, `gate-subject-${process.pid}-link`);
    symlinkSync(target, link);
    const living = await opened(root);
    expect([existsSync(dead), existsSync(living.root), existsSync(join(target, 'kept'))]).toEqual([false, true, true]);
  });
});
