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
export const routingTensors = (model: OnnxModel, experts: Experts): { readonly input: string; readonly logits: string } => ({
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
  const energies = new Map(all.map((each) => [each, new Float64Array(each.count * each.width)]));
  for (const [each, energy] of energies) {
    const names = routingTensors(model, each);
    const node = producerOf(model, each.node);
    const alpha = findAttribute(node, 'activation_alpha')?.f ?? 1;
    const beta = findAttribute(node, 'activation_beta')?.f ?? 0;
    const weights = readFloats(model, each.up);
    const hidden = weights.length / (each.count * each.fused * each.width);
    const row = (expert: number, channel: number, part: 0 | 1): number =>
      (expert * each.fused * each.width +
        (each.layout === 'interleaved' ? 2 * channel + part : each.layout === 'concatenated' ? part * each.width + channel : channel)) *
      hidden;
    await calibration.observe(stage, [names.input, names.logits], (values) => {
      const input = values[names.input]?.data ?? new Float32Array();
      const logits = values[names.logits]?.data ?? new Float32Array();
      for (let token = 0; (token + 1) * hidden <= input.length; token += 1)
        for (const { expert, share } of route(logits, token * each.count, each.count, each.chosen))
          for (let channel = 0; channel < each.width; channel += 1) {
            let gate = 0;
            let up = 0;
            const gateRow = row(expert, channel, 0);
            const upRow = row(expert, channel, 1);
            for (let i = 0, at = token * hidden; i < hidden; i += 1, at += 1) {
              gate += (input[at] ?? 0) * (weights[gateRow + i] ?? 0);
              up += (input[at] ?? 0) * (weights[upRow + i] ?? 0);
            }
            const value = share * swiglu(gate, each.fused === 2 ? up : 1, alpha, beta);
            const to = expert * each.width + channel;
            energy[to] = (energy[to] ?? 0) + value * value;
          }
    });
  }
  return energies;
};
