import type { ModelFacts } from '../../records/serving.ts';

/**
 * Held-out windows for the loss of variants that are searched or swapped: about two thousand tokens, an eighth of an evaluation, because
 * every variant of a pool is scored. Captions are short, so that there are more of them.
 */
export const lossWindows = ({ vision }: Pick<ModelFacts, 'vision'>): number => (vision ? 32 : 4);
