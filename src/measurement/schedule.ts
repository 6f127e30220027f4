/** What the scheduler needs to know of a launch that the rule wants. */
export interface Wanted {
  readonly launch: string;
  readonly cell: string;
  readonly purpose: string;
}

/** Launches whose numbers do not rest on a quiet machine may run side by side; one that is tested runs alone. */
const shareable: ReadonlySet<string> = new Set(['once', 'solo', 'tune', 'impact']);

/**
 * The next launches to run side by side, from a queue in the rule's order: up to `lanes` that may share the machine, or one
 * that may not. Those that share come first: a cell that fails its evaluation is then not timed in vain.
 */
export const nextBatch = <T extends Wanted>(queue: readonly T[], lanes: number): readonly T[] => {
  const shared = queue.filter((one) => shareable.has(one.purpose));
  return shared.length > 0 ? shared.slice(0, Math.max(1, lanes)) : queue.slice(0, 1);
};
