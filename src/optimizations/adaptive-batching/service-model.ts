import { type LoadTest, serviceTime } from '../serving/service-times.ts';

/** Predicts how long a batch takes. */
export interface ServiceModel {
  /** Milliseconds of a batch of so many requests, padded to so many tokens; above 0. Beyond the load test, its largest size. */
  predict(requests: number, tokens: number): number;
  observe(requests: number, tokens: number, ms: number): void;
}

/** What the load test weighs against what is observed, in observations. */
const priorWeight = 8;
/** One observation counts as at most so far off (ln, about a third): a batch that something got in the way of says little of the next. */
const mostSurprise = 0.3;

/**
 * A load test, times the pace since: the mean of ln(taken ÷ tested), in which an observation still weighs `memory` after the next one (1 forgets
 * nothing).
 */
export const serviceModel = (tested: LoadTest, memory: number): ServiceModel => {
  let [sum, weight] = [0, priorWeight];
  return {
    predict: (requests, tokens) => serviceTime(tested, requests, tokens) * Math.exp(sum / weight),
    observe: (requests, tokens, ms) => {
      const pace = sum / weight;
      const surprise = Math.log(ms / serviceTime(tested, requests, tokens)) - pace;
      sum = memory * sum + pace + Math.max(-mostSurprise, Math.min(mostSurprise, surprise));
      weight = memory * weight + 1;
    },
  };
};
