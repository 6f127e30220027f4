import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { storeCommand } from '../../src/commands/store.ts';
import type { CommandContext } from '../../src/run/context.ts';
import { recordFolder, writeRecord } from '../../src/store/record-files.ts';
import { openStore } from '../../src/store/store.ts';
import { testFolder } from '../testkit/folder.ts';
import { storeArtefact } from '../testkit/stored-artefact.ts';

const digest = (letter: string): string => letter.repeat(64);

const contextOf = (storeRoot: string, storeBudget: number): CommandContext =>
  ({ storeRoot, root: testFolder(), options: { storeBudget }, now: () => new Date() }) as unknown as CommandContext;

/** A store with two artefacts of a mebibyte, of which a record names the older one. */
const filled = async (): Promise<{ readonly root: string; readonly folders: readonly string[] }> => {
  const root = join(testFolder(), 'store');
  mkdirSync(root);
  writeFileSync(join(root, 'optimization-gate.txt'), '');
  let now = 1e12;
  const store = await openStore(root, { clock: () => now });
  const folders: string[] = [];
  for (const letter of ['a', 'b']) {
    now += 1e6;
    const { content, folder } = await storeArtefact(store, digest(letter), { 'model.onnx': Buffer.alloc(2 ** 20) });
    folders.push(folder);
    if (letter === 'a')
      await writeRecord(root, 'local', 'build', digest('1'), { artefact: digest(letter), content, seconds: 1, facts: {} });
  }
  await store.close();
  return { root, folders };
};

describe('store', () => {
  it('shows what there is, and its budget, also where nothing is there yet', async () => {
    const { root } = await filled();
    const { exitCode, text, json } = await storeCommand([], contextOf(root, 8));
    expect(exitCode).toBe(0);
    expect(text).toContain(root);
    expect(text).toMatch(/artefacts\s+2, 2\.0 MiB/);
    expect(text).toMatch(/records of local\s+1, /);
    expect(text).toContain('of a budget of 8.0 MiB');
    expect(json).toMatchObject({ path: root, exists: true, artefacts: { count: 2, bytes: 2 ** 21 }, records: { local: { count: 1 } } });
    const nowhere = join(testFolder(), 'nowhere');
    expect((await storeCommand(['show'], contextOf(nowhere, 8))).text).toContain('not there yet');
    expect((await storeCommand(['clean'], contextOf(nowhere, 8))).text).toContain('There is no store');
    expect(existsSync(nowhere)).toBe(false);
  });

  it('cleans down to the budget, what no record names first, and never what a job uses', async () => {
    const { root, folders } = await filled();
    expect((await storeCommand(['clean'], contextOf(root, 8))).json).toMatchObject({ removed: [] });
    const cleaned = await storeCommand(['clean'], contextOf(root, 2));
    expect(cleaned.text).toMatch(/^Removed 1 artefacts and 0 records, 1\.0 MiB\./);
    expect(folders.map((folder) => existsSync(folder))).toEqual([true, false]);
    const running = await openStore(root, { clock: () => Date.now() });
    const [content = ''] = await running.contents(digest('a'));
    await running.artefact({ digest: digest('a'), content });
    expect((await storeCommand(['clean'], contextOf(root, 0))).json).toMatchObject({ removed: [] });
    await running.close();
    expect((await storeCommand(['clean'], contextOf(root, 0))).json).toMatchObject({ removed: [digest('a')], keptBytes: 0 });
    expect(readdirSync(join(recordFolder(root, 'local'), 'build'))).toEqual([]);
  });

  it('verifies every file, and removes what is damaged', async () => {
    const { root, folders } = await filled();
    expect(await storeCommand(['verify'], contextOf(root, 8))).toMatchObject({ exitCode: 0, text: '2 of 2 artefacts are whole.' });
    const file = join(folders[1] ?? '', 'model.onnx');
    chmodSync(file, 0o644);
    writeFileSync(file, 'other');
    const { exitCode, text } = await storeCommand(['verify'], contextOf(root, 8));
    expect([exitCode, text]).toEqual([
      3,
      expect.stringMatching(
        /^1 of 2 artefacts are whole\.\nRemoved: The stored files b{12} were read\. They are damaged: "model\.onnx" has changed\.$/,
      ),
    ]);
    expect(await storeCommand(['verify'], contextOf(root, 8))).toMatchObject({ exitCode: 0, text: '1 of 1 artefacts are whole.' });
  });

  it('refuses another word, and a folder that is no store', async () => {
    const { root } = await filled();
    await expect(storeCommand(['empty'], contextOf(root, 8))).rejects.toMatchObject({ code: 'usage-unknown-command' });
    await expect(storeCommand(['clean', 'all'], contextOf(root, 8))).rejects.toMatchObject({ code: 'usage-bad-value' });
    const foreign = testFolder();
    writeFileSync(join(foreign, 'thesis.txt'), 'mine');
    await expect(storeCommand(['clean'], contextOf(foreign, 0))).rejects.toMatchObject({ code: 'folder-refused' });
    expect(readdirSync(foreign)).toEqual(['thesis.txt']);
  });
});
