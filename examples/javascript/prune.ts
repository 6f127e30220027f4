/**
 * A pruning of one's own as a JavaScript module: `module: optimize/prune.mjs`, judged like `structured-pruning`.
 *
 * Every dense feed-forward loses the channels that write least to the stream, and its matrices really shrink. Bundle it into
 * one file before it is committed (`rolldown examples/javascript/prune.ts --platform node --file optimize/prune.mjs`), so that
 * a checkout of either side can run it without installing anything.
 */
import { join } from 'node:path';
import type { BuildContext, BuildResult } from '../../src/index.ts';
import type { OnnxModel } from '../../src/onnx/model.ts';
import { readModel } from '../../src/onnx/read.ts';
import type { FeedForward, Linear } from '../../src/onnx/recognise/architecture.ts';
import { recognise } from '../../src/onnx/recognise/recognise.ts';
import { cutLinear, finishRewrite, readMatrix, startRewrite } from '../../src/optimizations/graph/rewrite.ts';

/** `with:` of the configuration. */
interface Options {
  /** Share of the channels that goes; default 0.25. */
  readonly ratio?: number;
}

/** Widths stay a multiple of this: odd ones are slow on most hardware. */
const multiple = 8;

/** Norm of the weights by which each channel (a row of the down projection) writes to the stream. */
const norms = (model: OnnxModel, down: Linear): Float64Array => {
  const sums = new Float64Array(down.rows);
  for (const [at, weight] of readMatrix(model, down).entries()) {
    const channel = Math.floor(at / down.columns);
    sums[channel] = (sums[channel] ?? 0) + weight ** 2;
  }
  return sums.map(Math.sqrt);
};

/** Positions of the most important channels, in the order in which they lie. */
const kept = (scores: Float64Array, count: number): readonly number[] =>
  [...scores.keys()]
    .sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)
    .slice(0, count)
    .sort((a, b) => a - b);

const prune = (model: OnnxModel, { gate, up, down, width }: FeedForward, ratio: number): number => {
  const left = Math.max(multiple, Math.round((width * (1 - ratio)) / multiple) * multiple);
  if (left >= width || gate?.linear === up.linear) return 0;
  const channels = kept(norms(model, down), left);
  cutLinear(model, down, 'rows', channels);
  for (const slice of gate === null ? [up] : [gate, up]) cutLinear(model, slice.linear, 'columns', channels);
  return width - left;
};

/** The contract's `build`: reads the graphs of `input`, writes those of the same names into `output`. Same input, same bytes. */
export const build = async ({ input, output, options }: BuildContext): Promise<BuildResult> => {
  const { ratio = 0.25 } = (options ?? {}) as Options;
  if (!(ratio >= 0 && ratio < 1)) throw new Error(`ratio must be at least 0 and below 1, not ${ratio}`);
  let removed = 0;
  for (const { graph } of input.stages) {
    const model = startRewrite(readModel(join(input.folder, graph)));
    for (const { feedForwards } of recognise(model).layers) for (const block of feedForwards) removed += prune(model, block, ratio);
    finishRewrite(model, output);
  }
  console.log(`${removed} channels removed`);
  return { stages: input.stages, facts: { 'channels-removed': removed } };
};
