import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOfRecords, recordName, writeRecord } from '../../src/store/record-files.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { listItems, stageItems, takeItems } from '../../src/store/stored-items.ts';
import { testFolder } from '../testkit/folder.ts';
import { storeArtefact } from '../testkit/stored-artefact.ts';

const open = (root: string): Promise<Store> => openStore(root, { clock: () => 1_600_000_000_000 });
const digest = 'a'.repeat(64);
const key = 'b'.repeat(64);

/** A folder with one artefact and one record, as an entry of the cache unpacks to. */
const filled = async (): Promise<string> => {
  const root = testFolder();
  const store = await open(root);
  const { content } = await storeArtefact(store, digest, { 'model.onnx': 'weights' }, { stages: [] });
  await writeRecord(root, 'changes', 'tuned', key, { value: 1 });
  await store.close();
  expect(`artefacts/${digest}/${content}`).toBe(artefact);
  for (const folder of readdirSync(root)) if (!['artefacts', 'records'].includes(folder)) rmdirSync(join(root, folder));
  return root;
};

const id = { digest, content: '79331681cf9990a17931f3b5c2c5daecf707af8e9c9bdbb5fca23de69b5eca23' };
const artefact = `artefacts/${digest}/${id.content}`;
const held = { part: 'changes', kind: 'tuned', key, value: { value: 1 } } as const;
const record = recordName(held);
const take = (folder: string, root: string) => takeItems(folder, root, 'changes', digestOfRecords([held]));

describe('the items of a store', () => {
  it('are records only where they are all those that are named', async () => {
    const folder = await filled();
    await writeRecord(folder, 'changes', 'tuned', digest, { value: 1 });
    const root = testFolder();
    const added = `records/changes/tuned/${digest}.json`;
    expect(await take(folder, root)).toEqual({ taken: [artefact], records: [], refused: [added, record] });
    expect(await takeItems(await filled(), root, 'changes', null)).toEqual({ taken: [artefact], records: [], refused: [record] });
  });

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
    expect(await take(await filled(), root)).toEqual({ taken: [artefact, record], records: [expect.objectContaining(held)], refused: [] });
    expect(readFileSync(join((await store.artefact(id)) ?? '', 'model.onnx'), 'utf8')).toBe('weights');
    expect(statSync(join(root, artefact, 'model.onnx')).mode & 0o222).toBe(0);
    expect(await take(await filled(), root)).toEqual({ taken: [artefact, record], records: [expect.objectContaining(held)], refused: [] });
    await store.close();
  });

  it('are staged and taken again as they were, last use included, while the store keeps its own', async () => {
    const [from, staging, to] = [await filled(), testFolder(), testFolder()];
    const items = await listItems(from);
    await stageItems(items, from, staging);
    expect(await take(staging, to)).toEqual({ taken: [artefact, record], records: [expect.objectContaining(held)], refused: [] });
    expect(await listItems(to)).toEqual(items);
    expect(await listItems(from)).toEqual(items);
  });

  it('are never links or pipes: these are removed unread, and what needs them is left behind', async () => {
    const folder = await filled();
    const root = testFolder();
    rmSync(join(folder, artefact, 'model.onnx'));
    symlinkSync('/etc/passwd', join(folder, artefact, 'model.onnx'));
    symlinkSync('..', join(folder, 'records', 'loop'));
    execFileSync('mkfifo', [join(folder, 'records', 'changes', 'tuned', `${digest}.json`)]);
    const { taken, refused } = await take(folder, root);
    expect(taken).toEqual([record]);
    expect(refused.toSorted()).toEqual(
      [artefact, `${artefact}/model.onnx`, 'records/loop', `records/changes/tuned/${digest}.json`].toSorted(),
    );
  });

  it.each([
    ['a changed file', (folder: string) => ({ path: join(folder, artefact, 'model.onnx'), text: 'weightz', refused: artefact })],
    ['one file more', (folder: string) => ({ path: join(folder, artefact, 'more'), text: '', refused: artefact })],
    ['another manifest', (folder: string) => ({ path: join(folder, artefact, 'manifest.json'), text: '{}', refused: artefact })],
    [
      'a record of another key',
      (folder: string) => ({ path: join(folder, record), text: JSON.stringify({ ...held, key: digest }), refused: record }),
    ],
    ['a record that is none', (folder: string) => ({ path: join(folder, record), text: '{', refused: record })],
    [
      'a record of another value',
      (folder: string) => ({ path: join(folder, record), text: JSON.stringify({ kind: 'tuned', key, value: 2 }), refused: record }),
    ],
    [
      'a file that is none',
      (folder: string) => ({ path: join(folder, `records/changes/tuned/x.json`), text: '{}', refused: `records/changes/tuned/x.json` }),
    ],
    ['a folder that is none', (folder: string) => ({ path: join(folder, `artefacts/x/y`), text: '{}', refused: `artefacts/x/y` })],
    [
      'a kind that is none',
      (folder: string) => ({
        path: join(folder, `records/changes/A B/${key}.json`),
        text: '{}',
        refused: `records/changes/A B/${key}.json`,
      }),
    ],
    ['a file beside them', (folder: string) => ({ path: join(folder, `owner.json`), text: '{}', refused: `owner.json` })],
    [
      'a record of another part',
      (folder: string) => {
        const forged = recordName({ ...held, part: 'default-branch' });
        return { path: join(folder, forged), text: JSON.stringify({ kind: 'tuned', key, value: 2 }), refused: forged };
      },
    ],
  ])('%s is left behind, and the rest taken', async (_, change) => {
    const folder = await filled();
    const { path, text, refused } = change(folder);
    mkdirSync(join(path, '..'), { recursive: true });
    rmSync(path, { force: true });
    writeFileSync(path, text);
    const root = testFolder();
    const result = await take(folder, root);
    expect(result.refused).toEqual([refused]);
    expect(result.taken).toEqual([artefact, record].filter((name) => name !== refused));
    expect((await listItems(root)).map(({ name }) => name)).toEqual(result.taken);
  });
});
