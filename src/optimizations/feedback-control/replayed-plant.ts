import type { Load } from './disturbance.ts';
import type { Loop } from './episode.ts';
import { type Plant, plantTime } from './plant.ts';

/** How far replayed services vary either way: about what undisturbed executions do. */
const spread = 0.03;
/** Share of the time that batches of the set-point would keep a queue's server busy. */
const utilization = 0.85;
/** Milliseconds of the smallest batch under overload, and of the largest one where there is slack, in those of the set-point. */
const [missedBy, keptBy] = [1.5, 0.6];

/** What a replayed service is made of. */
export interface ReplayedSetting {
  readonly plant: Plant;
  readonly setPoint: number;
  /** Tokens of undisturbed prompts. */
  readonly calm: number;
  readonly largestBatch: number;
  /** Whether batches come at fixed intervals and wait for those before them (Lindley 1952). */
  readonly queue: boolean;
  readonly random: () => number;
}

/** Services of the fitted plant, with drawn noise. */
/** Milliseconds of each batch, its wait included. */
export const replayedPlant = ({ plant, setPoint, calm, largestBatch, queue, random }: ReplayedSetting): Loop['serve'] => {
  const factors: Readonly<Record<Load, number>> = {
    usual: 1,
    overload: (missedBy * setPoint) / plantTime(plant, 1, calm),
    slack: (keptBy * setPoint) / plantTime(plant, largestBatch, calm),
  };
  const interval = setPoint / utilization;
  let wait = 0;
  return async (requests, tokens, load) => {
    const latency = wait + factors[load] * plantTime(plant, requests, tokens) * (1 + spread * (2 * random() - 1));
    wait = queue ? Math.max(0, latency - interval) : 0;
    return latency;
  };
};
