import type { OnnxModel } from '../../onnx/model.ts';
import type { FeedForward } from '../../onnx/recognise/architecture.ts';
import { channelEnergy } from '../graph/activations.ts';
import { cutLinear, producerOf, readMatrix, replaceIntegers } from '../graph/rewrite.ts';
import { keptWidth, largest } from '../graph/selection.ts';
import { type Choice, randomScores } from './choice.ts';
import { inputCutter } from './refit.ts';

const rowNorms = (matrix: Float32Array, rows: number): Float64Array => {
  const width = matrix.length / rows;
  return Float64Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let at = row * width; at < (row + 1) * width; at += 1) sum += (matrix[at] ?? 0) ** 2;
    return Math.sqrt(sum);
  });
};

const columnNorms = (matrix: Float32Array, columns: number, offset: number, size: number): Float64Array => {
  const sums = new Float64Array(size);
  for (let start = 0; start < matrix.length; start += columns)
    for (let at = 0; at < size; at += 1) sums[at] = (sums[at] ?? 0) + (matrix[start + offset + at] ?? 0) ** 2;
  return sums.map(Math.sqrt);
};

/** Norm of what each channel adds: the root of its energy, times its row of the down projection; without activations its weights alone. */
const scoresOf = (model: OnnxModel, each: FeedForward, energy: Float64Array | undefined, { options, seed }: Choice): Float64Array => {
  if (options.importance === 'random') return randomScores(each.width, seed, each.down.node);
  const down = rowNorms(readMatrix(model, each.down), each.width);
  if (options.importance === 'activation') return down.map((norm, at) => norm * Math.sqrt(energy?.[at] ?? 0));
  const feeding = [each.up, ...(each.gate === null ? [] : [each.gate])];
  return feeding.reduce((scores, { linear, offset, size }) => {
    const norms = columnNorms(readMatrix(model, linear), linear.columns, offset, size);
    return scores.map((score, at) => score * (norms[at] ?? 0));
  }, down);
};

const cut = (model: OnnxModel, { gate, up, splits }: FeedForward, keep: readonly number[]): void => {
  if (gate === null || gate.linear !== up.linear) {
    for (const slice of [up, ...(gate === null ? [] : [gate])]) cutLinear(model, slice.linear, 'columns', keep);
    return;
  }
  const slices = [gate, up].sort((a, b) => a.offset - b.offset);
  cutLinear(
    model,
    up.linear,
    'columns',
    slices.flatMap(({ offset }) => keep.map((at) => offset + at)),
  );
  for (const id of splits) {
    const split = producerOf(model, id);
    const listed = split.attribute.find((attribute) => attribute.name === 'split');
    if (listed !== undefined) listed.ints = listed.ints.map(() => BigInt(keep.length));
    else if ((split.input[1] ?? '') !== '') replaceIntegers(model, split, 1, () => keep.length);
  }
};

/** Removes the least important channels of every feed-forward; returns how many went. */
export const pruneFeedForwards = async (model: OnnxModel, blocks: readonly FeedForward[], choice: Choice): Promise<number> => {
  const { options, calibration, stage } = choice;
  const energy =
    options.importance === 'activation'
      ? await channelEnergy(
          calibration,
          stage,
          blocks.map((each) => each.down.input),
        )
      : new Map<string, Float64Array>();
  const cutInputs = inputCutter(
    model,
    blocks.map((each) => each.down),
    choice,
  );
  let removed = 0;
  for (const each of blocks) {
    const width = keptWidth(each.width, options.ratio, options.multiple);
    if (width === each.width) continue;
    const keep = largest(scoresOf(model, each, energy.get(each.down.input), choice), width);
    await cutInputs(each.down, keep);
    cut(model, each, keep);
    removed += each.width - width;
  }
  return removed;
};
