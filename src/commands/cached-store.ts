import { digestOf } from '../records/decode.ts';
import type { Plan } from '../records/plan.ts';
import type { CommandContext } from './context.ts';

/** Everything that decides what is in the store after a run: the models and the builds. */
const keyOf = (plan: Plan): { readonly key: string; readonly restore: readonly string[] } => {
  const models = digestOf(JSON.stringify(plan.models.map(({ digest }) => digest).sort())).slice(0, 16);
  const builds = digestOf(JSON.stringify(plan.builds.map(({ key }) => key).sort())).slice(0, 16);
  const prefix = `optimization-gate-${process.platform}-${process.arch}-${models}-`;
  return { key: `${prefix}${builds}`, restore: [prefix] };
};

/** Brings models and artefacts of earlier runs back. Returns the key that matched, or null. */
export const restoreStore = async (context: CommandContext, plan: Plan): Promise<string | null> => {
  if (!context.options.cache) return null;
  const { key, restore } = keyOf(plan);
  const matched = await context.host.cache.restore(key, restore, [context.storeRoot]);
  if (matched !== null) context.host.log.info(`Restored models and artefacts from the cache (${matched}).`);
  return matched;
};

/** Keeps them for later runs, unless they came from the very same key. */
export const saveStore = async (context: CommandContext, plan: Plan, matched: string | null): Promise<void> => {
  const { key } = keyOf(plan);
  if (!context.options.cache || matched === key) return;
  if ((await context.host.cache.save(key, [context.storeRoot])) === 'saved')
    context.host.log.info(`Saved models and artefacts to the cache (${key}).`);
};
