import { asGateError, asSentence } from '../errors.ts';
import type { Plan } from '../records/plan.ts';
import { counted, quantity } from '../report/number.ts';
import type { CommandContext } from '../run/context.ts';
import type { RecordBook, RecordTrust } from '../store/record-book.ts';
import { cachedParts, digestOfCached, digestOfRecords, type PlacedRecord, type RecordPart, removeRecords } from '../store/record-files.ts';
import type { Store } from '../store/store.ts';
import { listItems, type StoredItem, stageItems, takeItems } from '../store/stored-items.ts';
import { cacheOwner, nextStoreKey, recordsNamed, type StoreKeys, storeKeys } from './cache-keys.ts';

type CachedPart = (typeof cachedParts)[number];

/** What an entry may hold, bytes before compression. GitHub keeps 10 GiB for all entries of a repository, and drops the longest unused. */
export const entryBytes = { 'default-branch': 2 * 2 ** 30, changes: 512 * 2 ** 20 } as const satisfies Record<CachedPart, number>;
/** Of these, records: the newest. */
const recordBytes = 32 * 2 ** 20;

/** One entry that was looked for. */
interface Layer {
  readonly keys: StoreKeys;
  /** Key of the entry that was found; null without one. */
  readonly key: string | null;
  /** Its content could not be used, or only in part. */
  readonly damaged: boolean;
  /** Names of the items that it gave. */
  readonly items: ReadonlySet<string>;
  /** The records among them. */
  readonly records: readonly PlacedRecord[];
}

const emptyLayer = (keys: StoreKeys): Layer => ({ keys, key: null, damaged: false, items: new Set(), records: [] });

/** What the store held when the work began, and from where. */
export interface CachedStore {
  /** Where this run writes its records, and so whose entry it may renew. */
  readonly part: CachedPart;
  /** The entry that this run may renew, and before it the one that it only reads. */
  readonly own: Layer;
  readonly below: Layer | null;
  /** Names of all items. */
  readonly before: ReadonlySet<string>;
  /** Seconds since the epoch. */
  readonly started: number;
}

/** The work's result, or `instead` after what the disk refused: without a cache a run only takes longer. */
const unlessRefused = async <T>({ host }: CommandContext, doing: string, instead: T, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (thrown) {
    host.cache.warn(`The workflow cache was not ${doing}. ${asSentence(asGateError(thrown).message)} The run goes on without it.`);
    return instead;
  }
};

const restoreLayer = async (context: CommandContext, store: Store, part: RecordPart, keys: StoreKeys): Promise<Layer> => {
  const { cache, log } = context.host;
  const nothing = emptyLayer(keys);
  const staging = await store.staging();
  try {
    const found = await cache.restore([keys.plan, keys.newest], staging);
    if (found.status === 'nothing') return nothing;
    if (found.status === 'damaged') return { ...nothing, key: found.key, damaged: true };
    const { taken, refused, records } = await takeItems(staging, store.root, part, recordsNamed(found.key));
    if (refused.length > 0)
      cache.warn(
        `The workflow cache's entry ${found.key} holds ${counted(refused.length, 'part')} that the gate did not put there, or that changed since: ${refused.slice(0, 3).join(', ')}. They are not used. A run that may write to the cache replaces the entry.`,
      );
    log.info(`Restored models and artefacts from the cache (${found.key}: ${counted(taken.length, 'item')}).`);
    return { keys, key: found.key, damaged: refused.length > 0, items: new Set(taken), records };
  } finally {
    await store.discard(staging);
  }
};

/** Removes the records that lie on the disk for runs of a host. */
const removeCached = async ({ storeRoot }: CommandContext): Promise<void> => {
  for (const part of cachedParts) await removeRecords(storeRoot, part);
};

/**
 * Brings what earlier runs made back into the store. Records that lie on the disk of the runner do not count: code of an earlier job may
 * have written them. An entry gives records only for the part that its key begins with, and only those that its key names: code that
 * outlived its job wrote others while the entry was packed. A change starts from the entry of the default branch, and from its own, which
 * holds only what the other lacks. Null where the cache is off. Throws `disk-full` and `store-unwritable`.
 */
