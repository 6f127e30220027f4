import type { NodeProto } from '../proto/onnx_pb.js';
import type { Linear } from './architecture.ts';
import { type Dataflow, nodeId } from './dataflow.ts';

/** Linears by the tensors they make, before and after the bias. */
export type LinearsByOutput = ReadonlyMap<string, Linear>;

export const indexLinears = (linears: readonly Linear[]): LinearsByOutput => {
  const index = new Map<string, Linear>();
  for (const linear of linears) {
    index.set(linear.node, linear);
    index.set(linear.output, linear);
  }
  return index;
};

const shapeOnly = new Set(['Shape', 'Size', 'ConstantOfShape', 'Range', 'NonZero', 'EyeLike']);
const firstOnly = new Set([
  'Reshape',
  'Expand',
  'Unsqueeze',
  'Squeeze',
  'Slice',
  'Split',
  'Tile',
  'TopK',
  'ReduceSum',
  'ReduceMean',
  'ReduceMax',
  'Pad',
  'OneHot',
]);

/** The inputs that values come from: not shapes, axes, sizes or conditions. */
const dataInputs = (node: NodeProto): readonly string[] => {
  if (shapeOnly.has(node.opType)) return [];
  if (firstOnly.has(node.opType)) return node.input.slice(0, 1);
  if (node.opType === 'Where') return node.input.slice(1);
  return node.input.filter((name) => name !== '');
};

export interface Walk {
  /** Nearest linears, in the order they were met. */
  readonly linears: readonly Linear[];
  /** Nodes passed, nearest first; linears excluded. */
  readonly nodes: readonly NodeProto[];
  /** Graph inputs reached. */
  readonly inputs: readonly string[];
}

/** No block reads as many: what meets more is the residual stream, whose whole length every block would walk. */
const mostLinears = 16;

/**
 * Walks against the flow from `tensor` to the nearest linears, breadth first, through values only. `through` may forbid a
 * node: then the answer is null, as where linears are too many for one block.
 */
export const walkUp = (
  flow: Dataflow,
  index: LinearsByOutput,
  tensor: string,
  through: (node: NodeProto) => boolean = () => true,
): Walk | null => {
  const linears = new Set<Linear>();
  const nodes = new Set<NodeProto>();
  const inputs: string[] = [];
  const seen = new Set<string>();
  const queue = [tensor];
  for (let at = 0; at < queue.length; at += 1) {
    const name = queue[at];
    if (name === undefined || name === '' || seen.has(name) || flow.constant(name) !== null) continue;
    seen.add(name);
    const linear = index.get(name);
    if (linear !== undefined) {
      linears.add(linear);
      if (linears.size > mostLinears) return null;
      continue;
    }
    const node = flow.producer(name);
    if (node === undefined) {
      inputs.push(name);
      continue;
    }
    if (!through(node)) return null;
    nodes.add(node);
    queue.push(...dataInputs(node));
  }
  return { linears: [...linears], nodes: [...nodes], inputs };
};

/** All nodes that lie on a path of values from one of `from` to `to`, in graph order; `to`'s and `from`'s own producers excluded. */
export const nodesBetween = (flow: Dataflow, from: readonly string[], to: string): readonly NodeProto[] => {
  const known = new Set(from);
  const above = new Set<NodeProto>();
  const queue = [to];
  const seen = new Set(queue);
  for (let at = 0; at < queue.length; at += 1) {
    const name = queue[at] ?? '';
    const node = known.has(name) ? undefined : flow.producer(name);
    if (node === undefined) continue;
    above.add(node);
    for (const input of dataInputs(node))
      if (!seen.has(input)) {
        seen.add(input);
        queue.push(input);
      }
  }
  const sorted = [...above].sort((a, b) => flow.position(a) - flow.position(b));
  return sorted.filter((node) => {
    if (!dataInputs(node).some((name) => known.has(name))) return false;
    for (const name of node.output) known.add(name);
    return true;
  });
};

const transparent = new Set(['Cast', 'Identity', 'Reshape', 'Transpose', 'Squeeze', 'Unsqueeze']);

/** The tensor behind casts and reshapes: what two readers of the same stream have in common. */
export const origin = (flow: Dataflow, tensor: string): string => {
  let name = tensor;
  for (let node = flow.producer(name); node !== undefined && transparent.has(node.opType); node = flow.producer(name))
    name = node.input[0] ?? '';
  return name;
};

/** Origin of a quantized input as well: one DynamicQuantizeLinear may serve several linears. */
export const source = (flow: Dataflow, tensor: string): string => {
  let name = origin(flow, tensor);
  for (let node = flow.producer(name); node?.opType === 'DynamicQuantizeLinear'; node = flow.producer(name))
    name = origin(flow, node.input[0] ?? '');
  return name;
};

/** First outputs of nodes. */
export const idsOf = (nodes: readonly NodeProto[]): readonly string[] => nodes.map(nodeId);
