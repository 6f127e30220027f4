/**
 * A pool of one's own as a JavaScript module: `module: optimize/pool.mjs`, `like: architecture-search`. It has both halves of the contract.
 *
 * `build` is asked for one member of the pool at a time and told its shape; here widths alone, cut as `prune.ts` cuts them. `start` tries the members,
 * and then serves, of those that meet the latency budget, the one that answers best. Bundle it into one file before it is committed.
 */
import type {
  BuildContext,
  BuildResult,
  EpisodeStart,
  Policy,
  PoolSearchAction,
  PoolSearchObservation,
  PoolSearchSetting,
  PoolServeAction,
  PoolServeObservation,
  PoolServeSetting,
  PoolShape,
} from '../../src/index.ts';
import { build as prune } from './prune.ts';

/** The contract's `build`: one member of the pool. */
export const build = async (context: BuildContext): Promise<BuildResult> => {
  const { depth, width } = context.variant.options as PoolShape;
  if (depth !== 1) throw new Error(`${context.variant.name}: no layer goes here; say a pool of depth 1 under like-with`);
  return prune({ ...context, options: { ratio: 1 - width } });
};

/** Tries one member after the other, as many as it may, and offers all that it has seen. */
const search = ({ members }: PoolSearchSetting): Policy<PoolSearchObservation, PoolSearchAction> => {
  const names = members.map(({ name }) => name);
  let seen = 1;
  return {
    next: async ({ left }) => {
      const name = left > 0 ? names[seen] : undefined;
      if (name === undefined) return { offer: names.slice(0, seen) };
      seen += 1;
      return { try: name };
    },
  };
};

/** The best answers that the latency budget allows; where it allows none, the fastest. */
const serve = ({ members }: PoolServeSetting): Policy<PoolServeObservation, PoolServeAction> => {
  const fastest = members.toSorted((a, b) => a.latency - b.latency);
  const best = members.toSorted((a, b) => a['nll-delta'] - b['nll-delta']);
  return {
    next: async ({ budget }) => ({ serve: (best.find(({ latency }) => latency <= budget) ?? fastest[0])?.name ?? '' }),
  };
};

/** The contract's `start`: the policy of one episode. */
export const start = async ({ setting }: EpisodeStart<PoolSearchSetting | PoolServeSetting>): Promise<Policy<never>> =>
  setting.task === 'search' ? search(setting) : serve(setting);
