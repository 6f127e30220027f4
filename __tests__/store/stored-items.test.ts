import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStore, type Store } from '../../src/store/store.ts';
import { listItems, stageItems, takeItems } from '../../src/store/stored-items.ts';
import { testFolder } from '../testkit/folder.ts';

const open = (root: string): Promise<Store> => openStore(root, { clock: () => 1_600_000_000_000 });
const digest = 'a'.repeat(64);
const key = 'b'.repeat(64);

/** A folder with one artefact and one record, as an entry of the cache unpacks to. */
const filled = async (): Promise<string> => {
  const root = testFolder();
  const store = await open(root);
  const staging = await store.staging();
  writeFileSync(join(staging, 'model.onnx'), 'weights');
  await store.addArtefact(staging, digest, { stages: [] });
  await store.putRecord('tuned', key, { value: 1 });
  await store.close();
  for (const folder of readdirSync(root))
    if (!['artefacts', 'records'].includes(folder)) expect(readdirSync(join(root, folder))).toEqual([]);
  return root;
};

const artefact = `artefacts/${digest}`;
const record = `records/tuned/${key}.json`;
/** What an entry holds beside it, the folders of a store that are no items. */
const besides = ['leases', 'locks', 'staging'];

describe('the items of a store', () => {
  it('are its artefacts and records, with their files, bytes and last use', async () => {
    expect(await listItems(await filled())).toEqual([
      {
        name: artefact,
        kind: 'artefact',
        bytes: 7,
        used: 1_600_000_000,
        files: [`${artefact}/manifest.json`, `${artefact}/model.onnx`],
      },
      expect.objectContaining({ name: record, kind: 'record', files: [record] }),
    ]);
    expect(await listItems(join(testFolder(), 'nowhere'))).toEqual([]);
  });

  it('are taken over whole, and then are there for the store; what it has already stays', async () => {
    const root = testFolder();
    const store = await open(root);
    expect(await takeItems(await filled(), root)).toEqual({ taken: [artefact, record], refused: besides });
    expect(readFileSync(join((await store.artefact(digest)) ?? '', 'model.onnx'), 'utf8')).toBe('weights');
    expect(statSync(join(root, artefact, 'model.onnx')).mode & 0o222).toBe(0);
    expect(await takeItems(await filled(), root)).toEqual({ taken: [artefact, record], refused: besides });
    await store.close();
  });

  it('are staged and taken again as they were, last use included, while the store keeps its own', async () => {
    const [from, staging, to] = [await filled(), testFolder(), testFolder()];
    const items = await listItems(from);
    await stageItems(items, from, staging);
    expect(await takeItems(staging, to)).toEqual({ taken: [artefact, record], refused: [] });
    expect(await listItems(to)).toEqual(items);
    expect(await listItems(from)).toEqual(items);
  });

  it('are never links or pipes: these are removed unread, and what needs them is left behind', async () => {
    const folder = await filled();
    const root = testFolder();
    rmSync(join(folder, artefact, 'model.onnx'));
    symlinkSync('/etc/passwd', join(folder, artefact, 'model.onnx'));
    symlinkSync('..', join(folder, 'records', 'loop'));
    execFileSync('mkfifo', [join(folder, 'records', 'tuned', `${digest}.json`)]);
    const { taken, refused } = await takeItems(folder, root);
    expect(taken).toEqual([record]);
    expect(refused.toSorted()).toEqual(
      [...besides, artefact, `${artefact}/model.onnx`, 'records/loop', `records/tuned/${digest}.json`].toSorted(),
    );
  });

  it.each([
    ['a changed file', (folder: string) => ({ path: join(folder, artefact, 'model.onnx'), text: 'weightz', refused: artefact })],
    ['one file more', (folder: string) => ({ path: join(folder, artefact, 'more'), text: '', refused: artefact })],
    ['another manifest', (folder: string) => ({ path: join(folder, artefact, 'manifest.json'), text: '{}', refused: artefact })],
    [
      'a record of another key',
      (folder: string) => ({ path: join(folder, record), text: `{"key":"${digest}","value":1}`, refused: record }),
    ],
    ['a record that is none', (folder: string) => ({ path: join(folder, record), text: '{', refused: record })],
    [
      'a file that is none',
      (folder: string) => ({ path: join(folder, 'records/tuned/x.json'), text: '', refused: 'records/tuned/x.json' }),
    ],
    ['a folder that is none', (folder: string) => ({ path: join(folder, 'artefacts/x/y'), text: '', refused: 'artefacts/x' })],
    ['a kind that is none', (folder: string) => ({ path: join(folder, `records/A B/${key}.json`), text: '{}', refused: 'records/A B' })],
  ])('%s is left behind, and the rest taken', async (_, change) => {
    const folder = await filled();
    const { path, text, refused } = change(folder);
    mkdirSync(join(path, '..'), { recursive: true });
    rmSync(path, { force: true });
    writeFileSync(path, text);
    const root = testFolder();
    const result = await takeItems(folder, root);
    expect(result.refused.toSorted()).toEqual([...besides, refused].toSorted());
    expect(result.taken).toEqual([artefact, record].filter((name) => name !== refused));
    expect((await listItems(root)).map(({ name }) => name)).toEqual(result.taken);
  });
});
