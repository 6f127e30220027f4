import { z } from 'zod';
import type { Tools } from '../../contract/player.ts';
import type { Immutable } from '../../records/words.ts';
import { measureServiceTimes, serviceTimes } from '../serving/service-times.ts';
import { fitPlant, plant, plantTime } from './plant.ts';

/** Prompts without and with the disturbance, and between: so short that hundreds of batches can really run. */
const lengths = [8, 12, 16];
const decode = 2;
export const largestBatch = 16;
const batches = [1, 2, 4, 6, 8, 12, largestBatch];
const samples = 7;

/** The comparator of a cell, fixed per class of runner. */
export const feedbackComparator = z.strictObject({
  /** What was measured, and the plant that comes closest to it: the replay is of this. */
  service: serviceTimes,
  plant,
});
export type FeedbackComparator = Immutable<z.infer<typeof feedbackComparator>>;

/** What an episode holds its arms to. */
export interface Level {
  /** The fixed batch of the reference. */
  readonly batch: number;
  /** Milliseconds of this batch, undisturbed. */
  readonly setPoint: number;
  /** Milliseconds per further request, undisturbed. */
  readonly slope: number;
}

/** The level of a batch. A plant that hardly rises with the batch still gets a slope: by a thousandth of the set-point. */
export const levelOf = ({ service, plant: fitted }: FeedbackComparator, batch: number): Level => {
  const calm = Math.min(...service.lengths);
  const setPoint = plantTime(fitted, batch, calm);
  return { batch, setPoint, slope: Math.max(plantTime(fitted, batch + 1, calm) - setPoint, setPoint / 1000) };
};

/** Measures the plant; set-points, open loops and slopes follow. */
export const tuneFeedback = async (tools: Tools): Promise<FeedbackComparator> => {
  const service = await measureServiceTimes(tools, { lengths, batches, decode, samples });
  return { service, plant: fitPlant(service) };
};
