import { GateError } from '../errors.ts';
import type { EvaluationWindows } from '../records/serving.ts';
import type { LoadedModel, RowLogits } from './decoder.ts';

/** One held-out window, one arm. Nats; means over the window's targets. */
export interface WindowScore {
  /** Negative log-likelihood of the true tokens. */
  readonly nll: number;
  /** KL(reference ‖ arm). */
  readonly kl: number;
  /** Share of targets where the arm's most likely token is the reference's. */
  readonly top1: number;
  /** How many targets. */
  readonly tokens: number;
  /** KL of each target, in order, for quantiles. */
  readonly kls: Float32Array;
}

export interface ScoreOptions {
  /** Windows scored: the first `limit`. */
  readonly limit?: number;
  /** Windows per call, 1 to 8; fewer where logits are large. */
  readonly batch?: number;
}

/** Logits of one call take at most this many bytes. */
const logitBytes = 256 * 1024 * 1024;

/** One position's logits as a distribution: weights exp(logit − largest) in a reused buffer, and what normalises them. */
interface Position {
  readonly weights: Float64Array;
  readonly total: number;
  /** ln Σ exp(logit). */
  readonly log: number;
  /** The most likely token, the first of equals. */
  readonly best: number;
}

/** Fills `weights` from one position. NaN or infinite logits throw `non-finite-output`. */
const positionOf = (logits: Float32Array, weights: Float64Array): Position => {
  let largest = logits[0] ?? 0;
  let best = 0;
  for (let i = 1; i < logits.length; i++) {
    const value = logits[i] as number;
    if (value > largest) {
      largest = value;
      best = i;
    }
  }
  let total = 0;
  for (let i = 0; i < logits.length; i++) {
    const weight = Math.exp((logits[i] as number) - largest);
    weights[i] = weight;
    total += weight;
  }
  const log = largest + Math.log(total);
  if (!Number.isFinite(log)) throw new GateError('non-finite-output', 'logits are NaN or infinite');
  return { weights, total, log, best };
};

/** Σ p (ln p − ln q) ≥ 0 over one position; p from `reference`, q from the arm's logits. The exponentials are those of `positionOf`. */
const divergence = (reference: Float32Array, known: Position, arm: Float32Array, armLog: number): number => {
  let sum = 0;
  for (let i = 0; i < reference.length; i++) sum += (known.weights[i] as number) * ((reference[i] as number) - (arm[i] as number));
  return Math.max(0, sum / known.total - known.log + armLog);
};

/** Positions t of a window (predicting token t + 1) that count. */
export const targetsOf = (windows: EvaluationWindows, window: number): readonly number[] => {
  const at = window * windows.length;
  return Array.from({ length: windows.length - 1 }, (_, t) => t).filter((t) => windows.scored === null || windows.scored[at + t + 1] === 1);
};

const scoreWindow = (reference: RowLogits, arm: RowLogits, row: number, windows: EvaluationWindows, window: number): WindowScore => {
  const targets = targetsOf(windows, window);
  const { vocabulary } = reference;
  const kls = new Float32Array(targets.length);
  const [ownWeights, knownWeights] = [new Float64Array(vocabulary), new Float64Array(vocabulary)];
  let nll = 0;
  let agreed = 0;
  targets.forEach((t, i) => {
    const start = (row * reference.length + t) * vocabulary;
    const logits = arm.values.subarray(start, start + vocabulary);
    const own = positionOf(logits, ownWeights);
    nll += own.log - (logits[windows.tokens[window * windows.length + t + 1] ?? 0] ?? 0);
    const untouched = reference.values.subarray(start, start + vocabulary);
    const known = arm === reference ? own : positionOf(untouched, knownWeights);
    if (known.best === own.best) agreed++;
    kls[i] = arm === reference ? 0 : divergence(untouched, known, logits, own.log);
  });
  const tokens = Math.max(1, targets.length);
  return { nll: nll / tokens, kl: kls.reduce((sum, kl) => sum + kl, 0) / tokens, top1: agreed / tokens, tokens: targets.length, kls };
};

const sameShape = (a: RowLogits, b: RowLogits): boolean => a.rows === b.rows && a.length === b.length && a.vocabulary === b.vocabulary;

const batchSize = (reference: LoadedModel, windows: EvaluationWindows, wanted: number | undefined): number => {
  const perWindow = (reference.face.vocabulary ?? 0) * windows.length * 4;
  return Math.max(1, Math.min(8, wanted ?? 8, perWindow === 0 ? 8 : Math.floor(logitBytes / perWindow)));
};

/**
 * Scores every arm on held-out windows against the reference, batch by batch; only one batch of logits per arm is in memory.
 * The reference may be among the arms (kl 0, top1 1). Throws `non-finite-output` naming the arm;
 * an arm with another vocabulary is `onnx-unsupported`.
 */
export const scoreArms = async (
  reference: LoadedModel,
  arms: Readonly<Record<string, LoadedModel>>,
  windows: EvaluationWindows,
  options: ScoreOptions,
  visit: (window: number, scores: Readonly<Record<string, WindowScore>>) => void,
): Promise<void> => {
  const limit = Math.min(windows.count, options.limit ?? windows.count);
  const batch = batchSize(reference, windows, options.batch);
  for (let index = 0; index < limit; index += batch) {
    const count = Math.min(batch, limit - index);
    const known = await reference.score(windows, index, count);
    const scores = Array.from({ length: count }, (): Record<string, WindowScore> => ({}));
    for (const [name, model] of Object.entries(arms)) {
      const own = model === reference ? known : await model.score(windows, index, count);
      if (!sameShape(known, own))
        throw new GateError(
          'onnx-unsupported',
          `the logits are [${own.rows}, ${own.length}, ${own.vocabulary}]; the reference's [${known.rows}, ${known.length}, ${known.vocabulary}]`,
          { where: name },
        );
      scores.forEach((score, row) => {
        score[name] = named(name, () => scoreWindow(known, own, row, windows, index + row));
      });
    }
    scores.forEach((score, row) => {
      visit(index + row, score);
    });
  }
};

/** Mean negative log-likelihood of one window with its image blanked, in nats: what the text alone tells. */
export const blindNll = async (model: LoadedModel, windows: EvaluationWindows, window: number): Promise<number> => {
  const logits = await model.score(windows, window, 1, true);
  return scoreWindow(logits, logits, 0, windows, window).nll;
};

const named = <T>(arm: string, score: () => T): T => {
  try {
    return score();
  } catch (thrown) {
    if (thrown instanceof GateError && thrown.where === null)
      throw new GateError(thrown.code, thrown.message, { where: arm, cause: thrown });
    throw thrown;
  }
};
