/**
 * What disturbs the loop: prompts become longer at once, gradually, or for a while; or the machine is first so loaded that the smallest batch
 * misses the set-point, and later so idle that the largest one does.
 */
export const disturbances = ['step', 'ramp', 'burst', 'saturation'] as const;
export type Disturbance = (typeof disturbances)[number];

/** `overload`, `slack`: no batch has the latency of the set-point. */
export type Load = 'usual' | 'overload' | 'slack';

/** A stretch of an episode in which nothing changes. */
export interface Stretch {
  /** Its first step. */
  readonly onset: number;
  /** Whether some batch has the latency of the set-point: the loop then has to settle. */
  readonly reachable: boolean;
}

export interface Course {
  /** Tokens of the prompts of each step. */
  readonly tokens: readonly number[];
  readonly loads: readonly Load[];
  /** The first begins at 0. */
  readonly stretches: readonly Stretch[];
}

const phases: readonly Load[] = ['usual', 'overload', 'usual', 'slack', 'usual'];

/** Fifths: as usual, and between these the actuator is at its one end, then at its other. */
const saturation = (steps: number, calm: number): Course => {
  const phaseOf = (step: number): number => Math.floor((step * phases.length) / steps);
  return {
    tokens: Array<number>(steps).fill(calm),
    loads: Array.from({ length: steps }, (_, step) => phases[phaseOf(step)] ?? 'usual'),
    stretches: phases.map((load, phase) => ({ onset: Math.ceil((phase * steps) / phases.length), reachable: load === 'usual' })),
  };
};

/** A third of the steps is undisturbed. Then `step` stays disturbed, `ramp` gets there within a fifth of all steps, `burst` ends after two thirds. */
export const courseOf = (disturbance: Disturbance, steps: number, calm: number, disturbed: number): Course => {
  if (disturbance === 'saturation') return saturation(steps, calm);
  const [onset, end, rise] = [Math.round(steps / 3), Math.round((2 * steps) / 3), Math.round(steps / 5)];
  const share = (step: number): number => {
    if (step < onset) return 0;
    if (disturbance === 'ramp') return Math.min(1, (step - onset + 1) / rise);
    return disturbance === 'burst' && step >= end ? 0 : 1;
  };
  const onsets = disturbance === 'burst' ? [0, onset, end] : [0, onset];
  return {
    tokens: Array.from({ length: steps }, (_, step) => Math.round(calm + share(step) * (disturbed - calm))),
    loads: Array<Load>(steps).fill('usual'),
    stretches: onsets.map((each) => ({ onset: each, reachable: true })),
  };
};
