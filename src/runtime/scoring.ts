import { GateError } from '../errors.ts';
import type { EvaluationWindows } from '../records/serving.ts';
import type { LoadedModel } from './decoder.ts';
import { expOfNegative } from './exponential.ts';
import type { RowLogits } from './row-logits.ts';

/** One held-out window, one arm. Nats; means over the window's targets. */
export interface WindowScore {
  /** Negative log-likelihood of the true tokens. */
  readonly nll: number;
  /** The same over the last quarter of the targets, at least one. */
  readonly lateNll: number;
  /** KL(reference ‖ arm). */
  readonly kl: number;
  /** Share of targets where the arm's most likely token is the reference's. */
  readonly top1: number;
  /** How many targets. */
  readonly tokens: number;
  /** KL of each target, in order, for quantiles. */
  readonly kls: Float32Array;
  /** Bits of the logits' precision that differ from the reference's, 0 to 24 (`lostBits`). */
  readonly lostBits: number;
}

export interface ScoreOptions {
  /** Windows scored: the first `limit`. */
  readonly limit?: number;
  /** Windows per call, 1 to 8; 4 unless told, fewer where logits are large. */
  readonly batch?: number;
  /** The order in which calls are made, by the first window of each; ascending unless told. No score depends on it. */
  readonly arrange?: (starts: readonly number[]) => readonly number[];
}

/** Logits of one call take at most this many bytes. */
const logitBytes = 256 * 1024 * 1024;
const usualBatch = 4;
/** Of so many windows one is scored by itself, as single requests are served; at least one. */
const servedAlone = 4;

const finite = (value: number): number => {
  if (!Number.isFinite(value))
    throw new GateError('non-finite-output', 'The model was run over held-out text. Its logits are NaN or infinite.');
  return value;
};

/** Where the largest of `count` logits from `start` on stands; the first of equals. */
export const largestAt = (logits: Float32Array, start: number, count: number): number => {
  let at = start;
  let largest = logits[start] as number;
  for (let i = start + 1; i < start + count; i++) {
    const value = logits[i] as number;
    if (value > largest) {
      largest = value;
      at = i;
    }
  }
  return at;
};

/** ln Σ exp(logit) of one position. Throws `non-finite-output`. */
export const logSum = (logits: Float32Array, start: number, count: number, largest: number): number => {
  let total = 0;
  for (let i = start; i < start + count; i++) total += expOfNegative((logits[i] as number) - largest);
  return finite(largest + Math.log(total));
};

/** Σ p (ln p − ln q) ≥ 0 over one position; p from `reference`, ln q from the arm's logits less `armLog`. Throws `non-finite-output`. */
export const divergence = (
  reference: Float32Array,
  arm: Float32Array,
  start: number,
  count: number,
  largest: number,
  armLog: number,
): number => {
  let total = 0;
  let across = 0;
  for (let i = start; i < start + count; i++) {
    const logit = reference[i] as number;
    const weight = expOfNegative(logit - largest);
    total += weight;
    across += weight * (logit - (arm[i] as number));
  }
  return Math.max(0, finite(across / total - largest - Math.log(total) + armLog));
};

/** Bits of the significand of a float32. */
const significand = 24;

/** Sums of squares over one position: of the logits of the reference, and of how far the arm's are from them. */
const squaresOf = (
  reference: Float32Array,
  arm: Float32Array,
  start: number,
  count: number,
): { readonly size: number; readonly apart: number } => {
  let [size, apart] = [0, 0];
  for (let i = start; i < start + count; i++) {
    const logit = reference[i] as number;
    size += logit * logit;
    apart += (logit - (arm[i] as number)) ** 2;
  }
  return { size, apart };
};

/**
 * log2(1 + s ÷ 2⁻²⁴), s the root of the mean square by which logits are shifted as a share of that of the reference's logits: 0 for the same
 * bits, one or two for other roundings of the same sums, and one more for twice the shift; 24, where nothing is left, at most.
 */
export const lostBits = ({ size, apart }: { readonly size: number; readonly apart: number }): number =>
  apart === 0 ? 0 : Math.log2(1 + 2 ** significand * Math.min(1, Math.sqrt(apart / size)));

/** Positions t of a window (predicting token t + 1) that count. */
export const targetsOf = (windows: EvaluationWindows, window: number): readonly number[] => {
  const at = window * windows.length;
  return Array.from({ length: windows.length - 1 }, (_, t) => t).filter((t) => windows.scored === null || windows.scored[at + t + 1] === 1);
};

