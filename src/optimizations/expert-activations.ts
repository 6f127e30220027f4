import { findAttribute, type OnnxModel } from '../onnx/model.ts';
import type { Experts } from '../onnx/recognise/architecture.ts';
import { readFloats } from '../onnx/tensor.ts';
import type { Calibration } from './contract.ts';
import { producerOf } from './graph-rewrite.ts';
import { largest } from './selection.ts';

/** The experts of one token: the `chosen` largest routing logits and their softmax. */
export const route = (
  logits: Float32Array,
  start: number,
  count: number,
  chosen: number,
): readonly { readonly expert: number; readonly share: number }[] => {
  const row = logits.subarray(start, start + count);
  const top = largest(row, chosen);
  const peak = Math.max(...top.map((at) => row[at] ?? 0));
  const powers = top.map((at) => Math.exp((row[at] ?? 0) - peak));
  const total = powers.reduce((sum, each) => sum + each, 0);
  return top.map((expert, at) => ({ expert, share: (powers[at] ?? 0) / total }));
};

/** Names of the tensors that say which token goes where: input of the experts and routing logits. */
const routingTensors = (model: OnnxModel, experts: Experts): { readonly input: string; readonly logits: string } => ({
  input: experts.input,
  logits: producerOf(model, experts.node).input[1] ?? '',
});

/** Routed mass of every expert: sum of its shares over the calibration text. */
export const routedMass = async (
  model: OnnxModel,
  all: readonly Experts[],
  calibration: Calibration,
  stage: string,
): Promise<ReadonlyMap<Experts, Float64Array>> => {
  const masses = new Map(all.map((each) => [each, new Float64Array(each.count)]));
  await calibration.observe(stage, [...new Set(all.map((each) => routingTensors(model, each).logits))], (values) => {
    for (const [each, mass] of masses) {
      const logits = values[routingTensors(model, each).logits]?.data ?? new Float32Array();
      for (let start = 0; start + each.count <= logits.length; start += each.count)
        for (const { expert, share } of route(logits, start, each.count, each.chosen)) mass[expert] = (mass[expert] ?? 0) + share;
    }
  });
  return masses;
};

/** gate · sigmoid(alpha · gate) · (up + beta), the activation of the fused operator. */
const swiglu = (gate: number, up: number, alpha: number, beta: number): number => (gate / (1 + Math.exp(-alpha * gate))) * (up + beta);

/**
 * Energy of each expert's channels, [experts · width]: what its share lets through, squared and summed over the tokens routed
 * to it. The fused operator hides its activations, so they are computed again from its input.
 */
export const expertEnergy = async (
  model: OnnxModel,
  all: readonly Experts[],
  calibration: Calibration,
  stage: string,
): Promise<ReadonlyMap<Experts, Float64Array>> => {
  const blocks = all.map((experts) => ({ experts, names: routingTensors(model, experts), measure: energyMeter(model, experts) }));
  const energies = new Map(blocks.map(({ experts, measure }) => [experts, measure.energy]));
  if (blocks.length === 0) return energies;
  await calibration.observe(stage, [...new Set(blocks.flatMap(({ names }) => [names.input, names.logits]))], (values) => {
    for (const { names, measure } of blocks)
      measure.add(values[names.input]?.data ?? new Float32Array(), values[names.logits]?.data ?? new Float32Array());
  });
  return energies;
};

interface EnergyMeter {
  readonly energy: Float64Array;
  add(input: Float32Array, logits: Float32Array): void;
}

const energyMeter = (model: OnnxModel, { node, up, count, width, fused, layout, chosen }: Experts): EnergyMeter => {
  const operator = producerOf(model, node);
  const alpha = findAttribute(operator, 'activation_alpha')?.f ?? 1;
  const beta = findAttribute(operator, 'activation_beta')?.f ?? 0;
  const weights = readFloats(model, up);
  const hidden = weights.length / (count * fused * width);
  const energy = new Float64Array(count * width);
  const rowOf = (channel: number, part: 0 | 1): number =>
    layout === 'interleaved' ? 2 * channel + part : layout === 'concatenated' ? part * width + channel : channel;
  const dot = (input: Float32Array, from: number, row: number): number => {
    let even = 0;
    let odd = 0;
    let w = row * hidden;
    const end = from + hidden - (hidden % 2);
    for (let at = from; at < end; at += 2, w += 2) {
      even += (input[at] as number) * (weights[w] as number);
      odd += (input[at + 1] as number) * (weights[w + 1] as number);
    }
    return hidden % 2 === 0 ? even + odd : even + odd + (input[end] as number) * (weights[w] as number);
  };
  return {
    energy,
    add: (input, logits) => {
      for (let token = 0; (token + 1) * hidden <= input.length; token += 1)
        for (const { expert, share } of route(logits, token * count, count, chosen))
          for (let channel = 0; channel < width; channel += 1) {
            const base = expert * fused * width;
            const gate = dot(input, token * hidden, base + rowOf(channel, 0));
            const value = share * swiglu(gate, fused === 2 ? dot(input, token * hidden, base + rowOf(channel, 1)) : 1, alpha, beta);
            const to = expert * width + channel;
            energy[to] = (energy[to] ?? 0) + value * value;
          }
    },
  };
};
