import { z } from 'zod';
import type { Tools } from '../../contract/player.ts';
import type { Immutable } from '../../records/words.ts';
import { measureServiceTimes, type ServiceTimes, serviceTimes } from '../serving/service-times.ts';
import { fitPlant, plant, plantTime } from './plant.ts';

/** Prompts without and with the disturbance, and between: so short that hundreds of batches can really run. */
const lengths = [8, 12, 16];
const decode = 2;
export const largestBatch = 16;
const batches = [1, 2, 4, 6, 8, 12, largestBatch];
const samples = 7;
/** What the open loop serves: its own latency is the set-point, which can therefore be met, and the batch has room both ways. */
const openLoop = 8;

/** The comparator of a cell, fixed per class of runner. */
export const feedbackComparator = z.strictObject({
  /** What was measured, and the plant that comes closest to it: the replay is of this. */
  service: serviceTimes,
  plant,
  /** The fixed batch of the reference. */
  batch: z.number().positive(),
  /** Milliseconds of this batch, undisturbed. */
  setPoint: z.number().positive(),
  /** Milliseconds per further request, undisturbed. */
  slope: z.number().positive(),
});
export type FeedbackComparator = Immutable<z.infer<typeof feedbackComparator>>;

/** What follows from a table of service times. A plant that hardly rises with the batch still gets a slope: by a thousandth of the set-point. */
const comparatorFrom = (service: ServiceTimes): FeedbackComparator => {
  const calm = Math.min(...service.lengths);
  const fitted = fitPlant(service);
  const setPoint = plantTime(fitted, openLoop, calm);
  const slope = Math.max(setPoint - plantTime(fitted, openLoop - 1, calm), setPoint / 1000);
  return { service, plant: fitted, batch: openLoop, setPoint, slope };
};

/** Measures the plant; set-point, open loop and slope follow. */
export const tuneFeedback = async (tools: Tools): Promise<FeedbackComparator> =>
  comparatorFrom(await measureServiceTimes(tools, { lengths, batches, decode, samples }));
