import type { EvaluationWindows } from '../records/serving.ts';
import type { LoadedModel } from './decoder.ts';
import type { RowLogits } from './row-logits.ts';
import { divergence, largestAt, logSum, targetsOf } from './scoring.ts';

/** One window, one arm. Nats; means over the steps behind the cache and the position before them, which gives the first token. */
export interface GenerationScore {
  /** Negative log-likelihood of the true tokens. */
  readonly nll: number;
  /**
   * KL of these positions from what they must come to: the arm's own call over the whole window where its cache keeps all that it reads, else that of
   * the reference.
   */
  readonly apart: number;
}

/** Logits of one call take at most this many bytes. */
const logitBytes = 256 * 1024 * 1024;

/** Windows that are stepped as one batch: as many as are asked for, fewer where logits are large. */
const batchSize = ({ face }: LoadedModel, windows: number, steps: number): number => {
  const perWindow = (face.vocabulary ?? 0) * (steps + 1) * 4;
  return Math.max(1, Math.min(windows, perWindow === 0 ? windows : Math.floor(logitBytes / perWindow)));
};

const scoreRow = (expected: RowLogits, own: RowLogits, row: number, windows: EvaluationWindows, window: number): GenerationScore => {
  const { vocabulary, length } = own;
  // The first of them predicts the token of the first step.
  const first = windows.length - 1 - length;
  const targets = targetsOf(windows, window).filter((t) => t >= first);
  let [nll, apart] = [0, 0];
  for (const t of targets) {
    const start = (row * length + t - first) * vocabulary;
    const log = logSum(own.values, start, vocabulary, own.values[largestAt(own.values, start, vocabulary)] as number);
    nll += log - (own.values[start + (windows.tokens[window * windows.length + t + 1] ?? 0)] as number);
    const largest = expected.values[largestAt(expected.values, start, vocabulary)] as number;
    apart += divergence(expected.values, own.values, start, vocabulary, largest, log);
  }
  const count = Math.max(1, targets.length);
  return { nll: nll / count, apart: apart / count };
};

/**
 * Scores one arm on the first `count` windows as texts are generated: prefill as it is served, then `steps` teacher-forced steps behind the
 * cache. Throws `non-finite-output`, and `onnx-unsupported` for logits of another shape than the reference's.
 */
export const scoreGeneration = async (
  reference: LoadedModel,
  arm: LoadedModel,
  windows: EvaluationWindows,
  { count, steps, beat }: { readonly count: number; readonly steps: number; readonly beat: () => void },
): Promise<readonly GenerationScore[]> => {
  const scores: GenerationScore[] = [];
  const batch = batchSize(reference, count, steps);
  for (let index = 0; index < count; index += batch) {
    const rows = Math.min(batch, count - index);
    const own = await arm.generate(windows, index, rows, steps);
    beat();
    const expected = await (arm.forgets ? reference : arm).recompute(windows, index, rows, steps);
    beat();
    for (let row = 0; row < rows; row++) scores.push(scoreRow(expected, own, row, windows, index + row));
  }
  return scores;
};
