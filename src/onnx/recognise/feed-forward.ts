import type { NodeProto } from '../proto/onnx_pb.js';
import type { FeedForward, Linear, Slice } from './architecture.ts';
import { type Dataflow, nodeId } from './dataflow.ts';
import { splitSlice, whole } from './linears.ts';
import { type LinearsByOutput, source, walkUp } from './walk.ts';

const nonlinear = new Set([
  'Sigmoid',
  'Silu',
  'Swish',
  'QuickGelu',
  'Gelu',
  'FastGelu',
  'BiasGelu',
  'Erf',
  'Tanh',
  'Relu',
  'LeakyRelu',
  'HardSwish',
  'Mish',
  'Elu',
  'Softplus',
]);
const elementwise = new Set([
  ...nonlinear,
  'Mul',
  'Add',
  'Sub',
  'Div',
  'Pow',
  'Cast',
  'Identity',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Split',
  'Slice',
  'Neg',
  'Clip',
  'DynamicQuantizeLinear',
]);

const isElementwise = (node: NodeProto): boolean => elementwise.has(node.opType);
const activates = (nodes: readonly NodeProto[]): boolean => nodes.some((node) => nonlinear.has(node.opType));

/** The last product of two activations on the way to the down projection: gate × up. */
const gatingProduct = (flow: Dataflow, nodes: readonly NodeProto[]): NodeProto | undefined =>
  nodes.find((node) => node.opType === 'Mul' && node.input.every((name) => flow.constant(name) === null && !isScale(flow, name)));

/** Scale of a dynamic quantization: a product with it is a unit, no gate. */
const isScale = (flow: Dataflow, tensor: string): boolean => {
  let name = tensor;
  for (let node = flow.producer(name); node !== undefined; node = flow.producer(name)) {
    if (node.opType === 'DynamicQuantizeLinear') return node.output[0] !== name;
    const next = node.input.find((each) => flow.constant(each) === null);
    if (node.opType !== 'Mul' || next === undefined || node.input.every((each) => flow.constant(each) === null)) return false;
    name = next;
  }
  return false;
};

const packed = (flow: Dataflow, linear: Linear, gating: NodeProto): readonly [Slice, Slice, string] | null => {
  const reached = gating.input.map((operand) => {
    let name = operand;
    for (let node = flow.producer(name); node !== undefined; node = flow.producer(name)) {
      if (node.opType === 'Split') return { split: node, output: name };
      const next = node.input.find((each) => flow.constant(each) === null);
      if (next === undefined || !isElementwise(node)) return null;
      name = next;
    }
    return null;
  });
  const [a, b] = reached;
  if (a === null || a === undefined || b === null || b === undefined || a.split !== b.split) return null;
  const slices = [a, b].map((each) => splitSlice(flow, each.split, each.output, linear.columns));
  const [first, second] = slices;
  if (first === null || first === undefined || second === null || second === undefined) return null;
  return [{ linear, ...first }, { linear, ...second }, nodeId(a.split)];
};

/** What a linear reads, or the first factor of its matrix where that was taken apart. */
const readBy = (flow: Dataflow, index: LinearsByOutput, { input }: Linear): string => {
  const own = source(flow, input);
  const first = index.get(own);
  return first === undefined ? own : source(flow, first.input);
};

const fromDown = (flow: Dataflow, index: LinearsByOutput, down: Linear): FeedForward | null => {
  const walk = walkUp(flow, index, down.input, isElementwise);
  if (walk === null || walk.inputs.length > 0 || walk.linears.length < 1 || walk.linears.length > 2 || !activates(walk.nodes)) return null;
  const [one, two] = walk.linears;
  if (one === undefined || walk.linears.includes(down)) return null;
  const gating = gatingProduct(flow, walk.nodes);
  if (two !== undefined) {
    if (gating === undefined || readBy(flow, index, one) !== readBy(flow, index, two)) return null;
    const sides = gating.input.map((name) => walkUp(flow, index, name, isElementwise));
    const gateSide = sides.find((side) => side !== null && side.linears.length === 1 && activates(side.nodes));
    const gate = gateSide?.linears[0];
    const up = gate === one ? two : one;
    return gate === undefined ? null : { kind: 'feed-forward', gate: whole(gate), up: whole(up), down, width: up.columns, splits: [] };
  }
  if (one.columns === 2 * down.rows && gating !== undefined) {
    const slices = packed(flow, one, gating);
    if (slices === null) return null;
    const firstSide = walkUp(flow, index, gating.input[0] ?? '', isElementwise);
    const firstIsGate = firstSide !== null && activates(firstSide.nodes);
    const [gate, up] = firstIsGate ? [slices[0], slices[1]] : [slices[1], slices[0]];
    return { kind: 'feed-forward', gate, up, down, width: down.rows, splits: [slices[2]] };
  }
  return { kind: 'feed-forward', gate: null, up: whole(one), down, width: one.columns, splits: [] };
};

/**
 * Every dense feed-forward: a linear whose input comes, element by element and through a non-linear function, from one or two
 * linears that read the same tensor. Two linears: gate and up; one twice as wide: both packed.
 */
export const findFeedForwards = (flow: Dataflow, linears: readonly Linear[], index: LinearsByOutput): readonly FeedForward[] =>
  linears.map((linear) => fromDown(flow, index, linear)).filter((found) => found !== null);
