import { z } from 'zod';
import { digestOf } from './decode.ts';
import { type Immutable, sha256 } from './words.ts';

/** What a score rests on: the same bytes on the same text always score the same. */
export const scoredArtefact = z.strictObject({
  /** Digests of the model's source files, of what scores (`measuringDigest`), and of the artefacts. */
  model: sha256,
  runtime: sha256,
  reference: sha256,
  artefact: sha256,
  windows: z.int().positive(),
  /** Tokens that were steps behind a cache, as texts are generated; 0: scored as a whole. */
  steps: z.int().nonnegative(),
});
export type ScoredArtefact = Immutable<z.infer<typeof scoredArtefact>>;

/** Record `evaluation`: series of one artefact on the held-out windows. */
export const evaluationRecord = z.strictObject({ of: scoredArtefact, series: z.record(z.string(), z.array(z.number())) });
export type EvaluationRecord = Immutable<z.infer<typeof evaluationRecord>>;

/** What a score goes by. */
export const evaluationKey = ({ model, runtime, reference, artefact, windows, steps }: ScoredArtefact): string =>
  digestOf(JSON.stringify(['evaluation', model, runtime, reference, artefact, windows, steps]));
