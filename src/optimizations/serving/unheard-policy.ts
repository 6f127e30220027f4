import type { Tools } from '../../contract/player.ts';
import type { Json } from '../../records/words.ts';

/**
 * Starts a policy whose answers do not count: what it does wrong is its own arm's to show. It is asked where no other policy is, so that
 * whatever asking costs the machine meets every arm. Whoever has none to ask is not asked.
 */
export const unheard = async ({ policy }: Pick<Tools, 'policy'>, setting: Json): Promise<(observation: Json) => Promise<void>> => {
  const started = await policy(setting).catch(() => null);
  return async (observation) => {
    await started?.next(observation).catch(() => null);
  };
};
