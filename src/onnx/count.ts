import { dataType } from './data-type.ts';
import { graphIndex } from './edit.ts';
import { type NodeView, product, type TensorFact, unknownFact } from './inference/fact.ts';
import { inputFacts, type RunSetting } from './inference/input-shapes.ts';
import { integerValues } from './inference/integer-values.ts';
import { multiplicationRule } from './inference/multiplications.ts';
import { shapeRule } from './inference/shape-rules.ts';
import { findAttribute, integerAttribute, mainGraph, type OnnxModel, subgraphs } from './model.ts';
import type { NodeProto, TensorProto } from './proto/onnx_pb.js';
import { readIntegers } from './tensor.ts';
import { elementCount, tensorDims } from './tensor-layout.ts';

export type { RunSetting } from './inference/input-shapes.ts';

export interface ModelCount {
  /** Multiply-accumulate pairs of one run; one is two floating-point operations. */
  readonly multiplyAdds: number;
  /** Elements of the initializers in use. */
  readonly parameters: number;
  /** Operators whose multiplications are not in the count, sorted; empty: the count is complete. */
  readonly unknown: readonly string[];
}

/** Constant inputs only rearranged or converted stay constant. */
const rearranging: ReadonlySet<string> = new Set(
  'Transpose Reshape Cast Identity DequantizeLinear Squeeze Unsqueeze Slice Split Concat'.split(' '),
);

const integerTypes: ReadonlySet<number> = new Set([dataType.int64, dataType.int32, dataType.bool]);
const longestShape = 64;
const standardDomains: ReadonlySet<string> = new Set(['', 'ai.onnx', 'com.microsoft']);

const tensorFact = (model: OnnxModel, tensor: TensorProto): TensorFact => {
  const dims = tensorDims(tensor);
  const isShape = integerTypes.has(tensor.dataType) && product(dims) <= longestShape;
  return { ...unknownFact, dims, constant: true, integers: isShape ? readIntegers(model, tensor) : null };
};

const constantFact = (model: OnnxModel, node: NodeProto): TensorFact => {
  const tensor = findAttribute(node, 'value')?.t;
  if (tensor !== undefined) return tensorFact(model, tensor);
  const single = findAttribute(node, 'value_int');
  const several = findAttribute(node, 'value_ints');
  if (single !== undefined) return { ...unknownFact, dims: [], integers: [Number(single.i)], constant: true };
  if (several !== undefined) return { ...unknownFact, dims: [several.ints.length], integers: several.ints.map(Number), constant: true };
  const floats = findAttribute(node, 'value_floats');
  return { ...unknownFact, dims: floats === undefined ? [] : [floats.floats.length], constant: true };
};

const operatorName = (node: NodeProto): string =>
  node.domain === '' || node.domain === 'ai.onnx' ? node.opType : `${node.domain}.${node.opType}`;

const viewOf = (node: NodeProto, facts: ReadonlyMap<string, TensorFact>): NodeView => ({
  node,
  input: (index) => facts.get(node.input[index] ?? '') ?? unknownFact,
  has: (index) => (node.input[index] ?? '') !== '',
  integer: (name, fallback) => integerAttribute(node, name, fallback),
  integers: (name) => findAttribute(node, name)?.ints.map(Number) ?? null,
});

/** A mask keeps its expected density while it is only moved about. */
const densityAfter = (view: NodeView): number => {
  if (view.node.opType === 'OneHot') return 1 / (view.input(1).integers?.[0] ?? 1);
  return view.input(0).density;
};

interface Step {
  readonly multiplyAdds: number;
  readonly outputs: readonly TensorFact[];
  readonly uncounted: boolean;
}

const isMatrix = (fact: TensorFact): boolean => fact.constant && (fact.dims?.length ?? 0) >= 2;

/** Whether a node runs nested nodes that multiply: this count does not enter control flow and model-local functions. */
const hidesProducts = (model: OnnxModel, node: NodeProto): boolean => {
  const bodies = [
    ...subgraphs(node),
    ...model.proto.functions.filter((local) => local.name === node.opType && local.domain === node.domain),
  ];
  return bodies.some((body) =>
    body.node.some((inner) => multiplicationRule(operatorName(inner)) !== undefined || hidesProducts(model, inner)),
  );
};

