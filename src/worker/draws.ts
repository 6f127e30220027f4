import { fewestDraws, type OperatingPoint } from '../records/metric.ts';
import type { ArmId } from '../records/words.ts';
import { mean } from '../statistics/describe.ts';
import { meanInterval } from '../statistics/mean-interval.ts';
import type { Clock, RoundColumns } from './rounds.ts';

/** Seconds after which a point is content with fewer draws: policies that answer slowly, asked in all of them, would take minutes. */
const patience = 20;

/** When a point whose rounds are draws has enough of them. */
export interface Draws {
  /** Whether the next round is spared, after those that are in. */
  enough(values: RoundColumns): boolean;
  /** What is to be said of the draws; nothing unless they were cut short. */
  warnings(): readonly string[];
}

/**
 * Head and base are drawn until their difference is known; where only one of the two is played, there is none, and the least number of draws is
 * enough. A point without `enough` plays all of its rounds. The clock starts with the first question.
 */
export const drawsOf = (
  { enough, id, rounds }: Pick<Extract<OperatingPoint, { kind: 'episode' }>, 'enough' | 'id' | 'rounds'>,
  arms: readonly ArmId[],
  clock: Pick<Clock, 'wall'>,
): Draws => {
  if (enough === undefined) return { enough: () => false, warnings: () => [] };
  const { within, least } = enough;
  const compared = arms.includes('head') && arms.includes('base');
  const started = clock.wall();
  let cut: string | null = null;
  return {
    enough: (values) => {
      const played = Math.min(...arms.map((arm) => Math.max(0, ...Object.values(values[arm] ?? {}).map(({ length }) => length))));
      if (played >= least && (!compared || Object.entries(within).every(([series, share]) => isKnown(series, share, values)))) return true;
      if (played < fewestDraws || clock.wall() - started < 1000 * patience) return false;
      cut = `${id}: ${played} of at most ${rounds} draws were played in ${patience} s, because programs answer slowly or the machine is busy`;
      return true;
    },
    warnings: () => (cut === null ? [] : [cut]),
  };
};

/** Whether the mean difference between head and base in a series is known to within a share of base's mean. What an arm has not, nobody waits for. */
const isKnown = (series: string, share: number, values: RoundColumns): boolean => {
  const [own, against] = [values['head']?.[series] ?? [], values['base']?.[series] ?? []];
  if (own.length === 0 || against.length === 0) return true;
  const { mean: centre, upper } = meanInterval(own.map((value, draw) => value - (against[draw] ?? 0)));
  return upper !== null && upper - centre <= share * Math.abs(mean(against));
};
