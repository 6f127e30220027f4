import { dataType } from './data-type.ts';
import { type NodeView, product, type TensorFact, unknownFact } from './inference/fact.ts';
import { inputFacts, type RunSetting } from './inference/input-shapes.ts';
import { integerValues } from './inference/integer-values.ts';
import { multiplicationRule } from './inference/multiplications.ts';
import { shapeRule as ruleOf } from './inference/shape-rules.ts';
import { findAttribute, integerAttribute, mainGraph, type OnnxModel, subgraphs } from './model.ts';
import { countParameters } from './parameters.ts';
import type { NodeProto, TensorProto } from './proto/onnx_pb.js';
import { readIntegers } from './tensor.ts';
import { tensorDims } from './tensor-layout.ts';

export type { RunSetting } from './inference/input-shapes.ts';

export interface ModelCount {
  /** Multiply-accumulate pairs of one run; one is two floating-point operations. */
  readonly multiplyAdds: number;
  /** Weights that the model carries and reads. */
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
const shapeRule = (node: NodeProto): ReturnType<typeof ruleOf> => (standardDomains.has(node.domain) ? ruleOf(node.opType) : undefined);

const tensorFact = (model: OnnxModel, tensor: TensorProto): TensorFact => {
  const dims = tensorDims(tensor);
  const isShape = integerTypes.has(tensor.dataType) && product(dims) <= longestShape;
  return { ...unknownFact, dims, constant: true, integers: isShape ? readIntegers(model, tensor) : null };
};

const constantFact = (model: OnnxModel, node: NodeProto): TensorFact => {
  const [value] = node.attribute;
  if (value?.t !== undefined) return tensorFact(model, value.t);
  const known = { ...unknownFact, constant: true };
  switch (value?.name) {
    case 'value_int':
      return { ...known, dims: [], integers: [Number(value.i)] };
    case 'value_ints':
      return { ...known, dims: [value.ints.length], integers: value.ints.map(Number) };
    case 'value_floats':
      return { ...known, dims: [value.floats.length] };
    case 'value_strings':
      return { ...known, dims: [value.strings.length] };
    case 'sparse_value':
      return { ...known, dims: value.sparseTensor?.dims.map(Number) ?? null };
    default:
      return { ...known, dims: [] };
  }
};

const operatorName = (node: NodeProto): string =>
  node.domain === '' || node.domain === 'ai.onnx' ? node.opType : `${node.domain}.${node.opType}`;

const viewOf = (model: OnnxModel, node: NodeProto, facts: ReadonlyMap<string, TensorFact>): NodeView => ({
  node,
  input: (index) => facts.get(node.input[index] ?? '') ?? unknownFact,
  has: (index) => (node.input[index] ?? '') !== '',
  integer: (name, fallback) => integerAttribute(node, name, fallback),
  integers: (name) => findAttribute(node, name)?.ints.map(Number) ?? null,
  constant: (tensor) => tensorFact(model, tensor).integers,
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

/** Operators without a rule for their shapes that surely multiply no matrices. */
const weightless: ReadonlySet<string> = new Set(
  `AveragePool MaxPool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool MaxRoiPool RoiAlign MaxUnpool Resize Upsample GridSample
  CenterCropPad Col2Im DepthToSpace SpaceToDepth NonMaxSuppression Unique Compress RandomNormal RandomUniform Multinomial SequenceAt
  SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SplitToSequence ConcatFromSequence Optional OptionalHasElement
  OptionalGetElement StringNormalizer StringConcat StringSplit RegexFullMatch If Loop Scan SequenceMap`.split(/\s+/),
);

interface Body {
  readonly node: readonly NodeProto[];
}

/** The model-local functions that a node may call: stages that were joined may have several of one name. */
const calledBy = (model: OnnxModel, node: NodeProto): readonly Body[] =>
  model.proto.functions.filter((local) => local.name === node.opType && local.domain === node.domain && local.overload === node.overload);

/** Bodies of branches, loops and functions, and whether each may multiply matrices. */
type Bodies = Map<Body, boolean>;
/** Calls and graphs inside each other that are followed. */
const deepest = 64;

const bodyMultiplies = (model: OnnxModel, body: Body, known: Bodies, depth: number): boolean => {
  const found = known.get(body);
  if (found !== undefined) return found;
  // Holds for a function that calls itself too, which no runtime takes.
  known.set(body, true);
  const multiplies =
    depth > deepest || body.node.some((inner) => inner.opType !== 'Constant' && mayMultiply(model, inner, known, depth + 1));
  known.set(body, multiplies);
  return multiplies;
};

/** Whether a node that has no rule may multiply matrices: in a nested graph, in a local function, or in an operator that is not known. */
const mayMultiply = (model: OnnxModel, node: NodeProto, known: Bodies, depth = 0): boolean => {
  const called = calledBy(model, node);
  if (called.length > 0) return called.some((body) => bodyMultiplies(model, body, known, depth));
  if (shapeRule(node) === undefined && !weightless.has(operatorName(node))) return true;
  return subgraphs(node).some((body) => bodyMultiplies(model, body, known, depth));
};

const stepOf = (model: OnnxModel, node: NodeProto, facts: ReadonlyMap<string, TensorFact>, bodies: Bodies): Step => {
  const operator = operatorName(node);
  if (calledBy(model, node).length > 0) return { multiplyAdds: 0, outputs: [], uncounted: mayMultiply(model, node, bodies) };
  if (operator === 'Constant') return { multiplyAdds: 0, outputs: [constantFact(model, node)], uncounted: false };
  const view = viewOf(model, node, facts);
  const multiplication = multiplicationRule(operator)?.(view);
  if (multiplication !== undefined) {
    const known = multiplication.multiplyAdds >= 0 && multiplication.multiplyAdds <= Number.MAX_SAFE_INTEGER;
    const outputs = multiplication.outputs.map((dims) => ({ ...unknownFact, dims }));
    return { multiplyAdds: known ? multiplication.multiplyAdds : 0, outputs, uncounted: !known };
  }
  const inputs = node.input.map((_, index) => view.input(index));
  const rule = shapeRule(node);
  if (rule === undefined) return { multiplyAdds: 0, outputs: [], uncounted: mayMultiply(model, node, bodies) };
  const constant = rearranging.has(node.opType) && inputs.every((fact, index) => fact.constant || !view.has(index));
  const density = densityAfter(view);
  const integers = integerValues(view);
  const outputs = rule(view).map((dims, index) => ({ dims, constant, density, integers: index === 0 ? integers : null }));
  return { multiplyAdds: 0, outputs, uncounted: false };
};

/**
 * Counts the multiply-adds of one run of a decoder from its graph alone, and its parameters.
 *
 * Counted: every product of matrices (MatMul, Gemm, FusedMatMul, MatMulInteger and its fused forms, QLinearMatMul, MatMulNBits, Conv, Einsum) as
 * rows × K × N; MoE and QMoE with the k chosen experts only; attention (GroupQueryAttention, MultiHeadAttention, both Attention
 * operators) as scores and values over all past + new positions, without credit for a causal mask or a window that only masks; loops over
 * experts with the rows that a uniform router would send to each. Weights that are zero count like any other.
 * Not counted: element-wise work, norms, softmax, rotary embedding, look-ups, (de)quantization, and the router's sorting.
 *
 * Shapes follow from the setting and the graph; recorded shapes of intermediate tensors are not trusted. A product whose shapes do not
 * follow, and an operator that may multiply inside itself (an unknown one, a branch, a loop or a local function with products), is in
 * `unknown`. Logits are computed for the last position only, where the graph has an input that says so. Rows of image features are 0 in a
 * graph with a cache. Parameters as `countParameters`.
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
  for (const { values, dims } of graph.sparseInitializer)
    facts.set(values?.name ?? '', { ...unknownFact, dims: dims.map(Number), constant: true });
  const unknown = new Set<string>();
  const bodies: Bodies = new Map();
  let multiplyAdds = 0;
  for (const node of graph.node) {
    const step = stepOf(model, node, facts, bodies);
    multiplyAdds += step.multiplyAdds;
    if (step.uncounted) unknown.add(operatorName(node));
    node.output.forEach((name, index) => {
      facts.set(name, step.outputs[index] ?? unknownFact);
    });
  }
  return { multiplyAdds, unknown, facts };
};
