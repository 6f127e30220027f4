import type { Subject } from '../../../src/contract/optimization.ts';
import type { Observation } from '../../../src/contract/player.ts';
import { batchingPlayer } from '../../../src/optimizations/adaptive-batching/play.ts';
import { adaptiveBatching } from '../../../src/optimizations/adaptive-batching/subject.ts';
import { type LoadShape, played } from '../../../src/optimizations/adaptive-batching/workload.ts';
import type { ServiceTimes } from '../../../src/optimizations/serving/service-times.ts';
import type { ArmId, Json } from '../../../src/records/words.ts';
import { seededRandom } from '../../../src/statistics/random.ts';
import { type ReplayedCosts, replayTools, turnOf } from '../../testkit/episode-tools.ts';

/** Milliseconds as of the miniatures: of a prefill and of a step, fixed and per token or row. */
const recorded = {
  dense: { prefill: 0.4, token: 0.055, step: 0.5, row: 0.08 },
  latent: { prefill: 0.6, token: 0.06, step: 0.6, row: 0.12 },
  small: { prefill: 0.4, token: 0.03, step: 0.33, row: 0.05 },
} as const;
export type Plant = keyof typeof recorded;
export const plantNames = Object.keys(recorded) as Plant[];

/** Costs that vary by so much either way, the same for the same seed. */
export const costsOf = (plant: Plant, seed: number, spread = 0.1): ReplayedCosts => {
  const { prefill, token, step, row } = recorded[plant];
  const random = seededRandom(seed);
  const varied = (ms: number): number => ms * (1 + spread * (2 * random() - 1));
  return { prefill: ({ batch, length }) => varied(prefill + token * batch * length), step: ({ batch }) => varied(step + row * batch) };
};

/** Costs by which a load test measures just this table; of no other sizes but one token alone. */
export const costsOfTable = ({ token, lengths, batches, ms }: Omit<ServiceTimes, 'clock' | 'decode'>): ReplayedCosts => ({
  prefill: ({ batch, length }) => (length === 1 ? token : (ms[lengths.indexOf(length)]?.[batches.indexOf(batch)] ?? Number.NaN)),
  step: () => 0,
});

export const tunedOn = async (plant: Plant): Promise<Json> =>
  (await batchingPlayer.tune?.(replayTools({ costs: costsOf(plant, 5) }), {})) ?? null;

export interface Played {
  readonly plant: Plant;
  readonly tuned: Json;
  readonly shape: LoadShape;
  readonly arm: ArmId;
  readonly options?: Json;
  readonly subject?: Pick<Subject<never>, 'start'>;
  readonly seed?: number;
  /** Replayed from the load test, as what is judged; else as if executed. */
  readonly exact?: boolean;
}
export const play = async ({
  plant,
  tuned,
  shape,
  arm,
  options = {},
  subject = adaptiveBatching,
  seed = 1,
  exact = false,
}: Played): Promise<Observation> =>
  batchingPlayer.play(
    turnOf({ id: shape, setting: { shape, ...played }, exact }, { arm, tuned, seed }),
    replayTools({ costs: costsOf(plant, 77 + seed), subject, options, seed }),
  );

/** Mean of a series over so many seeds. */
export const meanOver = async (seeds: number, series: string, what: Omit<Played, 'seed'>): Promise<number> => {
  let sum = 0;
  for (let seed = 1; seed <= seeds; seed++) sum += (await play({ ...what, seed })).values[series] ?? Number.NaN;
  return sum / seeds;
};
