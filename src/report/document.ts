/** report.json: what users' scripts read. Its names are kept; a change of meaning is a new schema version. */
import { z } from 'zod';
import { change, interval, measuredState, requirementVerdict, runVerdict, verdictKind } from '../records/verdict.ts';
import { type Immutable, jsonValue, nounId } from '../records/words.ts';

export const reportMetric = z.strictObject({
  id: z.string(),
  point: z.string(),
  unit: z.string(),
  better: z.enum(['lower', 'higher']),
  kind: z.enum(['timing', 'exact']),
  role: z.enum(['gate', 'described', 'advisory']),
  scale: z.enum(['log', 'linear']),
  /** Null: no verdict is passed on it. */
  verdict: verdictKind.nullable(),
  state: measuredState,
  reference: z.number().nullable(),
  base: z.number().nullable(),
  /** Null when it was not measured; `reason` then says why. */
  head: z.number().nullable(),
  /** Base's number in the baseline, where other code of the gate measured that; else null. */
  earlier: z.number().nullable(),
  /** 95 % interval of `head`, in its unit: of a mean over held-out windows, or of an improvement over launches; null where there is none. */
  interval: interval.nullable(),
  /** Head against base: a fraction on the `log` scale, in the unit on the `linear` one; the sign is as measured. */
  change: change.nullable(),
  tolerance: z.number(),
  p: z.number().nullable(),
  launches: z.int().nonnegative(),
  detectable: z.number().nullable(),
  reason: z.string().nullable(),
  warnings: z.array(z.string()),
});

export const reportDocumentSchema = z.strictObject({
  schema: z.literal('optimization-gate/report/1'),
  verdict: runVerdict,
  exitCode: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]),
  summary: z.string(),
  cells: z.array(
    z.strictObject({
      /** Null: a measurement that no model takes part in. */
      model: nounId.nullable(),
      optimization: nounId,
      verdict: verdictKind,
      reason: z.string().nullable(),
      /** In words; one that begins with `ineffective: ` says that a claim is not borne out, such as "sparser, not faster". */
      warnings: z.array(z.string()),
      metrics: z.array(reportMetric),
      requirements: z.array(requirementVerdict),
    }),
  ),
  coverage: z.strictObject({ judged: z.int(), total: z.int(), byReason: z.record(z.string(), z.int()) }),
  statistics: z.strictObject({
    alpha: z.number(),
    family: z.int().nonnegative(),
    /** `CELL METRIC@POINT` → smallest detectable change */
    smallestDetectable: z.record(z.string(), z.number()),
  }),
  selfChecks: z.array(
    z.strictObject({
      kind: z.enum(['a-a', 'planted', 'dependence']),
      cell: z.string(),
      outcome: z.enum(['as-expected', 'unlikely', 'withheld']),
      detail: z.string(),
    }),
  ),
  /** Builds of head that were made twice, to see whether they vary, and what that took. */
  repeatedBuilds: z.strictObject({ count: z.int().nonnegative(), seconds: z.number().nonnegative() }),
  environment: z.object({ runnerClass: z.string().nullable() }).catchall(jsonValue),
  policyChanges: z.array(z.string()),
  warnings: z.array(z.string()),
  seed: z.int(),
  /** Of the whole run, without what `waitedSeconds` counts. */
  durationSeconds: z.number().nonnegative().nullable(),
  /** For which another run or measurement held the machine. */
  waitedSeconds: z.number().nonnegative().nullable(),
});
export type ReportDocument = Immutable<z.infer<typeof reportDocumentSchema>>;
export type ReportMetric = Immutable<z.infer<typeof reportMetric>>;
