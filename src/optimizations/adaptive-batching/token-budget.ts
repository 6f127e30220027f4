import type { BatchingObservation, BatchingSetting } from './exchange.ts';
import type { BatchingOptions } from './options.ts';
import { type ServiceModel, serviceModel } from './service-model.ts';

/** A way to serve the oldest so many requests: its worth, when it ends, and the first batch of it. */
interface Plan {
  readonly worth: number;
  readonly ends: number;
  readonly first: number;
}

/**
 * Gives each batch a budget of tokens, as Sarathi-Serve does (Agrawal et al., OSDI 2024), from the load test of the model at the pace of the
 * machine, but sets it anew each time from deadlines: the queue is cut into consecutive batches so that the most requests are in time, and the
 * first of those batches is served. Requests that are late already go in large batches, which are soonest over. `headroom` keeps a share of
 * the objective free; a millisecond of the server costs as many requests as it serves at half of the objective per batch, so that none
 * that arrives meanwhile waits longer than the other half.
 */
export const tokenBudgetController = (
  setting: BatchingSetting,
  options: Pick<BatchingOptions, 'maximum' | 'headroom' | 'memory'>,
): ((observation: BatchingObservation) => number) => {
  const { objective, service } = setting;
  const most = Math.min(setting.maximum, options.maximum);
  const model = serviceModel(service, options.memory);
  let longest = 0;
  return ({ ages, tokens, last }) => {
    longest = Math.max(longest, ...tokens);
    if (last !== null) model.observe(last.requests, last.longest, last.ms);
    return firstBatch({
      ages,
      tokens,
      most,
      model,
      deadline: objective * (1 - options.headroom),
      price: priceOf(model, objective / 2, longest, most),
    });
  };
};

/** Requests per millisecond of batches that take `half`; at least one request each. */
const priceOf = (model: ServiceModel, half: number, tokens: number, most: number): number => {
  let requests = 1;
  while (requests < most && model.predict(requests + 1, tokens) <= half) requests++;
  return requests / model.predict(requests, tokens);
};

const firstBatch = (queue: {
  readonly ages: readonly number[];
  readonly tokens: readonly number[];
  readonly most: number;
  readonly model: ServiceModel;
  readonly deadline: number;
  readonly price: number;
}): number => {
  const { ages, tokens, most, model, deadline, price } = queue;
  const plans: (Plan | undefined)[] = [{ worth: 0, ends: 0, first: 0 }];
  for (let from = 0; from < ages.length; from++) {
    const before = plans[from];
    if (before === undefined) continue;
    let longest = 0;
    for (let to = from + 1; to <= Math.min(ages.length, from + most); to++) {
      longest = Math.max(longest, tokens[to - 1] ?? 0);
      const ends = before.ends + model.predict(to - from, longest);
      let inTime = 0;
      for (let at = from; at < to; at++) if ((ages[at] ?? 0) + ends <= deadline) inTime++;
      const worth = before.worth + inTime - price * (ends - before.ends);
      const known = plans[to];
      if (known === undefined || worth > known.worth) plans[to] = { worth, ends, first: from === 0 ? to : before.first };
    }
  }
  return plans[ages.length]?.first ?? 1;
};
