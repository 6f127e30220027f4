import { describe, it } from 'vitest';

/** The kinds of false verdict, each with the rule that now holds. */
export const kinds = {
  'what-is-run': 'What an arm runs is part of what is compared.',
  'nothing-measured': 'Nothing measured is not a pass.',
  'tree-under-review': 'The tree that is judged is the one under review.',
  'base-commit': 'Base is what the host says.',
  'signs-and-zeros': 'Values of either sign, and zeros, are compared on a scale that has them.',
  'noisy-metric': 'Noise does not turn a metric off.',
  'shared-copy': 'Base and head do not run the same copy of the code.',
  'same-files': 'Both sides have the same kind of files.',
  'shared-machine': 'A side that slows the other by what it does while it waits is not compared.',
  contradiction: 'Files that contradict themselves are refused.',
  'at-the-tolerance': 'At the tolerance, the last bit does not decide.',
  'first-configuration': 'A new, renamed or linked configuration is compared with its predecessor.',
  'failed-start': 'One failed start is not a regression, and limits say their name.',
  'stays-noisy': 'What was measured of a metric is tested.',
  selection: 'A selection of cells does not make the configuration wrong.',
  'onnx-structure': 'What ONNX Runtime runs is measured.',
  'scored-as-served': 'A model is scored as it is served.',
  float16: 'Float16 values reach the runtime.',
  'listed-models': 'A model that is listed is measured, or missed; no commit need hold its files.',
  'counted-work': 'Multiply-adds are counted as they are run.',
} as const;

export type Kind = keyof typeof kinds;

/** One row of the table: a situation, what the gate made of it, and what it makes of it now. */
export interface Situation {
  readonly kind: Kind;
  /** What was done, in one sentence. */
  readonly example: string;
  /** The false verdict, as commit 8680a24 gave it; for a neighbour that was never wrong, the right one. */
  readonly before: string;
  readonly now: string;
  /** `reported`: somebody met it. `neighbour`: looked for beside one that was. */
  readonly source: 'reported' | 'neighbour';
  /** `slow` rows run in `npm run acceptance`, the others in `npm test`. */
  readonly speed: 'fast' | 'slow';
  /** False where a program is absent that npm does not have: the row is skipped. */
  readonly available?: boolean;
  readonly check: () => void | Promise<void>;
}

/** Runs the rows of one speed; each has the name `example: before → now`. */
export const testSituations = (situations: readonly Situation[], speed: Situation['speed']): void => {
  for (const [kind, rows] of Map.groupBy(
    situations.filter((each) => each.speed === speed),
    (each) => each.kind,
  ))
    describe(kinds[kind], () => {
      for (const { example, before, now, check, available = true } of rows)
        it.skipIf(!available)(`${example}: ${before} → ${now}`, check, 240_000);
    });
};
