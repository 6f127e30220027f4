import { join } from 'node:path';
import { digestOf } from '../records/decode.ts';
import type { Plan } from '../records/plan.ts';
import type { RecordTrust } from '../store/record-book.ts';
import { cachedParts, digestOfCached, recordFolder, removeRecords } from '../store/record-files.ts';
import type { CommandContext } from './context.ts';

/** The entries of the workflow cache that a run reads and writes, by how their keys begin. The digest of their records follows. */
interface CacheKeys {
  readonly save: string;
  /** In this order: entries like the one that would be saved, then others. */
  readonly restore: readonly string[];
  /** Entries that hold all that this run would save. */
  readonly complete: readonly string[];
}

/**
 * What decides what is worth keeping in the store: the machine (see `storedBuildKey`), the models,
 * the builds, the programs that were seen to work, and what measured them, since memory that is
 * only shown is taken over too. An older store of the same machine and models is a start. The key
 * begins with who wrote the entry: a run takes none that it must not believe (docs/store.md).
 */
export const cacheKeys = (
  plan: Pick<Plan, 'models' | 'builds' | 'cells' | 'runtime'>,
  cpu: string,
  { reads, writes }: RecordTrust,
): CacheKeys => {
  const machine = digestOf(JSON.stringify([process.platform, process.arch, cpu, plan.runtime.ort])).slice(0, 16);
  const models = digestOf(JSON.stringify(plan.models.map(({ digest }) => digest).sort())).slice(0, 16);
  const builds = plan.builds.map(({ key }) => key).sort();
  const programs = plan.cells.flatMap(({ arms }) => arms.flatMap(({ policy, code }) => (policy === null ? [] : [code]))).sort();
  const kept = digestOf(JSON.stringify([plan.runtime.digest, process.version, builds, programs])).slice(0, 16);
  const beginningOf = (part: string): string => `optimization-gate-${part}-${machine}-${models}-`;
  const whole = reads.map((part) => `${beginningOf(part)}${kept}-`);
  // Its own entries first: they hold what the others do, and more.
  const parts = reads.toSorted((a, b) => Number(b === writes) - Number(a === writes));
  return { save: `${beginningOf(writes)}${kept}-`, restore: [...whole, ...parts.map(beginningOf)], complete: whole };
};

/** What of the store travels: the same folders for every run, since the cache tells entries apart by them too. */
const cachedFolders = ({ storeRoot }: CommandContext): readonly string[] => [
  join(storeRoot, 'artefacts'),
  ...cachedParts.map((part) => recordFolder(storeRoot, part)),
];

/**
 * Brings artefacts and records of earlier runs back. Records that lie on the disk of the runner do
 * not count: code of an earlier job may have written them. Nor do those of an entry that are not the
 * ones that its key names: code that outlived its job wrote them while the entry was packed. Returns
 * the key that matched, or null.
 */
export const restoreStore = async (context: CommandContext, plan: Plan, cpu: string, trust: RecordTrust): Promise<string | null> => {
  if (trust.writes === 'local') return null;
  for (const part of cachedParts) await removeRecords(context.storeRoot, part);
  if (!context.options.cache) return null;
  const { save, restore } = cacheKeys(plan, cpu, trust);
  const matched = await context.host.cache.restore(save, restore, cachedFolders(context));
  if (matched === null) return null;
  if (!matched.endsWith(`-${await digestOfCached(context.storeRoot)}`)) {
    for (const part of cachedParts) await removeRecords(context.storeRoot, part);
    context.host.log.warn(`The records of the cache entry ${matched} are not those that its key names, and are not used.`);
    return null;
  }
  context.host.log.info(`Restored models and artefacts from the cache (${matched}).`);
  return matched;
};

/**
 * Keeps them for later runs, unless what was restored held all of it.
 * @param records digest of the records that the store holds
 */
export const saveStore = async (
  context: CommandContext,
  plan: Plan,
  cpu: string,
  trust: RecordTrust,
  matched: string | null,
  records: string,
): Promise<void> => {
  const { save, complete } = cacheKeys(plan, cpu, trust);
  if (trust.writes === 'local' || !context.options.cache || complete.some((each) => matched?.startsWith(each) === true)) return;
  const key = `${save}${records}`;
  if ((await context.host.cache.save(key, cachedFolders(context))) === 'saved')
    context.host.log.info(`Saved models and artefacts to the cache (${key}).`);
};
