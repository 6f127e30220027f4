import { mkdirSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evict } from '../../src/store/eviction.ts';
import { recordFolder, writeRecord } from '../../src/store/record-files.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { testFolder } from '../testkit/folder.ts';
import { storeArtefact } from '../testkit/stored-artefact.ts';

const digest = (letter: string): string => letter.repeat(64);
const never = { maxBytes: 1e12, minFreeBytes: 0 };

const add = async (store: Store, letter: string, bytes: number): Promise<{ readonly digest: string; readonly content: string }> => {
  const { content } = await storeArtefact(store, digest(letter), { 'model.onnx': 'x'.repeat(bytes) });
  return { digest: digest(letter), content };
};

const open = (root: string, clock = (): number => Date.now()): Promise<Store> => openStore(root, { clock, waitSeconds: 20 });

const bytesOf = (file: string): number => readdirSync(file).length;

describe('eviction', () => {
  it('removes the longest unused first, never what a job uses', async () => {
    const root = testFolder();
    let now = Date.now();
    const filling = await open(root, () => now);
    const added: Record<string, { readonly digest: string; readonly content: string }> = {};
    for (const letter of ['a', 'b', 'c', 'd']) {
      now += 60_000;
      added[letter] = await add(filling, letter, 100);
    }
    now += 60_000;
    await filling.artefact(added['a']!);
    expect((await evict(filling, { maxBytes: 0, minFreeBytes: 0 })).removed).toEqual([]);
    await filling.close();
    const using = await open(root);
    await using.artefact(added['c']!);
    expect(await evict(filling, { maxBytes: 250, minFreeBytes: 0 })).toEqual({
      removed: [digest('b'), digest('d')],
      records: [],
      freedBytes: 200,
      keptBytes: 200,
    });
    expect((await evict(filling, { maxBytes: 1e9, minFreeBytes: 1e18 })).removed).toEqual([digest('a')]);
    expect(readdirSync(join(root, 'artefacts'))).toEqual([digest('c')]);
    expect(readdirSync(join(root, 'staging'))).toEqual([]);
  });

  it('removes what no record names first, and a record with the artefact that it names', async () => {
    const root = testFolder();
    let now = Date.now();
    const store = await open(root, () => now);
    const named = await add(store, 'a', 1000);
    now += 60_000;
    await add(store, 'b', 1000);
    await store.close();
    const build = { artefact: named.digest, content: named.content, seconds: 1, facts: {} };
    await writeRecord(root, 'local', 'build', digest('1'), build);
    await writeRecord(root, 'changes', 'build', digest('1'), build);
    await writeRecord(root, 'local', 'tuned', digest('2'), { value: 1 });
    expect((await evict(store, { maxBytes: 2000, minFreeBytes: 0 })).removed).toEqual([digest('b')]);
    expect(bytesOf(join(recordFolder(root, 'local'), 'build'))).toBe(1);
    expect(await evict(store, { maxBytes: 900, minFreeBytes: 0 })).toMatchObject({
      removed: [digest('a')],
      records: [
        { kind: 'build', key: digest('1') },
        { kind: 'build', key: digest('1') },
      ],
    });
    expect(bytesOf(join(recordFolder(root, 'local'), 'build')) + bytesOf(join(recordFolder(root, 'changes'), 'build'))).toBe(0);
    expect(bytesOf(join(recordFolder(root, 'local'), 'tuned'))).toBe(1);
  });

  it('removes records of artefacts that are gone, and the oldest others where nothing else is left', async () => {
    const root = testFolder();
    const store = await open(root);
    await writeRecord(root, 'local', 'build', digest('1'), { artefact: digest('a'), content: digest('b'), seconds: 1, facts: {} });
    for (const [age, key] of ['3', '4', '5'].entries()) {
      await writeRecord(root, 'local', 'tuned', digest(key), { value: 'x'.repeat(1000) });
      utimesSync(join(recordFolder(root, 'local'), 'tuned', `${digest(key)}.json`), 1000 + age, 1000 + age);
    }
    expect((await evict(store, never)).records).toHaveLength(1);
    expect((await evict(store, { maxBytes: 1500, minFreeBytes: 0 })).records).toHaveLength(2);
    expect(readdirSync(join(recordFolder(root, 'local'), 'tuned'))).toEqual([`${digest('5')}.json`]);
  });

  it('removes first what is damaged, and leaves alone what it did not make', async () => {
    const root = testFolder();
    const store = await open(root);
    await add(store, 'a', 100);
    await store.close();
    mkdirSync(join(root, 'artefacts', digest('b'), digest('c')), { recursive: true });
    mkdirSync(join(root, 'artefacts', 'mine'));
    expect((await evict(store, { maxBytes: 50, minFreeBytes: 0 })).removed).toEqual([digest('b'), digest('a')]);
    expect(readdirSync(join(root, 'artefacts'))).toEqual(['mine']);
  });

  it('keeps to its budget for any sizes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 0, max: 150 }),
        async (sizes, maxBytes) => {
          const store = await open(testFolder());
          for (const [index, size] of sizes.entries()) await add(store, 'abcde'.charAt(index), size);
          await store.close();
          const { keptBytes, freedBytes } = await evict(store, { maxBytes, minFreeBytes: 0 });
          expect(keptBytes).toBeLessThanOrEqual(maxBytes);
          expect(keptBytes + freedBytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
        },
      ),
      { numRuns: 8 },
    );
  });
});
