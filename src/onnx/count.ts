import { copyMessage } from './copy.ts';
import { axisOf, type NodeView, type TensorFact, unknownFact } from './inference/fact.ts';
import { type Bodies, calledBy, deepest, isEither, mayMultiply, operatorName, ruleOf } from './inference/hidden-products.ts';
import { inputFacts, type RunSetting } from './inference/input-shapes.ts';
import { integerValues } from './inference/integer-values.ts';
import { multiplicationRule } from './inference/multiplications.ts';
import { constantFact, type Facts, factsWithin, tensorFact, viewOf } from './inference/node-facts.ts';
import { findAttribute, mainGraph, type OnnxModel } from './model.ts';
import { countParameters } from './parameters.ts';
import type { FunctionProto, GraphProto, NodeProto } from './proto/onnx_pb.js';

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

/** Elements that are only moved about, or some of them. */
const moving: ReadonlySet<string> = new Set('Transpose Reshape Cast Identity Squeeze Unsqueeze Slice Split Gather Flatten'.split(' '));

/** A mask keeps its expected density while it is only moved about. Only the choice of a router is expected to be uniform. */
const densityAfter = (view: NodeView): number => {
  if (moving.has(view.node.opType)) return view.input(0).density;
  if (view.node.opType === 'OneHot') {
    const depth = view.input(1).integers?.[0] ?? Number.NaN;
    const [off, on] = view.input(2).integers ?? [];
    return view.input(0).classes === depth && off === 0 && on !== 0 ? 1 / depth : Number.NaN;
  }
  return view.node.input.every((_, index) => view.input(index).density === 1) ? 1 : Number.NaN;
};

const classesAfter = (view: NodeView, output: number): number | null => {
  const { opType } = view.node;
  if (moving.has(opType)) return view.input(0).classes;
  if (opType !== (output === 0 ? 'ArgMax' : 'TopK')) return null;
  const dims = view.input(0).dims ?? [];
  return dims[axisOf(view.integer('axis', output === 0 ? 0 : -1), dims.length)] ?? null;
};

interface Step {
  readonly multiplyAdds: number;
  readonly outputs: readonly TensorFact[];
  readonly uncounted: boolean;
}

/** One count: nodes that it may still walk, since functions may call each other any number of times. */
interface Walk {
  readonly model: OnnxModel;
  readonly bodies: Bodies;
  nodesLeft: number;
}
const mostNodes = 1_000_000;

/** A node whose inside is not looked at. */
const opaque = ({ model, bodies }: Walk, node: NodeProto): Step => ({
  multiplyAdds: 0,
  outputs: [],
  uncounted: mayMultiply(model, node, bodies),
});

const graphStep = (walk: Walk, graph: GraphProto, outer: Facts, depth: number): Step => {
  const facts = factsWithin(outer);
  addStored(walk.model, graph, facts);
  const { multiplyAdds, unknown } = walkNodes(walk, graph.node, facts, depth + 1);
  return { multiplyAdds, outputs: graph.output.map(({ name }) => facts.get(name) ?? unknownFact), uncounted: unknown.size > 0 };
};

/** The branch that a constant chooses, or what both have in common. */
const choiceStep = (walk: Walk, node: NodeProto, facts: Facts, depth: number): Step => {
  const [yes, no] = [findAttribute(node, 'then_branch')?.g, findAttribute(node, 'else_branch')?.g];
  if (yes === undefined || no === undefined) return opaque(walk, node);
  const chosen = facts.get(node.input[0] ?? '')?.integers?.[0] ?? Number.NaN;
  const first = graphStep(walk, chosen === 0 ? no : yes, facts, depth);
  if (!Number.isNaN(chosen)) return first;
  const other = graphStep(walk, no, facts, depth);
  const outputs = first.outputs.map((each, at) =>
    each.dims?.join() === other.outputs[at]?.dims?.join() ? { ...unknownFact, dims: each.dims } : unknownFact,
  );
  const uncounted = first.uncounted || other.uncounted || first.multiplyAdds !== other.multiplyAdds;
  return { multiplyAdds: uncounted ? 0 : first.multiplyAdds, outputs, uncounted };
};

/** A body with the attributes of the call in place of its own references to them. */
const boundNodes = (local: FunctionProto, call: NodeProto): readonly NodeProto[] =>
  local.node.map((node) => {
    if (node.attribute.every(({ refAttrName }) => refAttrName === '')) return node;
    const bound = copyMessage(node);
    bound.attribute = bound.attribute.map((own) => {
      const given = findAttribute(call, own.refAttrName) ?? local.attributeProto.find(({ name }) => name === own.refAttrName);
      if (given === undefined) return own;
      const copy = copyMessage(given);
      copy.name = own.name;
      return copy;
    });
    return bound;
  });

