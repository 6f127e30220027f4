/** What the scheduler needs to know of a launch that the rule wants. */
export interface Wanted {
  readonly launch: string;
  readonly cell: string;
  readonly purpose: string;
  /** Never beside another, whatever its purpose. */
  readonly alone: boolean;
}

/**
 * Purposes of launches that may run side by side, because no verdict rests on their being alone; what is tested never shares. A comparator (`tune`)
 * is what all arms are held against alike, at the pace that the machine had; where neighbours would decide what it finds, its launch is `alone`.
 * `solo` shares but where an energy meter counts what the whole machine uses; `impact` and `tune` but where what is timed becomes the baselines.
 */
export const sharing = (run: { readonly energyMeter: boolean; readonly event: 'change' | 'default-branch' }): ReadonlySet<string> =>
  new Set(['once', ...(run.energyMeter ? [] : ['solo']), ...(run.event === 'default-branch' ? [] : ['impact', 'tune'])]);

/**
 * The next measurement to begin beside those that are running, from a queue in the rule's order; empty while it must wait. One of the purposes
 * in `shared` begins as soon as a lane is free, one of another when nothing runs, and then alone. Those that share come first: a cell that
 * fails its evaluation is then not timed in vain.
 * @param running one launch of each measurement that runs now
 * @param measurementOf launches that it gives one name are one measurement, and begin together
 */
export const nextMeasurement = <T extends Wanted>(
  queue: readonly T[],
  running: readonly T[],
  lanes: number,
  shared: ReadonlySet<string>,
  measurementOf: (wanted: T) => string = ({ launch }) => launch,
): readonly T[] => {
  const shares = (one: T): boolean => shared.has(one.purpose) && !one.alone;
  const [first] = queue.filter(shares);
  if (first === undefined) return running.length === 0 ? queue.slice(0, 1) : [];
  if (running.length >= Math.max(1, lanes) || running.some((one) => !shares(one))) return [];
  const name = measurementOf(first);
  return queue.filter((one) => shares(one) && measurementOf(one) === name);
};
