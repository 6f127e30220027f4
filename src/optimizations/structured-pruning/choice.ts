import type { Calibration, Products } from '../../contract/build.ts';
import { deriveSeed, seededRandom } from '../../statistics/random.ts';
import type { PruningOptions } from './options.ts';

/** What choosing needs besides the graph. */
export interface Choice {
  readonly stage: string;
  readonly options: PruningOptions;
  readonly seed: number;
  readonly calibration: Calibration;
  readonly products: Products;
}

/** As many numbers from the seed as there are things to choose from: what every other importance is compared with. */
export const randomScores = (count: number, seed: number, label: string): Float64Array => {
  const random = seededRandom(deriveSeed(seed, label));
  return Float64Array.from({ length: count }, random);
};
