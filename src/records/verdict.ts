import { z } from 'zod';
import { reportColumn } from './metric.ts';
import { cellId, type Immutable, jsonValue, nounId, sha256 } from './words.ts';

export const verdictKind = z.enum(['regressed', 'unmet', 'improved', 'passed', 'unchanged', 'inconclusive', 'new', 'missing', 'failed']);
export type VerdictKind = z.infer<typeof verdictKind>;
export const runVerdict = z.enum(['passed', 'regressed', 'unmet', 'failed', 'inconclusive', 'unfit', 'error', 'nothing-to-compare']);
export type RunVerdict = z.infer<typeof runVerdict>;

/**
 * Whether a number exists for head, and if not, why. Coverage counts these, never names.
 * `unchanged`: an earlier run has it, of the same arm on this class of runner. `not-measured`: the
 * arms are identical, and no run is known to have it.
 */
export const measuredState = z.enum([
  'measured',
  'baseline',
  'unchanged',
  'not-measured',
  'not-applicable',
  'unsupported-export',
  'no-meter',
  'no-base',
  'refused',
  'clock',
  'missing',
  'failed',
]);

/** Head against base. `log` scale: a fraction (0.05 = 5 % more); `linear`: in the metric's unit. Null bound: unbounded. Sign as measured (not "worse"). */
export const change = z.strictObject({ estimate: z.number(), lower: z.number().nullable(), upper: z.number().nullable() });

/** Where a number lies with 95 % confidence, in its own unit. */
export const interval = z.strictObject({ lower: z.number(), upper: z.number() });

export const metricVerdict = z.strictObject({
  id: z.string(),
  point: z.string(),
  unit: z.string(),
  better: z.enum(['lower', 'higher']),
  kind: z.enum(['timing', 'exact']),
  role: z.enum(['gate', 'described', 'advisory']),
  scale: z.enum(['log', 'linear']),
  /** Null: no verdict is passed on it (described, advisory or not measured for a stated reason). */
  verdict: verdictKind.nullable(),
  state: measuredState,
  reference: z.number().nullable(),
  base: z.number().nullable(),
  head: z.number().nullable(),
  /** What the baseline has of base's arm, where other code of the gate measured that; else null. */
  earlier: z.number().nullable(),
  /** Of head's number: over held-out windows (a loss against the reference, say), or over launches of an improvement; null where there is none. */
  interval: interval.nullable(),
  change: change.nullable(),
  tolerance: z.number(),
  /** The column of a report that it stands in, and the metric that its gain is read from; null where the plan names none. */
  column: reportColumn.nullable(),
  pairedWith: z.string().nullable(),
  /** Adjusted for everything that was tested in the pull request; null where no test applies. */
  p: z.number().nullable(),
  /** How many launches the numbers rest on (of the deciding stage). */
  launches: z.int().nonnegative(),
  /** The smallest change (fraction or unit) that these launches could have told from noise; null where unknown. */
  detectable: z.number().nullable(),
  /** Why there is no number, or why the verdict is what it is. */
  reason: z.string().nullable(),
  warnings: z.array(z.string()),
  /** One value per launch, for the plots. */
  samples: z.strictObject({
    reference: z.array(z.number()),
    base: z.array(z.number()),
    head: z.array(z.number()),
    change: z.array(z.number()),
    /** How many times as good as the reference an arm was in each launch that ran both; empty for what can be zero or negative. */
    gains: z.strictObject({ base: z.array(z.number().positive()), head: z.array(z.number().positive()) }),
  }),
});
export type MetricVerdict = Immutable<z.infer<typeof metricVerdict>>;

/** What is required of a metric, and whether head holds it. */
export const requirementVerdict = z.strictObject({
  /** Id of the metric. */
  metric: z.string(),
  point: z.string(),
  unit: z.string(),
  must: z.enum(['at-most', 'at-least']),
  bound: z.number(),
  /** `unmet-by-base`: base does not hold it either, so that it is no fault of head. */
  outcome: z.enum(['met', 'unmet', 'unmet-by-base', 'undecided']),
  /** Of the launches that decide. */
  base: z.number().nullable(),
  head: z.number().nullable(),
  launches: z.int().nonnegative(),
  /** Adjusted for every requirement that was tested; null where no test applies. */
  p: z.number().nullable(),
  reason: z.string().nullable(),
  /** Whether an undecided one keeps the run from a decision: it may be missed by more than must-detect. */
  holdsRun: z.boolean(),
});
export type RequirementVerdict = Immutable<z.infer<typeof requirementVerdict>>;

export const cellVerdict = z.strictObject({
  id: cellId,
  /** Null: a measurement that no model takes part in. */
  model: nounId.nullable(),
  optimization: nounId,
  verdict: verdictKind,
  reason: z.string().nullable(),
  /** Findings in words; one that begins with `ineffective: ` says that a claim is not borne out, such as "sparser, not faster". */
  warnings: z.array(z.string()),
  /** Ids of the metrics that the optimization is known by, the most telling first. */
  headline: z.array(z.string()),
  metrics: z.array(metricVerdict),
  requirements: z.array(requirementVerdict),
});
export type CellVerdict = Immutable<z.infer<typeof cellVerdict>>;

export const verdict = z.strictObject({
  schema: z.literal('optimization-gate/verdict/1'),
  verdict: runVerdict,
  exitCode: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]),
  /** One sentence for people. */
  summary: z.string(),
  plan: sha256,
  samples: sha256,
  baselines: sha256.nullable(),
  cells: z.array(cellVerdict),
  coverage: z.strictObject({ judged: z.int(), total: z.int(), byReason: z.record(z.string(), z.int()) }),
  statistics: z.strictObject({
    alpha: z.number(),
    /** How many metrics advanced to confirmation in the whole pull request. */
    family: z.int().nonnegative(),
    /** `CELL METRIC@POINT` → smallest detectable change */
    smallestDetectable: z.record(z.string(), z.number()),
  }),
  selfChecks: z.array(
    z.strictObject({
      kind: z.enum(['a-a', 'planted', 'dependence']),
      cell: cellId,
      outcome: z.enum(['as-expected', 'unlikely', 'withheld']),
      detail: z.string(),
    }),
  ),
  /** Builds of head that were made twice, to see whether they vary, and what that took. */
  repeatedBuilds: z.strictObject({ count: z.int().nonnegative(), seconds: z.number().nonnegative() }),
  runnerClass: z.string().nullable(),
  environment: jsonValue,
  policyChanges: z.array(z.string()),
  warnings: z.array(z.string()),
  seed: z.int(),
});
export type Verdict = Immutable<z.infer<typeof verdict>>;
