import type { BuildContext, Calibration, Matrix, Products } from '../../contract/build.ts';
import { findAttribute, type OnnxModel } from '../../onnx/model.ts';
import type { Experts } from '../../onnx/recognise/architecture.ts';
import { readFloats } from '../../onnx/tensor.ts';
import { matrix } from '../algebra/matrix.ts';
import { producerOf } from './rewrite.ts';
import { largest } from './selection.ts';

/** The experts of one token: the `chosen` largest routing logits and their softmax. */
const route = (
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

/** Values of one expert's channels, [positions · width]: what its share lets through, for the tokens of a window routed to it. */
type ExpertVisit = (experts: Experts, expert: number, values: Matrix) => unknown;

/**
 * Shows what each expert's channels hold, window by window. The fused operator hides its activations, so they are computed again
 * from its input.
 */
const observeExperts = async (
  model: OnnxModel,
  all: readonly Experts[],
  { calibration, products }: Pick<BuildContext, 'calibration' | 'products'>,
  stage: string,
  visit: ExpertVisit,
): Promise<void> => {
  if (all.length === 0) return;
  const blocks = all.map((experts) => ({ names: routingTensors(model, experts), show: expertShower(model, experts, products, visit) }));
  await calibration.observe(stage, [...new Set(blocks.flatMap(({ names }) => [names.input, names.logits]))], async (values) => {
    for (const { names, show } of blocks)
      await show(values[names.input]?.data ?? new Float32Array(), values[names.logits]?.data ?? new Float32Array());
  });
};

/** Energy of each expert's channels, [experts · width]: their values squared and summed over the calibration text. */
export const expertEnergy = async (
  model: OnnxModel,
  all: readonly Experts[],
  context: Pick<BuildContext, 'calibration' | 'products'>,
  stage: string,
): Promise<ReadonlyMap<Experts, Float64Array>> => {
  const energies = new Map(all.map((experts) => [experts, new Float64Array(experts.count * experts.width)]));
  await observeExperts(model, all, context, stage, (experts, expert, { rows, data }) => {
    const energy = energies.get(experts) ?? new Float64Array();
    for (let row = 0; row < rows; row += 1)
      for (let channel = 0; channel < experts.width; channel += 1) {
        const value = data[row * experts.width + channel] as number;
        const to = expert * experts.width + channel;
        energy[to] = (energy[to] as number) + value * value;
      }
  });
  return energies;
};

/** Sum of xᵀx over each expert's tokens, x the values of its channels: one [width · width] per expert. */
export const expertMoments = async (
  model: OnnxModel,
  all: readonly Experts[],
  context: Pick<BuildContext, 'calibration' | 'products'>,
  stage: string,
): Promise<ReadonlyMap<Experts, readonly Float64Array[]>> => {
  const moments = new Map(
    all.map((experts) => [experts, Array.from({ length: experts.count }, () => new Float64Array(experts.width ** 2))]),
  );
  await observeExperts(model, all, context, stage, async (experts, expert, values) => {
    const sums = moments.get(experts)?.[expert] ?? new Float64Array();
    const { data } = await context.products.multiply(values, values, 'left');
    for (let at = 0; at < sums.length; at += 1) sums[at] = (sums[at] as number) + (data[at] as number);
  });
  return moments;
};

/** Positions of one expert, and the share of each. */
interface Routed {
  readonly positions: number[];
  readonly shares: number[];
}

const routedTo = (logits: Float32Array, positions: number, count: number, chosen: number): readonly Routed[] => {
  const all = Array.from({ length: count }, (): Routed => ({ positions: [], shares: [] }));
  for (let position = 0; position < positions; position += 1)
    for (const { expert, share } of route(logits, position * count, count, chosen)) {
      all[expert]?.positions.push(position);
      all[expert]?.shares.push(share);
    }
  return all;
};

const gathered = (input: Float32Array, positions: readonly number[], width: number): Float32Array => {
  const out = new Float32Array(positions.length * width);
  for (const [to, from] of positions.entries()) out.set(input.subarray(from * width, (from + 1) * width), to * width);
  return out;
};

const expertShower = (
  model: OnnxModel,
  experts: Experts,
  products: Products,
  visit: ExpertVisit,
): ((input: Float32Array, logits: Float32Array) => Promise<void>) => {
  const { node, up, count, width, fused, layout, chosen } = experts;
  const operator = producerOf(model, node);
  const alpha = findAttribute(operator, 'activation_alpha')?.f ?? 1;
  const beta = findAttribute(operator, 'activation_beta')?.f ?? 0;
  const weights = readFloats(model, up);
  const rows = fused * width;
  const hidden = weights.length / (count * rows);
  const rowOf = (channel: number, part: 0 | 1): number =>
    layout === 'interleaved' ? 2 * channel + part : layout === 'concatenated' ? part * width + channel : channel;
  return async (input, logits) => {
    for (const [expert, { positions, shares }] of routedTo(logits, input.length / hidden, count, chosen).entries()) {
      const { data } = await products.multiply(
        { rows: positions.length, columns: hidden, data: gathered(input, positions, hidden) },
        { rows, columns: hidden, data: weights.subarray(expert * rows * hidden, (expert + 1) * rows * hidden) },
        'right',
      );
      const values = matrix(positions.length, width);
      for (const [at, share] of shares.entries())
        for (let channel = 0; channel < width; channel += 1) {
          const gate = data[at * rows + rowOf(channel, 0)] as number;
          values.data[at * width + channel] =
            share * swiglu(gate, fused === 2 ? (data[at * rows + rowOf(channel, 1)] as number) : 1, alpha, beta);
        }
      await visit(experts, expert, values);
    }
  };
};
