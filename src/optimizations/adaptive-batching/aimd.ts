import type { BatchingObservation, BatchingSetting } from './exchange.ts';
import type { BatchingOptions } from './options.ts';

/**
 * Additive increase, multiplicative decrease of the largest batch, as in Clipper (Crankshaw et al., NSDI 2017, §4.3.1): after a full
 * batch that stayed within the objective the limit grows by `increase`; after one that took longer it is multiplied by `backoff`.
 */
export const aimdController = (
  { objective, maximum }: BatchingSetting,
  options: Pick<BatchingOptions, 'maximum' | 'headroom' | 'increase' | 'backoff'>,
): ((observation: BatchingObservation) => number) => {
  const most = Math.min(maximum, options.maximum);
  let limit = 1;
  return ({ last }) => {
    if (last !== null && last.ms > objective * (1 - options.headroom)) limit = Math.max(1, limit * options.backoff);
    else if (last !== null && last.requests >= Math.floor(limit)) limit = Math.min(most, limit + options.increase);
    return Math.floor(limit);
  };
};