const stepOf = (model: OnnxModel, node: NodeProto, facts: ReadonlyMap<string, TensorFact>, fallback: number): Step => {
  if (node.opType === 'Constant') return { multiplyAdds: 0, outputs: [constantFact(model, node)], uncounted: false };
  const view = viewOf(node, facts);
  const multiplication = multiplicationRule(operatorName(node))?.(view, { fallback });
  if (multiplication !== undefined) {
    const known = multiplication.multiplyAdds >= 0 && multiplication.multiplyAdds <= Number.MAX_SAFE_INTEGER;
    const outputs = multiplication.outputs.map((dims) => ({ ...unknownFact, dims }));
    return { multiplyAdds: known ? multiplication.multiplyAdds : 0, outputs, uncounted: !known };
  }
  const inputs = node.input.map((_, index) => view.input(index));
  const rule = standardDomains.has(node.domain) ? shapeRule(node.opType) : undefined;
  if (rule === undefined) return { multiplyAdds: 0, outputs: [], uncounted: inputs.some(isMatrix) || hidesProducts(model, node) };
  const constant = rearranging.has(node.opType) && inputs.every((fact, index) => fact.constant || !view.has(index));
  const density = densityAfter(view);
  const integers = integerValues(view);
  const outputs = rule(view).map((dims, index) => ({ dims, constant, density, integers: index === 0 ? integers : null }));
  return { multiplyAdds: 0, outputs, uncounted: false };
};

/** How many weights one stored element holds: operators that pack several into a byte say so in their attributes. */
const packing = (node: NodeProto, input: number): number => {
  const operator = operatorName(node);
  if (operator === 'com.microsoft.MatMulNBits' && input === 1) return 8 / integerAttribute(node, 'bits', 4);
  if (operator === 'com.microsoft.GatherBlockQuantized' && input === 0) return 8 / integerAttribute(node, 'bits', 4);
  if (operator === 'com.microsoft.QMoE' && [2, 5, 8].includes(input)) return 8 / integerAttribute(node, 'expert_weight_bits', 4);
  return 1;
};

const countParameters = (model: OnnxModel): number => {
  const index = graphIndex(model);
  let parameters = 0;
  for (const [name, tensor] of index.initializers) {
    const readers = index.consumers.get(name);
    if (readers === undefined && !index.outputs.has(name)) continue;
    const packed = tensor.dataType === dataType.uint8 ? (readers ?? []).map(({ node, input }) => packing(node, input)) : [];
    parameters += elementCount(tensor) * Math.max(1, ...packed);
  }
  return parameters;
};

/**
 * Counts the multiply-adds of one run of a decoder from its graph alone, and its parameters.
 *
 * Counted: every product of matrices (MatMul, Gemm, FusedMatMul, MatMulInteger and its fused forms, QLinearMatMul, MatMulNBits, Conv) as
 * rows × K × N; MoE and QMoE with the k chosen experts only; attention (GroupQueryAttention, MultiHeadAttention, both Attention
 * operators) as scores and values over all past + new positions, without credit for a causal mask or a window that only masks; loops over
 * experts with the rows that a uniform router would send to each. Weights that are zero count like any other.
 * Not counted: element-wise work, norms, softmax, rotary embedding, look-ups, (de)quantization, and the router's sorting.
 *
 * Shapes follow from the setting and the graph; recorded shapes of intermediate tensors are not trusted. Where the rows that meet a
 * constant matrix cannot be told, every one of the batch × tokens positions is taken to meet it once. Logits are computed for the last
 * position only, where the graph has an input that says so. Rows of image features are 0 in a graph with a cache.
 *
 * Parameters: elements of every initializer that something reads, each once however often it is read; of packed 2-, 4- and 8-bit weights the
 * values that they hold. Scales, zero points, rotary tables and shape constants are initializers too.
 */
export const countMultiplyAdds = (model: OnnxModel, setting: RunSetting): ModelCount => {
  const { multiplyAdds, unknown } = walked(model, setting);
  return { multiplyAdds: Math.round(multiplyAdds), parameters: countParameters(model), unknown: [...unknown].sort() };
};

/** Shapes of all tensors of one run, as far as they follow from the setting and the graph: null where the rank is not known, NaN for a dimension. */
export const inferredShapes = (model: OnnxModel, setting: RunSetting): ReadonlyMap<string, readonly number[] | null> =>
  new Map([...walked(model, setting).facts].map(([name, { dims }]) => [name, dims]));

const walked = (
  model: OnnxModel,
  setting: RunSetting,
): { readonly multiplyAdds: number; readonly unknown: ReadonlySet<string>; readonly facts: ReadonlyMap<string, TensorFact> } => {
  const graph = mainGraph(model.proto, model.graph);
  const facts = new Map<string, TensorFact>(inputFacts(graph, setting));
  for (const tensor of graph.initializer) facts.set(tensor.name, tensorFact(model, tensor));
  const unknown = new Set<string>();
  let multiplyAdds = 0;
  for (const node of graph.node) {
    const step = stepOf(model, node, facts, setting.batch * setting.tokens);
    multiplyAdds += step.multiplyAdds;
    if (step.uncounted) unknown.add(operatorName(node));
    node.output.forEach((name, index) => {
      facts.set(name, step.outputs[index] ?? unknownFact);
    });
  }
  return { multiplyAdds, unknown, facts };
};
