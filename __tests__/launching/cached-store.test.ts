import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { WorkflowCache } from '../../src/host/contract.ts';
import { type CachedStore, entryBytes, itemsToSave, restoreStore, saveStore } from '../../src/launching/cached-store.ts';
import { type Json, jsonValue } from '../../src/records/words.ts';
import type { CommandContext } from '../../src/run/context.ts';
import { openRecordBook, type RecordTrust } from '../../src/store/record-book.ts';
import { recordFolder } from '../../src/store/record-files.ts';
import { openStore } from '../../src/store/store.ts';
import type { StoredItem } from '../../src/store/stored-items.ts';
import { cell, planOf } from '../gate/fixtures.ts';
import { testFolder } from '../testkit/folder.ts';

const plan = planOf([cell('mini/pruning')]);
const digest = (letter: string): string => letter.repeat(64);
const branch: RecordTrust = { reads: ['default-branch'], writes: 'default-branch' };
const change: RecordTrust = { reads: ['default-branch', 'changes'], writes: 'changes' };

/** A cache whose entries are folders, the newest first. `pack` runs on what is packed. */
const cacheIn = (
  folder: string,
  said: string[] = [],
  pack: (staged: string) => void = () => {},
): WorkflowCache & { readonly keys: string[] } => {
  const keys: string[] = [];
  return {
    keys,
    restore: async (prefixes, into) => {
      const [key] = prefixes.flatMap((each) => keys.filter((one) => one.startsWith(each)).toReversed());
      if (key === undefined) return { status: 'nothing' };
      cpSync(join(folder, key), into, { recursive: true });
      return { status: 'restored', key };
    },
    save: async (key, from) => {
      pack(from);
      keys.push(key);
      cpSync(from, join(folder, key), { recursive: true });
      return 'saved';
    },
    warn: (text) => void said.push(text),
  };
};

const contextOf = (storeRoot: string, cache: WorkflowCache, number = 7): CommandContext =>
  ({
    storeRoot,
    options: { cache: true },
    now: () => new Date(),
    host: {
      cache,
      completeEvent: async () => ({ kind: 'change', number }),
      log: { info: () => {}, warn: () => {} },
    },
  }) as unknown as CommandContext;

const plant = (root: string, part: 'changes' | 'default-branch', value: Json): void => {
  mkdirSync(join(recordFolder(root, part), 'tuned'), { recursive: true });
  writeFileSync(join(recordFolder(root, part), 'tuned', `${digest('a')}.json`), JSON.stringify({ kind: 'tuned', key: digest('a'), value }));
};

/** What a run that begins in a store finds, and ends with what it adds. */
const job = async (context: CommandContext, trust: RecordTrust, adds: Json = null): Promise<readonly Json[]> => {
  const store = await openStore(context.storeRoot, { clock: Date.now });
  const cached = await restoreStore(context, store, plan, 'cpu', trust);
  const book = await openRecordBook(context.storeRoot, trust);
  const found = book.all('tuned', jsonValue);
  if (adds !== null) await book.write('tuned', digest('a'), adds);
  await book.restore();
  await saveStore(context, store, cached, book);
  await store.close();
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
    expect(cache.keys).toEqual([expect.stringMatching(/^optimization-gate-default-branch-(?:[0-9a-f]{16}-){3}1-[0-9a-f]{64}$/)]);
  });

  it('keeps what a change kept from the default branch, and from other changes', async () => {
    const cache = cacheIn(testFolder());
    expect(await job(contextOf(testFolder(), cache), change, 'of a change')).toEqual([]);
    expect(await job(contextOf(testFolder(), cache), change)).toEqual(['of a change']);
    expect(await job(contextOf(testFolder(), cache, 77), change)).toEqual([]);
    expect(await job(contextOf(testFolder(), cache), branch)).toEqual([]);
    expect(cache.keys).toEqual([expect.stringMatching(/^optimization-gate-changes-7-/)]);
  });

  it('does not use what something wrote while the entry was packed, says so, and puts another in its place', async () => {
    const said: string[] = [];
    let forges = true;
    const cache = cacheIn(testFolder(), said, (staged) => forges && plant(staged, 'changes', 'forged'));
    await job(contextOf(testFolder(), cache), change, 'honest');
    forges = false;
    expect(await job(contextOf(testFolder(), cache), change, 'honest')).toEqual([]);
    expect(said).toEqual([
      expect.stringMatching(/^The workflow cache's entry optimization-gate-changes-7-.* holds 1 part that the gate did not put there/),
    ]);
    expect(await job(contextOf(testFolder(), cache), change)).toEqual(['honest']);
    expect(cache.keys.map((key) => key.split('-').at(-2))).toEqual(['1', '2']);
  });

  it('takes records of no other part than that of the entry', async () => {
    const said: string[] = [];
    const cache = cacheIn(testFolder(), said, (staged) => plant(staged, 'default-branch', 'forged'));
    await job(contextOf(testFolder(), cache), change, 'honest');
    expect(await job(contextOf(testFolder(), cache), change)).toEqual(['honest']);
    expect(said).toEqual([expect.stringContaining(`: records/default-branch/tuned/${digest('a')}.json.`)]);
  });

  it('uses no record that something wrote into the store while the entry was read', async () => {
    const said: string[] = [];
    const cache = cacheIn(testFolder(), said);
    await job(contextOf(testFolder(), cache), change, 'honest');
    const root = testFolder();
    const restore = cache.restore;
    const disturbed: WorkflowCache = {
      ...cache,
      restore: (prefixes, into) => {
        plant(root, 'default-branch', 'planted');
        return restore(prefixes, into);
      },
    };
    expect(await job(contextOf(root, disturbed), change)).toEqual([]);
    expect(said).toEqual([expect.stringContaining('None is used.')]);
  });
});

