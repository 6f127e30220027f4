import { median, quantile } from '../src/statistics/describe.ts';
import { hodgesLehmann } from '../src/statistics/hodges-lehmann.ts';
import { shuffled } from '../src/statistics/random.ts';

/** Makes so many calls and returns the milliseconds of each. */
export type Side = (calls: number) => Promise<readonly number[]>;

/** One call after the other, each timed. */
export const timed =
  (work: () => unknown): Side =>
  async (calls) => {
    const times: number[] = [];
    for (let at = 0; at < calls; at++) {
      const started = performance.now();
      await work();
      times.push(performance.now() - started);
    }
    return times;
  };

export interface BlockSetting {
  /** Measured blocks per side; warm-up blocks come on top. */
  readonly blocks: number;
  readonly warmUp: number;
  readonly calls: number;
  readonly random: () => number;
}

/** side → median of each of its blocks, in milliseconds; block k of every side ran in the same short while. */
export type Blocks<Name extends string> = Readonly<Record<Name, readonly number[]>>;

/** Runs one block of every side per round, in an order drawn anew for each round: drift and neighbours hit all sides alike. */
export const inBlocks = async <Name extends string>(
  sides: Readonly<Record<Name, Side>>,
  { blocks, warmUp, calls, random }: BlockSetting,
): Promise<Blocks<Name>> => {
  const names = Object.keys(sides) as Name[];
  const medians = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = -warmUp; round < blocks; round++)
    for (const name of shuffled(names, random)) {
      const times = await sides[name](calls);
      if (round >= 0) medians[name].push(median(times));
    }
  return medians;
};

export interface Ratio {
  /** Median over rounds of one side's block divided by the other's. */
  readonly median: number;
  /** A 90 % interval of the centre (Hodges-Lehmann, exact bounds, on logarithms). */
  readonly lower: number;
  readonly upper: number;
}

/** How many times as long the first side takes as the second. */
export const ratioOf = (first: readonly number[], second: readonly number[]): Ratio => {
  const logs = first.map((time, at) => Math.log(time / (second[at] ?? Number.NaN)));
  const { lower, upper } = hodgesLehmann(logs, 0.05);
  return { median: Math.exp(median(logs)), lower: Math.exp(lower ?? Math.min(...logs)), upper: Math.exp(upper ?? Math.max(...logs)) };
};

/** `1.002 (0.999 to 1.004)` */
export const describeRatio = ({ median: centre, lower, upper }: Ratio): string =>
  `${centre.toFixed(3)} (${lower.toFixed(3)} to ${upper.toFixed(3)})`;

/** `1.23 s, quartiles 1.20 to 1.31` of repeated whole runs, which cannot be interleaved with anything. */
export const describeSpread = (values: readonly number[], unit: string): string =>
  `${values.length} runs, quartiles ${quantile(values, 0.25).toPrecision(3)} to ${quantile(values, 0.75).toPrecision(3)} ${unit}`;
