import { asGateError } from '../errors.ts';
import { digestOf } from '../records/decode.ts';
import type { Plan } from '../records/plan.ts';
import { counted, quantity } from '../report/number.ts';
import type { Store } from '../store/store.ts';
import { listItems, type StoredItem, stageItems, takeItems } from '../store/stored-items.ts';
import type { CommandContext } from './context.ts';

/** What an entry may hold, bytes before compression. GitHub keeps 10 GiB for all entries of a repository, and drops the longest unused. */
export const entryBytes = { 'default-branch': 2 * 2 ** 30, change: 512 * 2 ** 20 } as const satisfies Record<Plan['event'], number>;
/** Of these, records: the newest. */
const recordBytes = 32 * 2 ** 20;

/** What an entry is found by: one of the same plan, else the newest of the same machine, models and project. */
export interface CacheKeys {
  readonly plan: string;
  readonly newest: string;
}

/**
 * What decides what is worth keeping in the store: the machine (see `storedBuildKey`), the models,
 * the project, the builds, the programs that were seen to work, and what measured them, since memory
 * that is only shown is taken over too. An older store of the same machine and models is a start.
 * @param owner whose entries they are: `default-branch`, or that of one change, which no other reads
 */
export const cacheKeys = (
  plan: Pick<Plan, 'models' | 'builds' | 'cells' | 'runtime' | 'folders'>,
  owner: string,
  cpu: string,
): CacheKeys => {
  const short = (value: unknown): string => digestOf(JSON.stringify(value)).slice(0, 16);
  const machine = short([process.platform, process.arch, cpu, plan.runtime.ort]);
  const models = short([plan.models.map(({ digest }) => digest).sort(), plan.folders.head]);
  const builds = plan.builds.map(({ key }) => key).sort();
  const programs = plan.cells.flatMap(({ arms }) => arms.flatMap(({ policy, code }) => (policy === null ? [] : [code]))).sort();
  const newest = `optimization-gate-${owner}-${machine}-${models}-`;
  return { plan: `${newest}${short([plan.runtime.digest, process.version, builds, programs])}-`, newest };
};

/** One entry that was looked for. */
interface Layer {
  readonly keys: CacheKeys;
  /** Key of the entry that was found; null without one. */
  readonly key: string | null;
  /** Its content could not be used, or only in part. */
  readonly damaged: boolean;
  /** Names of the items that it gave. */
  readonly items: ReadonlySet<string>;
}

const emptyLayer = (keys: CacheKeys): Layer => ({ keys, key: null, damaged: false, items: new Set() });

/** What the store held when the work began, and from where. */
export interface CachedStore {
  readonly event: Plan['event'];
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
    host.cache.warn(`The workflow cache was not ${doing}: ${asGateError(thrown).message}. The run goes on without it.`);
    return instead;
  }
};

const restoreLayer = async (context: CommandContext, store: Store, keys: CacheKeys): Promise<Layer> => {
  const { cache, log } = context.host;
  const nothing = emptyLayer(keys);
  const staging = await store.staging();
  try {
    const found = await cache.restore([keys.plan, keys.newest], staging);
    if (found.status === 'nothing') return nothing;
    if (found.status === 'damaged') return { ...nothing, key: found.key, damaged: true };
    const { taken, refused } = await takeItems(staging, store.root);
    if (refused.length > 0)
      cache.warn(
        `The workflow cache's entry ${found.key} holds ${counted(refused.length, 'part')} that the gate did not put there, or that changed since (${refused.slice(0, 3).join(', ')}). They are not used. A run that may write saves a new entry, which takes its place.`,
      );
    log.info(`Restored models and artefacts from the cache (${found.key}: ${counted(taken.length, 'item')}).`);
    return { keys, key: found.key, damaged: refused.length > 0, items: new Set(taken) };
  } finally {
    await store.discard(staging);
  }
};

/** Name of a change: some events run beside the default branch, where GitHub shows the entries of one change to all others. */
const ownerOf = async ({ host }: CommandContext, { head }: Plan): Promise<string> => {
  const event = await host.completeEvent();
  return `change-${(event.kind === 'change' ? event.number : null) ?? head.commit.slice(0, 12)}`;
};

/**
 * Brings what earlier runs made back into the store. A change starts from the entry of the default branch, and from its own, which holds
 * only what the other lacks; a run of the default branch reads entries of the default branch alone. Null where the cache is off.
 */
export const restoreStore = async (context: CommandContext, store: Store, plan: Plan, cpu: string): Promise<CachedStore | null> => {
  if (!context.options.cache || context.host.kind !== 'github') return null;
  const layer = (owner: string): Promise<Layer> => {
    const keys = cacheKeys(plan, owner, cpu);
    return unlessRefused(context, 'read', emptyLayer(keys), () => restoreLayer(context, store, keys));
  };
  const below = plan.event === 'change' ? await layer('default-branch') : null;
  const own = plan.event === 'change' ? await layer(await ownerOf(context, plan)) : await layer('default-branch');
  const before = new Set((await listItems(store.root)).map(({ name }) => name));
  return { event: plan.event, own, below, before, started: context.now().getTime() / 1000 };
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
  const { event, own, below, before, started } = cached;
  const isNew = ({ name }: StoredItem): boolean => !before.has(name);
  const isUsed = (item: StoredItem): boolean => isNew(item) || (item.kind === 'artefact' && item.used > started);
  const kept = present.filter(
    (item) =>
      below?.items.has(item.name) !== true &&
      (isUsed(item) || (own.items.has(item.name) && (event === 'default-branch' || item.kind === 'record'))),
  );
  const added = kept.filter((item) => !own.items.has(item.name));
  const worth =
    event === 'default-branch' ? added : added.filter(({ kind, name }) => kind === 'artefact' || name.startsWith('records/tuned/'));
  if (kept.length === 0 || (worth.length === 0 && !own.damaged)) return null;
  return fitting(kept, entryBytes[event]);
};

/** The key of a new entry: entries never change, so one that takes the place of another has the next number. */
const nextKey = ({ own }: CachedStore): string => {
  const [, number] = own.key?.startsWith(own.keys.plan) === true ? (/-(\d{1,9})$/.exec(own.key) ?? []) : [];
  return `${own.keys.plan}${number === undefined ? 1 : Number(number) + 1}`;
};

/** Keeps what this run added for later ones. */
export const saveStore = async (context: CommandContext, store: Store, cached: CachedStore | null): Promise<void> => {
  if (cached !== null) await unlessRefused(context, 'written', undefined, () => saveItems(context, store, cached));
};

const saveItems = async (context: CommandContext, store: Store, cached: CachedStore): Promise<void> => {
  const { cache, log } = context.host;
  const items = itemsToSave(cached, await listItems(store.root));
  if (items === null) return;
  const key = nextKey(cached);
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