const scoreWindow = (reference: RowLogits, arm: RowLogits, row: number, windows: EvaluationWindows, window: number): WindowScore => {
  const targets = targetsOf(windows, window);
  const { vocabulary } = reference;
  const [expected, logits] = [reference.values, arm.values];
  const kls = new Float32Array(targets.length);
  const early = targets.length - Math.max(1, Math.floor(targets.length / 4));
  let nll = 0;
  let late = 0;
  let kl = 0;
  let agreed = 0;
  let [size, shifted] = [0, 0];
  targets.forEach((t, i) => {
    const start = (row * reference.length + t) * vocabulary;
    const own = largestAt(logits, start, vocabulary);
    const log = logSum(logits, start, vocabulary, logits[own] as number);
    const loss = log - (logits[start + (windows.tokens[window * windows.length + t + 1] ?? 0)] as number);
    nll += loss;
    if (i >= early) late += loss;
    const known = arm === reference ? own : largestAt(expected, start, vocabulary);
    if (known === own) agreed++;
    if (arm === reference) return;
    const apart = divergence(expected, logits, start, vocabulary, expected[known] as number, log);
    kl += apart;
    kls[i] = apart;
    const squares = squaresOf(expected, logits, start, vocabulary);
    size += squares.size;
    shifted += squares.apart;
  });
  const tokens = Math.max(1, targets.length);
  const lateNll = late / Math.max(1, targets.length - early);
  return {
    nll: nll / tokens,
    lateNll,
    kl: kl / tokens,
    top1: agreed / tokens,
    tokens: targets.length,
    kls,
    lostBits: lostBits({ size, apart: shifted }),
  };
};

const sameShape = (a: RowLogits, b: RowLogits): boolean => a.rows === b.rows && a.length === b.length && a.vocabulary === b.vocabulary;

const batchSize = (reference: LoadedModel, windows: EvaluationWindows, wanted: number | undefined): number => {
  const perWindow = (reference.face.vocabulary ?? 0) * windows.length * 4;
  return Math.max(1, Math.min(8, wanted ?? usualBatch, perWindow === 0 ? 8 : Math.floor(logitBytes / perWindow)));
};

/** Refuses an arm that whoever calls the reference could not call in the same way. */
const requireInputs = (reference: LoadedModel, arm: LoadedModel, name: string): void => {
  const lost = reference.face.calledWith.filter((input) => !arm.face.calledWith.includes(input));
  if (lost.length > 0)
    throw new GateError(
      'onnx-unsupported',
      `The decoder was opened. Expected the inputs of the reference model, found no ${lost.join(', ')}: keep the names and meaning of inputs.`,
      { where: name },
    );
};

/**
 * Scores every arm on held-out windows against the reference, batch by batch; only one batch of logits per arm is in memory.
 * The last quarter of the windows, at least one, is scored one window at a time.
 * The reference may be among the arms (kl 0, top1 1). Throws `non-finite-output` naming the arm;
 * an arm with another vocabulary, or without an input of the reference, is `onnx-unsupported`.
 */
export const scoreArms = async (
  reference: LoadedModel,
  arms: Readonly<Record<string, LoadedModel>>,
  windows: EvaluationWindows,
  options: ScoreOptions,
  visit: (window: number, scores: Readonly<Record<string, WindowScore>>) => void,
): Promise<void> => {
  for (const [name, model] of Object.entries(arms)) requireInputs(reference, model, name);
  const limit = Math.min(windows.count, options.limit ?? windows.count);
  const batch = batchSize(reference, windows, options.batch);
  const together = limit - Math.max(1, Math.floor(limit / servedAlone));
  const starts: number[] = [];
  for (let next = 0; next < limit; next += next < together ? Math.min(batch, together - next) : 1) starts.push(next);
  for (const index of options.arrange?.(starts) ?? starts) {
    const count = index < together ? Math.min(batch, together - index) : 1;
    const known = await reference.score(windows, index, count);
    const scores = Array.from({ length: count }, (): Record<string, WindowScore> => ({}));
    for (const [name, model] of Object.entries(arms)) {
      const own = model === reference ? known : await model.score(windows, index, count).catch(blame(name));
      if (!sameShape(known, own))
        throw new GateError(
          'onnx-unsupported',
          `The model was run over held-out text. Expected logits of [${known.rows}, ${known.length}, ${known.vocabulary}], as of the reference model, got [${own.rows}, ${own.length}, ${own.vocabulary}].`,
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
    return blame(arm)(thrown);
  }
};

const blame =
  (arm: string) =>
  (thrown: unknown): never => {
    if (thrown instanceof GateError && thrown.where === null)
      throw new GateError(thrown.code, thrown.message, { where: arm, cause: thrown });
    throw thrown;
  };