const started = 1000;
const artefactOf = (name: string, used = started + 1, bytes = 1): StoredItem => ({
  name: `artefacts/${name}`,
  kind: 'artefact',
  bytes,
  used,
  files: [],
});
const recordOf = (name: string, used = started + 1, bytes = 1): StoredItem => ({
  name: `records/changes/${name}`,
  kind: 'record',
  bytes,
  used,
  files: [],
});
const keys = { plan: 'p-', newest: 'n-' };
const layerOf = (...items: readonly StoredItem[]) => ({
  keys,
  key: 'p-1',
  damaged: false,
  items: new Set(items.map(({ name }) => name)),
  records: [],
});

const cached = (
  part: CachedStore['part'],
  own: readonly StoredItem[],
  below: readonly StoredItem[] | null,
  others: readonly StoredItem[] = [],
): CachedStore => ({
  part,
  own: layerOf(...own),
  below: below === null ? null : layerOf(...below),
  before: new Set([...own, ...(below ?? []), ...others].map(({ name }) => name)),
  started,
});
const names = (items: readonly StoredItem[] | null): readonly string[] | null => items?.map(({ name }) => name).toSorted() ?? null;

describe('a change', () => {
  const ofMain = [artefactOf('base', 1), recordOf('build/base', 1)];

  it('saves what it built and the default branch lacks', () => {
    const present = [artefactOf('base'), recordOf('build/base', 1), artefactOf('head'), recordOf('build/head')];
    expect(names(itemsToSave(cached('changes', [], ofMain), present))).toEqual(['artefacts/head', 'records/changes/build/head']);
  });

  it('saves nothing where it built and tuned nothing, and what it tuned', () => {
    const state = cached('changes', [artefactOf('head', 1)], ofMain);
    const present = [artefactOf('base'), artefactOf('head'), recordOf('seen/one')];
    expect(itemsToSave(state, present)).toBeNull();
    expect(names(itemsToSave(state, [...present, recordOf('tuned/one')]))).toEqual([
      'artefacts/head',
      'records/changes/seen/one',
      'records/changes/tuned/one',
    ]);
  });

  it('leaves out what an earlier push built and this one did not use, and what another project of the machine keeps', () => {
    const state = cached('changes', [artefactOf('stale', 1), recordOf('solo/stale', 1)], ofMain, [
      artefactOf('other', 1),
      recordOf('solo/other', 1),
    ]);
    const present = [
      artefactOf('stale', 1),
      recordOf('solo/stale', 1),
      artefactOf('other', 1),
      recordOf('solo/other', 1),
      artefactOf('head'),
    ];
    expect(names(itemsToSave(state, present))).toEqual(['artefacts/head', 'records/changes/solo/stale']);
  });

  it('replaces a damaged entry even where nothing was built', () => {
    const state = { ...cached('changes', [], ofMain), own: { ...layerOf(), damaged: true } };
    expect(names(itemsToSave(state, [artefactOf('base'), recordOf('seen/one')]))).toEqual(['records/changes/seen/one']);
    expect(itemsToSave(state, [artefactOf('base')])).toBeNull();
  });
});

describe('the default branch', () => {
  it('keeps what its entry gave and adds what is new or was used', () => {
    const state = cached('default-branch', [artefactOf('old', 1), recordOf('seen/old', 1)], null, [
      artefactOf('other', 1),
      artefactOf('used', 1),
    ]);
    const present = [artefactOf('old', 1), recordOf('seen/old', 1), artefactOf('other', 1), artefactOf('used')];
    expect(names(itemsToSave(state, present))).toEqual(['artefacts/old', 'artefacts/used', 'records/changes/seen/old']);
    expect(itemsToSave(state, [artefactOf('old', 1), recordOf('seen/old', 1), artefactOf('other', 1)])).toBeNull();
  });
});

it('an entry stays within its bytes: the newest artefacts, and the newest records beside them', () => {
  const third = entryBytes['default-branch'] / 3;
  const present = [
    artefactOf('a', started + 1, third),
    artefactOf('b', started + 4, third),
    artefactOf('c', started + 3, third),
    artefactOf('d', started + 2, 10),
  ];
  const records = [recordOf('tuned/1', started + 1, 20 * 2 ** 20), recordOf('tuned/2', started + 2, 20 * 2 ** 20)];
  expect(names(itemsToSave(cached('default-branch', [], null), [...present, ...records]))).toEqual([
    'artefacts/b',
    'artefacts/c',
    'artefacts/d',
    'records/changes/tuned/2',
  ]);
});
