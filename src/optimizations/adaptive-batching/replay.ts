import type { Tools } from '../../contract/player.ts';
import { seededRandom } from '../../statistics/random.ts';
import { type ServiceTimes, serviceTime } from '../serving/service-times.ts';

/** How far the pace of a trace may lie from that of the load test, either way: a machine that others use changes by so much. */
const drift = 0.2;
/** How far a service may lie from its pace, either way: about what undisturbed executions do. */
const spread = 0.03;

/**
 * Services of one trace as the load test has them, at a pace and with a scatter that are drawn: the n-th batch meets the same luck in
 * every arm, however many requests it takes, so that equal choices give equal numbers.
 */
export const replayedService = (
  table: ServiceTimes,
  { random }: Pick<Tools, 'random'>,
): ((requests: number, longest: number) => number) => {
  const luck = seededRandom(Math.floor(random() * 2 ** 32));
  const pace = 1 + drift * (2 * luck() - 1);
  return (requests, longest) => serviceTime(table, requests, longest) * pace * (1 + spread * (2 * luck() - 1));
};
