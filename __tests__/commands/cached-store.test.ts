import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { restoreStore, saveStore } from '../../src/commands/cached-store.ts';
import type { CommandContext } from '../../src/commands/context.ts';
import type { Cache } from '../../src/host/contract.ts';
import { type Json, jsonValue } from '../../src/records/words.ts';
import { openRecordBook, type RecordTrust } from '../../src/store/record-book.ts';
import { recordFolder } from '../../src/store/record-files.ts';
import { cell, planOf } from '../gate/fixtures.ts';
import { testFolder } from '../testkit/folder.ts';

const plan = planOf([cell('mini/pruning')]);
const digest = (letter: string): string => letter.repeat(64);
const branch: RecordTrust = { reads: ['default-branch'], writes: 'default-branch' };
const change: RecordTrust = { reads: ['default-branch', 'changes'], writes: 'changes' };

/** A cache whose entries are folders, the newest first. `pack` runs before an entry is packed. */
const cacheIn = (folder: string, pack: (paths: readonly string[]) => void = () => {}): Cache => {
  const keys: string[] = [];
  return {
    restore: async (_, restoreKeys, paths) => {
      const [found] = restoreKeys.flatMap((each) => keys.filter((key) => key.startsWith(each)).toReversed());
      if (found === undefined) return null;
      for (const path of paths)
        if (existsSync(join(folder, found, basename(path)))) cpSync(join(folder, found, basename(path)), path, { recursive: true });
      return found;
    },
    save: async (key, paths) => {
      pack(paths);
      keys.push(key);
      for (const path of paths) if (existsSync(path)) cpSync(path, join(folder, key, basename(path)), { recursive: true });
      return 'saved';
    },
  };
};

const contextOf = (storeRoot: string, cache: Cache, said: string[] = []): CommandContext =>
  ({
    storeRoot,
    options: { cache: true },
    host: { cache, log: { info: () => {}, warn: (text: string) => said.push(text) } },
  }) as unknown as CommandContext;

const plant = (root: string, part: 'changes' | 'default-branch', value: Json): void => {
  mkdirSync(join(recordFolder(root, part), 'tuned'), { recursive: true });
  writeFileSync(join(recordFolder(root, part), 'tuned', `${digest('a')}.json`), JSON.stringify({ kind: 'tuned', key: digest('a'), value }));
};

/** What a run that begins in a store finds, and ends with what it adds. */
const job = async (context: CommandContext, trust: RecordTrust, adds: Json = null): Promise<readonly Json[]> => {
  const matched = await restoreStore(context, plan, 'cpu', trust);
  const book = await openRecordBook(context.storeRoot, trust);
  const found = book.all('tuned', jsonValue);
  if (adds !== null) await book.write('tuned', digest('a'), adds);
  await book.restore();
  await saveStore(context, plan, 'cpu', trust, matched, book.digest());
  return found;
};

describe('the store in the workflow cache', () => {
  it('hands on what a run of the same kind kept, and nothing that lies on the disk of the runner', async () => {
    const cache = cacheIn(testFolder());
    const root = testFolder();
    plant(root, 'default-branch', 'planted');
    plant(root, 'changes', 'planted');
    expect(await job(contextOf(root, cache), branch, 'of main')).toEqual([]);
    plant(root, 'default-branch', 'planted');
    expect(await job(contextOf(root, cache), branch)).toEqual(['of main']);
    expect(await job(contextOf(testFolder(), cache), change)).toEqual(['of main']);
  });

  it('keeps what a change kept from the default branch', async () => {
    const cache = cacheIn(testFolder());
    expect(await job(contextOf(testFolder(), cache), change, 'of a change')).toEqual([]);
    expect(await job(contextOf(testFolder(), cache), change)).toEqual(['of a change']);
    expect(await job(contextOf(testFolder(), cache), branch)).toEqual([]);
  });

  it('does not use what something wrote while the entry was packed, and says so', async () => {
    const root = testFolder();
    const cache = cacheIn(testFolder(), () => plant(root, 'changes', 'forged'));
    await job(contextOf(root, cache), change, 'honest');
    const said: string[] = [];
    expect(await job(contextOf(testFolder(), cache, said), change)).toEqual([]);
    expect(said).toEqual([expect.stringMatching(/^The records of the cache entry optimization-gate-changes-.* are not used\.$/)]);
  });
});
