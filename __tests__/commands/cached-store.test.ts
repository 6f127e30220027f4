import { describe, expect, it } from 'vitest';
import { type CachedStore, entryBytes, itemsToSave } from '../../src/commands/cached-store.ts';
import type { StoredItem } from '../../src/store/stored-items.ts';

const started = 1000;
const artefact = (name: string, used = started + 1, bytes = 1): StoredItem => ({
  name: `artefacts/${name}`,
  kind: 'artefact',
  bytes,
  used,
  files: [],
});
const record = (name: string, used = started + 1, bytes = 1): StoredItem => ({
  name: `records/${name}`,
  kind: 'record',
  bytes,
  used,
  files: [],
});
const keys = { plan: 'p-', newest: 'n-' };
const layer = (...items: readonly StoredItem[]) => ({ keys, key: 'p-1', damaged: false, items: new Set(items.map(({ name }) => name)) });

const cached = (
  event: CachedStore['event'],
  own: readonly StoredItem[],
  below: readonly StoredItem[] | null,
  others: readonly StoredItem[] = [],
): CachedStore => ({
  event,
  own: layer(...own),
  below: below === null ? null : layer(...below),
  before: new Set([...own, ...(below ?? []), ...others].map(({ name }) => name)),
  started,
});
const names = (items: readonly StoredItem[] | null): readonly string[] | null => items?.map(({ name }) => name).toSorted() ?? null;

describe('a change', () => {
  const ofMain = [artefact('base', 1), record('build/base', 1)];

  it('saves what it built and the default branch lacks', () => {
    const present = [artefact('base'), record('build/base', 1), artefact('head'), record('build/head')];
    expect(names(itemsToSave(cached('change', [], ofMain), present))).toEqual(['artefacts/head', 'records/build/head']);
  });

  it('saves nothing where it built and tuned nothing, and what it tuned', () => {
    const state = cached('change', [artefact('head', 1)], ofMain);
    const present = [artefact('base'), artefact('head'), record('seen/one')];
    expect(itemsToSave(state, present)).toBeNull();
    expect(names(itemsToSave(state, [...present, record('tuned/one')]))).toEqual([
      'artefacts/head',
      'records/seen/one',
      'records/tuned/one',
    ]);
  });

  it('leaves out what an earlier push built and this one did not use, and what another project of the machine keeps', () => {
    const state = cached('change', [artefact('stale', 1), record('solo/stale', 1)], ofMain, [
      artefact('other', 1),
      record('solo/other', 1),
    ]);
    const present = [artefact('stale', 1), record('solo/stale', 1), artefact('other', 1), record('solo/other', 1), artefact('head')];
    expect(names(itemsToSave(state, present))).toEqual(['artefacts/head', 'records/solo/stale']);
  });

  it('replaces a damaged entry even where nothing was built', () => {
    const state = { ...cached('change', [], ofMain), own: { ...layer(), damaged: true } };
    expect(names(itemsToSave(state, [artefact('base'), record('seen/one')]))).toEqual(['records/seen/one']);
    expect(itemsToSave(state, [artefact('base')])).toBeNull();
  });
});

describe('the default branch', () => {
  it('keeps what its entry gave and adds what is new or was used', () => {
    const state = cached('default-branch', [artefact('old', 1), record('seen/old', 1)], null, [artefact('other', 1), artefact('used', 1)]);
    const present = [artefact('old', 1), record('seen/old', 1), artefact('other', 1), artefact('used')];
    expect(names(itemsToSave(state, present))).toEqual(['artefacts/old', 'artefacts/used', 'records/seen/old']);
    expect(itemsToSave(state, [artefact('old', 1), record('seen/old', 1), artefact('other', 1)])).toBeNull();
  });
});

it('an entry stays within its bytes: the newest artefacts, and the newest records beside them', () => {
  const third = entryBytes['default-branch'] / 3;
  const present = [
    artefact('a', started + 1, third),
    artefact('b', started + 4, third),
    artefact('c', started + 3, third),
    artefact('d', started + 2, 10),
  ];
  const records = [record('tuned/1', started + 1, 20 * 2 ** 20), record('tuned/2', started + 2, 20 * 2 ** 20)];
  expect(names(itemsToSave(cached('default-branch', [], null), [...present, ...records]))).toEqual([
    'artefacts/b',
    'artefacts/c',
    'artefacts/d',
    'records/tuned/2',
  ]);
});