export const restoreStore = async (
  context: CommandContext,
  store: Store,
  plan: Plan,
  cpu: string,
  { reads, writes }: RecordTrust,
): Promise<CachedStore | null> => {
  if (writes === 'local') return null;
  await removeCached(context);
  if (!context.options.cache) return null;
  const event = await context.host.completeEvent();
  const layer = (part: RecordPart): Promise<Layer> => {
    const keys = storeKeys(plan, cacheOwner(part, event, plan), cpu);
    return unlessRefused(context, 'read', emptyLayer(keys), () => restoreLayer(context, store, part, keys));
  };
  const [other] = reads.filter((part) => part !== writes);
  const below = other === undefined ? null : await layer(other);
  const own = await layer(writes);
  if ((await digestOfCached(store.root)) !== digestOfRecords([...(below?.records ?? []), ...own.records])) {
    await removeCached(context);
    context.host.cache.warn('Something else wrote records into the store while those of the workflow cache were read. None is used.');
  }
  const before = new Set((await listItems(store.root)).map(({ name }) => name));
  return { part: writes, own, below, before, started: context.now().getTime() / 1000 };
};

/** The newest items that fit, records before artefacts: they are small, and spare launches. */
const fitting = (items: readonly StoredItem[], most: number): readonly StoredItem[] => {
  const newestFirst = items.toSorted((a, b) => b.used - a.used);
  const upTo = (kind: StoredItem['kind'], room: number): readonly StoredItem[] => {
    let left = room;
    return newestFirst.filter((item) => {
      if (item.kind !== kind || item.bytes > left) return false;
      left -= item.bytes;
      return true;
    });
  };
  const records = upTo('record', recordBytes);
  return [...records, ...upTo('artefact', most - records.reduce((sum, { bytes }) => sum + bytes, 0))];
};

/**
 * What a new entry holds, or null where none is worth it. The default branch keeps all that its entry gave and that this run made or used,
 * and saves when anything was added. A change keeps what it made or used and the default branch's entry lacks, and saves when it built or
 * tuned something: records alone are made again in seconds. What was found damaged is always replaced.
 */
export const itemsToSave = (cached: CachedStore, present: readonly StoredItem[]): readonly StoredItem[] | null => {
  const { part, own, below, before, started } = cached;
  const isNew = ({ name }: StoredItem): boolean => !before.has(name);
  const isUsed = (item: StoredItem): boolean => isNew(item) || (item.kind === 'artefact' && item.used > started);
  const kept = present.filter(
    (item) =>
      below?.items.has(item.name) !== true &&
      (isUsed(item) || (own.items.has(item.name) && (part === 'default-branch' || item.kind === 'record'))),
  );
  const added = kept.filter((item) => !own.items.has(item.name));
  const worth =
    part === 'default-branch' ? added : added.filter(({ kind, name }) => kind === 'artefact' || name.startsWith(`records/${part}/tuned/`));
  if (kept.length === 0 || (worth.length === 0 && !own.damaged)) return null;
  return fitting(kept, entryBytes[part]);
};

/**
 * Keeps what this run added for later ones. To be called once all code under test has ended and the records are restored: the key names
 * the records as the run holds them, whatever lies on the disk.
 */
export const saveStore = async (context: CommandContext, store: Store, cached: CachedStore | null, records: RecordBook): Promise<void> => {
  if (cached !== null) await unlessRefused(context, 'written', undefined, () => saveItems(context, store, cached, records));
};

const saveItems = async (context: CommandContext, store: Store, cached: CachedStore, records: RecordBook): Promise<void> => {
  const { cache, log } = context.host;
  const held = records.held(cached.part);
  const items = itemsToSave(
    cached,
    (await listItems(store.root)).filter(({ kind, name }) => kind === 'artefact' || held.has(name)),
  );
  if (items === null) return;
  const named = digestOfRecords(items.flatMap(({ name }) => held.get(name) ?? []));
  const key = nextStoreKey(cached.own.keys, cached.own.key, named);
  const staging = await store.staging();
  let outcome: Awaited<ReturnType<typeof cache.save>>;
  try {
    await stageItems(items, store.root, staging);
    outcome = await cache.save(key, staging);
  } finally {
    await store.discard(staging);
  }
  const bytes = quantity(
    items.reduce((sum, item) => sum + item.bytes, 0),
    'bytes',
  );
  if (outcome === 'saved') log.info(`Saved models and artefacts to the cache (${key}: ${counted(items.length, 'item')}, ${bytes}).`);
  if (outcome === 'exists') log.info(`Nothing is saved to the cache: another job saves ${key}.`);
};
