/** Predicts how long a batch takes from the padded tokens in it. */
export interface ServiceModel {
  /** Milliseconds of a batch of so many padded tokens; above 0. */
  predict(tokens: number): number;
  observe(tokens: number, ms: number): void;
}

/**
 * A straight line, `fixed + perToken · tokens`, fitted by recursive least squares with exponential forgetting (`memory`: what an observation
 * still weighs after the next one; 1 forgets nothing). It starts from one request of `tokens` tokens that takes `ms`, three quarters of
 * it fixed: what is not yet known is thought to be worth sharing.
 */
export const serviceModel = (one: { readonly tokens: number; readonly ms: number }, memory: number): ServiceModel => {
  // In units of that one request, so that the same numbers suit every model and machine.
  let [fixed, slope] = [0.75, 0.25];
  let [p00, p01, p11] = [1, 0, 1];
  return {
    predict: (tokens) => one.ms * Math.max(1e-3, fixed + (slope * tokens) / one.tokens),
    observe: (tokens, ms) => {
      const x = tokens / one.tokens;
      const [g0, g1] = [p00 + p01 * x, p01 + p11 * x];
      const scale = memory + g0 + x * g1;
      const error = ms / one.ms - (fixed + slope * x);
      fixed += (g0 / scale) * error;
      slope += (g1 / scale) * error;
      [p00, p01, p11] = [(p00 - (g0 * g0) / scale) / memory, (p01 - (g0 * g1) / scale) / memory, (p11 - (g1 * g1) / scale) / memory];
    },
  };
};
