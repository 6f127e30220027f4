import { GateError } from '../../errors.ts';
import type { OnnxModel } from '../../onnx/model.ts';
import type { Experts } from '../../onnx/recognise/architecture.ts';
import { initializer, readFloats } from '../../onnx/tensor.ts';
import { flipped, matrix } from '../algebra/matrix.ts';
import { refittedRows } from '../algebra/refit.ts';
import { expertEnergy, expertMoments, routedMass } from '../graph/expert-activations.ts';
import { momentsInTurns } from '../graph/moments.ts';
import { cutConstant, cutLinear, producerOf, replaceFloats, replaceIntegers, takeAlong } from '../graph/rewrite.ts';
import { keptCount, keptWidth, largest } from '../graph/selection.ts';
import { type Choice, randomScores } from './choice.ts';

/** A way to keep some channels of each expert's down projection. */
type DownCutter = (each: Experts, keep: readonly (readonly number[])[]) => Promise<void>;

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

/** Gate and up of each expert keep its own channels, all of them equally many. */
const cutChannels = (model: OnnxModel, each: Experts, keep: readonly (readonly number[])[]): void => {
  const node = producerOf(model, each.node);
  const cut = (name: string): void => {
    const dims = initializer(model, name).dims.map(Number);
    const data = readFloats(model, name);
    const block = data.length / each.count;
    const parts = keep.map((channels, expert) =>
      takeAlong(data.subarray(expert * block, (expert + 1) * block), dims.slice(1), 0, storedRows(each, channels)),
    );
    const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    const size = storedRows(each, keep[0] ?? []).length;
    replaceFloats(
      model,
      node,
      name,
      dims.map((dim, position) => (position === 1 ? size : dim)),
      joined,
    );
  };
  cut(each.up);
  for (const { slot, tensor } of each.extras) if (slot === 3) cut(tensor);
};

/** How the channels of down projections are cut: with `refit` what is left of each expert makes up for what goes. */
const downCutter = (model: OnnxModel, all: readonly Experts[], choice: Choice): DownCutter => {
  const momentsOf = momentsInTurns(
    all.map((each) => ({ key: each, elements: each.count * each.width ** 2 })),
    (turn) => expertMoments(model, turn, choice, choice.stage),
  );
  return async (each, keep) => {
    const down = readFloats(model, each.down);
    const hidden = down.length / (each.count * each.width);
    const moments = choice.options.refit ? await momentsOf(each) : undefined;
    const kept = keep[0]?.length ?? 0;
    const left = new Float32Array(each.count * hidden * kept);
    for (const [expert, channels] of keep.entries()) {
      const stored = down.subarray(expert * hidden * each.width, (expert + 1) * hidden * each.width);
      const moment = moments?.[expert];
      left.set(
        moment === undefined
          ? takeAlong(stored, [hidden, each.width], 1, channels)
          : flipped(await refittedRows(flipped(matrix(hidden, each.width, stored)), channels, moment, choice.products)).data,
        expert * hidden * kept,
      );
    }
    replaceFloats(model, producerOf(model, each.node), each.down, [each.count, hidden, kept], left);
  };
};

/** Removes the least important channels inside every expert; returns how many went, over all experts. */
export const pruneExpertChannels = async (model: OnnxModel, all: readonly Experts[], choice: Choice): Promise<number> => {
  const { options, stage, seed } = choice;
  for (const each of all) requireFloatExperts(model, each);
  const energies = options.importance === 'activation' ? await expertEnergy(model, all, choice, stage) : null;
  const cutDown = downCutter(model, all, choice);
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
    const keep = Array.from({ length: each.count }, (_, expert) =>
      largest(scores.subarray(expert * each.width, (expert + 1) * each.width), width),
    );
    await cutDown(each, keep);
    cutChannels(model, each, keep);
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
