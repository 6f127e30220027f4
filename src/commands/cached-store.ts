import { join } from 'node:path';
import { digestOf } from '../records/decode.ts';
import type { Plan } from '../records/plan.ts';
import type { CommandContext } from './context.ts';

/**
 * What decides what is worth keeping in the store: the machine (see `storedBuildKey`), the models,
 * the builds, the programs that were seen to work, and what measured them, since memory that is
 * only shown is taken over too. An older store of the same machine and models is a start.
 */
export const cacheKey = (
  plan: Pick<Plan, 'models' | 'builds' | 'cells' | 'runtime'>,
  cpu: string,
): { readonly key: string; readonly restore: readonly string[] } => {
  const machine = digestOf(JSON.stringify([process.platform, process.arch, cpu, plan.runtime.ort])).slice(0, 16);
  const models = digestOf(JSON.stringify(plan.models.map(({ digest }) => digest).sort())).slice(0, 16);
  const builds = plan.builds.map(({ key }) => key).sort();
  const programs = plan.cells.flatMap(({ arms }) => arms.flatMap(({ policy, code }) => (policy === null ? [] : [code]))).sort();
  const kept = digestOf(JSON.stringify([plan.runtime.digest, process.version, builds, programs])).slice(0, 16);
  const prefix = `optimization-gate-${machine}-${models}-`;
  return { key: `${prefix}${kept}`, restore: [prefix] };
};

/** What of the store is worth keeping: not its locks, leases and work in progress. */
const cachedFolders = ({ storeRoot }: CommandContext): readonly string[] => ['artefacts', 'records'].map((name) => join(storeRoot, name));

/** Brings models and artefacts of earlier runs back. Returns the key that matched, or null. */
export const restoreStore = async (context: CommandContext, plan: Plan, cpu: string): Promise<string | null> => {
  if (!context.options.cache) return null;
  const { key, restore } = cacheKey(plan, cpu);
  const matched = await context.host.cache.restore(key, restore, cachedFolders(context));
  if (matched !== null) context.host.log.info(`Restored models and artefacts from the cache (${matched}).`);
  return matched;
};

/** Keeps them for later runs, unless they came from the very same key. */
export const saveStore = async (context: CommandContext, plan: Plan, cpu: string, matched: string | null): Promise<void> => {
  const { key } = cacheKey(plan, cpu);
  if (!context.options.cache || matched === key) return;
  if ((await context.host.cache.save(key, cachedFolders(context))) === 'saved')
    context.host.log.info(`Saved models and artefacts to the cache (${key}).`);
};
