import { join } from 'node:path';
import { GateError } from '../errors.ts';
import { liftConstants } from '../onnx/constants.ts';
import { countMultiplyAdds } from '../onnx/count.ts';
import { cloneModel } from '../onnx/edit.ts';
import type { OnnxModel } from '../onnx/model.ts';
import { unpackWeights } from '../onnx/packed-weights.ts';
import { readModel } from '../onnx/read.ts';
import type { Experts, Linear } from '../onnx/recognise/architecture.ts';
import { inStage, layerExperts, layerLinears, type WeightTarget } from '../onnx/recognise/layer-weights.ts';
import { recognise } from '../onnx/recognise/recognise.ts';
import { initializer, readFloats } from '../onnx/tensor.ts';
import type { Stage } from '../records/serving.ts';

/** N of every M consecutive inputs of an output may be other than zero. */
export interface GroupPattern {
  readonly kept: number;
  readonly of: number;
}

export interface WeightSparsity {
  /** Weights of the target: linears of its layers and stacked experts. */
  readonly eligible: number;
  readonly zeros: number;
  /** Groups of the pattern, shorter last ones included; 0 without a pattern. */
  readonly groups: number;
  readonly conforming: number;
  /**
   * Multiply-adds of a prefill of so many tokens by the decoder that no zero weight takes part in, and those of all weights; null where
   * some cannot be counted.
   */
  readonly multiplyAdds: { readonly all: number; readonly nonZero: number } | null;
}

interface Tally {
  readonly eligible: number;
  readonly zeros: number;
  readonly groups: number;
  readonly conforming: number;
}

/** Counts one matrix; the inputs of an output lie `step` elements apart, and outputs begin at `starts`. */
const tallyOutputs = (
  values: Float32Array,
  starts: Iterable<number>,
  inputs: number,
  step: number,
  pattern: GroupPattern | null,
): Tally => {
  let [zeros, groups, conforming] = [0, 0, 0];
  const length = pattern?.of ?? inputs;
  for (const start of starts)
    for (let from = 0; from < inputs; from += length) {
      const end = Math.min(inputs, from + length);
      let kept = 0;
      for (let input = from; input < end; input += 1) if (values[start + input * step] !== 0) kept += 1;
      zeros += end - from - kept;
      if (pattern === null) continue;
      groups += 1;
      if (kept <= pattern.kept) conforming += 1;
    }
  return { eligible: values.length, zeros, groups, conforming };
};

function* everyNth(count: number, step: number): Generator<number> {
  for (let at = 0; at < count; at += 1) yield at * step;
}

/** A matrix of a stage, and the share of the rows of a call that meet it. */
interface Counted extends Tally {
  readonly share: number;
}

const requireFloats = (model: OnnxModel, { node, quantized }: Linear | Experts): void => {
  if (quantized)
    throw new GateError(
      'onnx-unsupported',
      `The zeros in the weights of ${node} were to be counted. They are quantized, and those are not counted.`,
      { where: model.graph },
    );
};

const countedOf = (model: OnnxModel, target: WeightTarget, pattern: GroupPattern | null): readonly Counted[] => {
  const { layers } = recognise(model);
  const found = layerLinears(layers, target);
  const stacked = layerExperts(layers, target);
  for (const each of [...found, ...stacked]) requireFloats(model, each);
  const linears = found.map((linear): Counted => {
    const { rows, columns, orientation, weight } = linear;
    const values = readFloats(model, weight);
    const [starts, step] = orientation === 'out-in' ? [everyNth(columns, rows), 1] : [everyNth(columns, 1), columns];
    return { ...tallyOutputs(values, starts, rows, step, pattern), share: 1 };
  });
  const experts = stacked.flatMap(({ up, down, count, chosen }) =>
    [up, down].map((name): Counted => {
      const values = readFloats(model, name);
      const inputs = Number(initializer(model, name).dims.at(-1) ?? 1);
      return { ...tallyOutputs(values, everyNth(values.length / inputs, inputs), inputs, 1, pattern), share: chosen / count };
    }),
  );
  return [...linears, ...experts];
};

/**
 * Zeros of an artefact, counted in its files: packed weights are opened, stacked experts count all, not only the chosen ones.
 * @param tokens length of the prefill whose multiply-adds are told
 * @throws GateError of reading and recognising; quantized weights have no zeros to count (`onnx-unsupported`).
 */
export const weightSparsity = (
  folder: string,
  stages: readonly Stage[],
  target: WeightTarget,
  pattern: GroupPattern | null,
  tokens: number,
): WeightSparsity => {
  const total = { eligible: 0, zeros: 0, groups: 0, conforming: 0 };
  let [all, spared, countable] = [0, 0, true];
  for (const { id, graph } of stages) {
    const stored = readModel(join(folder, graph));
    const model = cloneModel(stored);
    liftConstants(model);
    unpackWeights(model);
    const counted = inStage(target, id) ? countedOf(model, target, pattern) : [];
    for (const each of counted) for (const key of ['eligible', 'zeros', 'groups', 'conforming'] as const) total[key] += each[key];
    if (id === 'vision') continue;
    const { multiplyAdds, unknown } = countMultiplyAdds(model, { past: 0, batch: 1, tokens });
    countable &&= unknown.length === 0;
    all += multiplyAdds;
    spared += counted.reduce((sum, { zeros, share }) => sum + zeros * share * tokens, 0);
  }
  return { ...total, multiplyAdds: countable ? { all, nonZero: all - Math.round(spared) } : null };
};
