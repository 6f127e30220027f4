import { GateError } from '../../errors.ts';
import type { OnnxModel } from '../../onnx/model.ts';
import type { Experts } from '../../onnx/recognise/architecture.ts';
import { initializer, readFloats } from '../../onnx/tensor.ts';
import { expertEnergy, routedMass } from '../graph/expert-activations.ts';
import { cutConstant, cutLinear, producerOf, replaceFloats, replaceIntegers, takeAlong } from '../graph/rewrite.ts';
import { keptCount, keptWidth, largest } from '../graph/selection.ts';
import { type Choice, randomScores } from './feed-forward.ts';

const requireFloatExperts = (model: OnnxModel, each: Experts): void => {
  if (each.quantized)
    throw new GateError(
      'onnx-unsupported',
      `${each.op} ${each.node} was to be pruned. Its weights are quantized: apply this optimization before quantizing.`,
      { where: model.graph },
    );
};

/** Rows of the stored gate-and-up tensor that hold a channel. */
const storedRows = (each: Experts, channels: readonly number[]): readonly number[] => {
  if (each.layout === 'single') return channels;
  if (each.layout === 'interleaved') return channels.flatMap((at) => [2 * at, 2 * at + 1]);
  return [...channels, ...channels.map((at) => each.width + at)];
};

/** Norms of each expert's channels by the down projection alone, [experts · width]. */
const downNorms = (model: OnnxModel, each: Experts): Float64Array => {
  const down = readFloats(model, each.down);
  const hidden = down.length / (each.count * each.width);
  const sums = new Float64Array(each.count * each.width);
  for (let at = 0; at < down.length; at += 1) {
    const expert = Math.floor(at / (hidden * each.width));
    const to = expert * each.width + (at % each.width);
    sums[to] = (sums[to] ?? 0) + (down[at] ?? 0) ** 2;
  }
  return sums.map(Math.sqrt);
};

const upNorms = (model: OnnxModel, each: Experts): Float64Array => {
  const up = readFloats(model, each.up);
  const hidden = up.length / (each.count * each.fused * each.width);
  return Float64Array.from({ length: each.count * each.width }, (_, at) => {
    const expert = Math.floor(at / each.width);
    return storedRows(each, [at % each.width]).reduce((product, row) => {
      const start = (expert * each.fused * each.width + row) * hidden;
      let sum = 0;
      for (let i = start; i < start + hidden; i += 1) sum += (up[i] ?? 0) ** 2;
      return product * Math.sqrt(sum);
    }, 1);
  });
};

/** Each expert keeps its own channels, all of them equally many. Only the weights of the expert's own rows are cut. */
const cutChannels = (model: OnnxModel, each: Experts, keep: readonly (readonly number[])[]): void => {
  const node = producerOf(model, each.node);
  const cut = (name: string, axis: 1 | 2, kept: (channels: readonly number[]) => readonly number[]): void => {
    const dims = initializer(model, name).dims.map(Number);
    const data = readFloats(model, name);
    const block = data.length / each.count;
    const parts = keep.map((channels, expert) =>
      takeAlong(data.subarray(expert * block, (expert + 1) * block), dims.slice(1), axis - 1, kept(channels)),
    );
    const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    const size = kept(keep[0] ?? []).length;
    replaceFloats(
      model,
      node,
      name,
      dims.map((dim, position) => (position === axis ? size : dim)),
      joined,
    );
  };
  const fusedRows = (channels: readonly number[]): readonly number[] => storedRows(each, channels);
  cut(each.up, 1, fusedRows);
  cut(each.down, 2, (channels) => channels);
  for (const { slot, tensor } of each.extras) if (slot === 3) cut(tensor, 1, fusedRows);
};

/** Removes the least important channels inside every expert; returns how many went, over all experts. */
export const pruneExpertChannels = async (model: OnnxModel, all: readonly Experts[], choice: Choice): Promise<number> => {
  const { options, stage, seed } = choice;
  for (const each of all) requireFloatExperts(model, each);
  const energies = options.importance === 'activation' ? await expertEnergy(model, all, choice, stage) : null;
  let removed = 0;
  for (const each of all) {
    const width = keptWidth(each.width, options.ratio, options.multiple);
    if (width === each.width) continue;
    const down = downNorms(model, each);
    const energy = energies?.get(each);
    const other = options.importance === 'magnitude' ? upNorms(model, each) : null;
    const scores =
      options.importance === 'random'
        ? randomScores(down.length, seed, each.node)
        : down.map((norm, at) => norm * (energy === undefined ? (other?.[at] ?? 0) : Math.sqrt(energy[at] ?? 0)));
    cutChannels(
      model,
      each,
      Array.from({ length: each.count }, (_, expert) => largest(scores.subarray(expert * each.width, (expert + 1) * each.width), width)),
    );
    removed += each.count * (each.width - width);
  }
  return removed;
};

const cutExperts = (model: OnnxModel, each: Experts, keep: readonly number[]): void => {
  const node = producerOf(model, each.node);
  for (const name of [each.up, each.down, ...each.extras.map((extra) => extra.tensor)]) cutConstant(model, node, name, 0, keep);
  cutLinear(model, each.router.linear, 'columns', keep);
  for (const { node: reader, tensor, axis } of each.router.perExpert) cutConstant(model, producerOf(model, reader), tensor, axis, keep);
  for (const { node: reader, input } of each.router.counts)
    replaceIntegers(model, producerOf(model, reader), input, (value) => (value === each.count ? keep.length : value));
};

/** Removes the experts with the least routed mass (or weight), never fewer left than a token chooses; returns how many went. */
export const pruneExperts = async (model: OnnxModel, all: readonly Experts[], choice: Choice): Promise<number> => {
  const { options, calibration, stage, seed } = choice;
  for (const each of all) requireFloatExperts(model, each);
  const masses = options.importance === 'activation' ? await routedMass(model, all, calibration, stage) : null;
  let removed = 0;
  for (const each of all) {
    const count = keptCount(each.count, options.ratio, each.chosen);
    if (count === each.count) continue;
    const scores =
      masses?.get(each) ?? (options.importance === 'random' ? randomScores(each.count, seed, each.node) : weightNorms(model, each));
    cutExperts(model, each, largest(scores, count));
    removed += each.count - count;
  }
  return removed;
};

const weightNorms = (model: OnnxModel, each: Experts): Float64Array => {
  const sums = new Float64Array(each.count);
  for (const name of [each.up, each.down]) {
    const data = readFloats(model, name);
    const block = data.length / each.count;
    for (let at = 0; at < data.length; at += 1) {
      const expert = Math.floor(at / block);
      sums[expert] = (sums[expert] ?? 0) + (data[at] ?? 0) ** 2;
    }
  }
  return sums;
};
