import { z } from 'zod';
import { cellId, commitId, type Immutable, nounId, sha256, values } from './words.ts';

/** One metric of one cell as the base branch is known to have it. */
const baselineMetric = z.strictObject({
  id: z.string(),
  point: z.string(),
  reference: z.number().nullable(),
  value: z.number(),
  /** One value per launch for timing metrics, empty for exact ones. */
  launches: z.array(z.number()),
});

/** A file below baselines/; see `baselinePath`. */
export const baseline = z.strictObject({
  schema: z.literal('optimization-gate/baseline/1'),
  runnerClass: z.string(),
  /** What tells the project from others of the repository: its folder, its configuration. Null: the only one. */
  project: z.string().max(1000).nullable(),
  /** Null: the cells of the file have none. */
  model: nounId.nullable(),
  runtime: sha256,
  entries: z.array(
    z.strictObject({
      cell: cellId,
      commit: commitId,
      at: z.iso.datetime(),
      /** Digest of the arm that was measured: equal digests mean that these values still hold. */
      arm: sha256,
      /** Digest of the gate's code that measured it. */
      serving: sha256,
      artefacts: z.record(z.string(), sha256),
      metrics: z.array(baselineMetric),
    }),
  ),
  /** Oldest first, bounded; `values` by `CELL METRIC@POINT`. */
  history: z.array(z.strictObject({ commit: commitId, at: z.iso.datetime(), values })),
  anchor: z.strictObject({ commit: commitId, values }).nullable(),
});
export type Baseline = Immutable<z.infer<typeof baseline>>;
export type BaselineEntry = Baseline['entries'][number];
