/** What disturbs the loop: prompts become longer at once, gradually, or for a while. */
export const disturbances = ['step', 'ramp', 'burst'] as const;
export type Disturbance = (typeof disturbances)[number];

/** Tokens of the prompts of each step, and the steps at which something changes; the first is 0. */
export interface Course {
  readonly tokens: readonly number[];
  readonly onsets: readonly number[];
}

/** A third of the steps is undisturbed. Then `step` stays disturbed, `ramp` gets there within a fifth of all steps, `burst` ends after two thirds. */
export const courseOf = (disturbance: Disturbance, steps: number, calm: number, disturbed: number): Course => {
  const [onset, end, rise] = [Math.round(steps / 3), Math.round((2 * steps) / 3), Math.round(steps / 5)];
  const share = (step: number): number => {
    if (step < onset) return 0;
    if (disturbance === 'ramp') return Math.min(1, (step - onset + 1) / rise);
    return disturbance === 'burst' && step >= end ? 0 : 1;
  };
  return {
    tokens: Array.from({ length: steps }, (_, step) => Math.round(calm + share(step) * (disturbed - calm))),
    onsets: disturbance === 'burst' ? [0, onset, end] : [0, onset],
  };
};
