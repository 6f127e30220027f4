import type { Subject } from '../../contract/optimization.ts';
import { decodeValue } from '../../records/decode.ts';
import { aimdController } from './aimd.ts';
import { batchingObservation, batchingSetting } from './exchange.ts';
import { type BatchingOptions, batchingOptions } from './options.ts';
import { tokenBudgetController } from './token-budget.ts';

/** Chooses the next batch from what waits and what the batch before took. */
export const adaptiveBatching: Subject<BatchingOptions> = {
  start: async (episode) => {
    const options = batchingOptions.parse(episode.options, 'options');
    const setting = decodeValue(batchingSetting, episode.setting, 'setting');
    const choose = options.controller === 'aimd' ? aimdController(setting, options) : tokenBudgetController(setting, options);
    return { next: async (seen) => ({ batch: choose(decodeValue(batchingObservation, seen, 'observation')) }) };
  },
};