const callStep = (walk: Walk, node: NodeProto, local: FunctionProto, outer: Facts, depth: number): Step => {
  const facts = factsWithin(null);
  for (const [at, name] of local.input.entries()) facts.set(name, outer.get(node.input[at] ?? '') ?? unknownFact);
  const { multiplyAdds, unknown } = walkNodes(walk, boundNodes(local, node), facts, depth + 1);
  return { multiplyAdds, outputs: local.output.map((name) => facts.get(name) ?? unknownFact), uncounted: unknown.size > 0 };
};

const operatorStep = ({ model }: Walk, node: NodeProto, facts: Facts): Step | null => {
  const view = viewOf(model, node, facts);
  const multiplication = multiplicationRule(operatorName(node))?.(view);
  if (multiplication !== undefined) {
    const known = multiplication.multiplyAdds >= 0 && multiplication.multiplyAdds <= Number.MAX_SAFE_INTEGER;
    const outputs = multiplication.outputs.map((dims) => ({ ...unknownFact, dims }));
    return { multiplyAdds: known ? multiplication.multiplyAdds : 0, outputs, uncounted: !known };
  }
  const rule = ruleOf(node);
  if (rule === undefined) return null;
  const inputs = node.input.map((_, index) => view.input(index));
  const constant = rearranging.has(node.opType) && inputs.every((fact, index) => fact.constant || !view.has(index));
  const density = densityAfter(view);
  const integers = integerValues(view);
  const outputs = rule(view).map((dims, index) => ({
    dims,
    type: 0,
    constant,
    density,
    classes: classesAfter(view, index),
    integers: index === 0 ? integers : null,
  }));
  return { multiplyAdds: 0, outputs, uncounted: false };
};

const stepOf = (walk: Walk, node: NodeProto, facts: Facts, depth: number): Step => {
  walk.nodesLeft--;
  // An attribute that refers to one of a function's is not there where the call does not give it.
  if (walk.nodesLeft < 0 || depth > deepest || node.attribute.some(({ refAttrName }) => refAttrName !== '')) return opaque(walk, node);
  const [called, ...others] = calledBy(walk.model, node);
  if (called !== undefined) return others.length > 0 || isEither(node) ? opaque(walk, node) : callStep(walk, node, called, facts, depth);
  const operator = operatorName(node);
  if (operator === 'Constant') return { multiplyAdds: 0, outputs: [constantFact(walk.model, node)], uncounted: false };
  if (operator === 'If') return choiceStep(walk, node, facts, depth);
  return operatorStep(walk, node, facts) ?? opaque(walk, node);
};

interface Walked {
  readonly multiplyAdds: number;
  readonly unknown: ReadonlySet<string>;
}

/** Adds the facts of what the nodes make, in their order. */
const walkNodes = (walk: Walk, nodes: readonly NodeProto[], facts: Facts, depth: number): Walked => {
  const unknown = new Set<string>();
  let multiplyAdds = 0;
  for (const node of nodes) {
    const step = stepOf(walk, node, facts, depth);
    multiplyAdds += step.multiplyAdds;
    if (step.uncounted) unknown.add(operatorName(node));
    node.output.forEach((name, index) => {
      facts.set(name, step.outputs[index] ?? unknownFact);
    });
  }
  return { multiplyAdds, unknown };
};

const addStored = (model: OnnxModel, graph: GraphProto, facts: Facts): void => {
  for (const tensor of graph.initializer) facts.set(tensor.name, tensorFact(model, tensor));
  for (const { values, dims } of graph.sparseInitializer)
    facts.set(values?.name ?? '', { ...unknownFact, dims: dims.map(Number), constant: true });
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
 * follow, and an operator that may multiply inside itself, is in `unknown`: one that is not known, a loop with products, branches that
 * cost differently. Of a branch that a constant chooses, and of a local function, the inside is counted. Logits are computed for the last position only, where the graph has an input that says so. Rows of image features are 0 in a
 * graph with a cache. Parameters as `countParameters`.
 */
export const countMultiplyAdds = (model: OnnxModel, setting: RunSetting): ModelCount => {
  const { multiplyAdds, unknown } = walked(model, setting);
  return { multiplyAdds: Math.round(multiplyAdds), parameters: countParameters(model), unknown: [...unknown].sort() };
};

/** Shapes of all tensors of one run, as far as they follow from the setting and the graph: null where the rank is not known, NaN for a dimension. */
export const inferredShapes = (model: OnnxModel, setting: RunSetting): ReadonlyMap<string, readonly number[] | null> =>
  new Map([...walked(model, setting).facts].map(([name, { dims }]) => [name, dims]));

const walked = (model: OnnxModel, setting: RunSetting): Walked & { readonly facts: ReadonlyMap<string, TensorFact> } => {
  const graph = mainGraph(model.proto, model.graph);
  const facts = new Map<string, TensorFact>(inputFacts(graph, setting));
  addStored(model, graph, facts);
  return { ...walkNodes({ model, bodies: new Map(), nodesLeft: mostNodes }, graph.node, facts, 0), facts };
};
