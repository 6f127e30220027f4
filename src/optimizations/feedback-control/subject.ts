import type { Subject } from '../../contract/optimization.ts';
import { decodeValue } from '../../records/decode.ts';
import { feedbackObservation, feedbackSetting } from './exchange.ts';
import { type FeedbackOptions, feedbackOptions } from './options.ts';
import { proportionalIntegral } from './proportional-integral.ts';

/** Sets the batch of each step from the latency of the one before. */
export const feedbackControl: Subject<FeedbackOptions> = {
  start: async (episode) => {
    const options = feedbackOptions.parse(episode.options, 'options');
    const control = proportionalIntegral(decodeValue(feedbackSetting, episode.setting, 'setting'), options);
    return { next: async (seen) => ({ batch: control(decodeValue(feedbackObservation, seen, 'observation')) }) };
  },
};
