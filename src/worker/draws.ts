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
 * The two arms whose difference is judged: head and base, or head and the reference where there is no base. A point without `enough` plays all of its
 * rounds. The clock starts with the first question.
 */
export const drawsOf = (
  { enough, id, rounds }: Pick<Extract<OperatingPoint, { kind: 'episode' }>, 'enough' | 'id' | 'rounds'>,
  arms: readonly ArmId[],
  clock: Pick<Clock, 'wall'>,
): Draws => {
  const [one, other] = (['head', 'base', 'reference'] as const).filter((arm) => arms.includes(arm));
  if (enough === undefined || one === undefined || other === undefined) return { enough: () => false, warnings: () => [] };
  const { within, least } = enough;
  const started = clock.wall();
  let cut: string | null = null;
  return {
    enough: (values) => {
      const known = Object.entries(within).map(([series, share]) => ({
        own: values[one]?.[series] ?? [],
        against: values[other]?.[series] ?? [],
        share,
      }));
      const played = Math.max(...known.map(({ own, against }) => Math.min(own.length, against.length)));
      // What neither arm has, nobody waits for.
      if (played >= least && known.every((each) => each.own.length === 0 || each.against.length === 0 || isKnown(each))) return true;
      if (played < fewestDraws || clock.wall() - started < 1000 * patience) return false;
      cut = `${id}: the programs answer slowly, so ${played} of at most ${rounds} draws were played in ${patience} s`;
      return true;
    },
    warnings: () => (cut === null ? [] : [cut]),
  };
};

interface Paired {
  readonly own: readonly number[];
  readonly against: readonly number[];
  readonly share: number;
}

/** Whether the mean difference of pairs is known to within a share of the mean of the second. */
const isKnown = ({ own, against, share }: Paired): boolean => {
  const { mean: centre, upper } = meanInterval(own.map((value, draw) => value - (against[draw] ?? 0)));
  return upper !== null && upper - centre <= share * Math.abs(mean(against));
};
