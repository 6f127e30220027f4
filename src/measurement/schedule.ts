/** What the scheduler needs to know of a launch that the rule wants. */
export interface Wanted {
  readonly launch: string;
  readonly cell: string;
  readonly purpose: string;
}

/**
 * Purposes of launches that may run side by side, because no number of theirs rests on a quiet machine. What is tested never does, nor what
 * finds the yardstick of a cell.
 * `solo` does where an energy meter counts what the whole machine uses; `impact` where its times become the baselines.
 */
export const sharing = (run: { readonly energyMeter: boolean; readonly event: 'change' | 'default-branch' }): ReadonlySet<string> =>
  new Set(['once', ...(run.energyMeter ? [] : ['solo']), ...(run.event === 'default-branch' ? [] : ['impact'])]);

/**
 * The next launches to run side by side, from a queue in the rule's order: up to `lanes` of the purposes in `shared`, or one
 * of another. Those that share come first: a cell that fails its evaluation is then not timed in vain.
 * @param measurementOf launches that it gives one name are one measurement, and take one lane together
 */
export const nextBatch = <T extends Wanted>(
  queue: readonly T[],
  lanes: number,
  shared: ReadonlySet<string>,
  measurementOf: (wanted: T) => string = ({ launch }) => launch,
): readonly T[] => {
  const together = queue.filter((one) => shared.has(one.purpose));
  if (together.length === 0) return queue.slice(0, 1);
  const first = new Set([...new Set(together.map(measurementOf))].slice(0, Math.max(1, lanes)));
  return together.filter((one) => first.has(measurementOf(one)));
};
