import { integerAttribute } from '../model.ts';
import type { NodeProto } from '../proto/onnx_pb.js';
import type { Attention, CacheTensors, Linear, Port, Slice } from './architecture.ts';
import { type Dataflow, nodeId } from './dataflow.ts';
import { splitSlice, whole } from './linears.ts';
import { idsOf, type LinearsByOutput, nodesBetween, source, walkUp } from './walk.ts';

/** Where an attention operator takes its operands from, whatever it is called. */
interface Anchor {
  readonly op: Attention['op'];
  readonly node: string;
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly result: string;
  readonly heads: number;
  readonly kvHeads: number;
  readonly cache: CacheTensors | null;
}

const cacheSlots: Readonly<Record<string, readonly [number, number]>> = {
  GroupQueryAttention: [3, 4],
  Attention: [4, 5],
  MultiHeadAttention: [6, 7],
};

const fusedAnchor = (flow: Dataflow, node: NodeProto): Anchor | null => {
  const slots = cacheSlots[node.opType];
  const [query = '', key = '', value = ''] = node.input;
  if (slots === undefined || query === '' || flow.constant(key) !== null) return null;
  const pastKey = node.input[slots[0]] ?? '';
  const pastValue = node.input[slots[1]] ?? '';
  const [result = '', presentKey = '', presentValue = ''] = node.output;
  const heads = integerAttribute(node, 'num_heads', integerAttribute(node, 'q_num_heads', 0));
  const own = flow.isInput(pastKey) && flow.isInput(pastValue) && flow.isOutput(presentKey) && flow.isOutput(presentValue);
  return {
    op: node.opType as Attention['op'],
    node: nodeId(node),
    query,
    key: key === '' ? query : key,
    value: value === '' ? query : value,
    result,
    heads,
    kvHeads: integerAttribute(node, 'kv_num_heads', heads),
    cache: own ? { pastKey, pastValue, presentKey, presentValue } : null,
  };
};

const scoreSteps = new Set(['Add', 'Mul', 'Div', 'Sub', 'Cast', 'Where', 'Identity', 'Tanh']);
const weightSteps = new Set(['Cast', 'Where', 'IsNaN', 'Identity', 'Dropout']);

const scoresAbove = (flow: Dataflow, index: LinearsByOutput, tensor: string): NodeProto | null => {
  const queue = [tensor];
  for (let at = 0; at < queue.length && at < 32; at += 1) {
    const node = flow.producer(queue[at] ?? '');
    if (node === undefined) continue;
    if (node.opType === 'MatMul' && !index.has(node.output[0] ?? '') && node.input.every((name) => flow.constant(name) === null))
      return node;
    if (scoreSteps.has(node.opType)) queue.push(...node.input);
  }
  return null;
};

const mixBelow = (flow: Dataflow, tensor: string): NodeProto | null => {
  const queue = [tensor];
  for (let at = 0; at < queue.length && at < 32; at += 1) {
    const name = queue[at] ?? '';
    for (const node of flow.consumers(name)) {
      if (node.opType === 'MatMul' && node.input[0] === name) return node;
      if (weightSteps.has(node.opType)) queue.push(...node.output);
    }
  }
  return null;
};

/** What may stand between the cache with the new keys and the cache that leaves the graph: a window keeps some of its positions. */
const handsOn = new Set(['Identity', 'Cast', 'Gather', 'Slice']);

const presentOf = (flow: Dataflow, past: string): string | null => {
  for (const node of flow.consumers(past)) {
    if (node.opType !== 'Concat') continue;
    const joined = node.output[0] ?? '';
    if (flow.isOutput(joined)) return joined;
    for (const next of flow.consumers(joined))
      if (handsOn.has(next.opType) && flow.isOutput(next.output[0] ?? '')) return next.output[0] ?? null;
  }
  return null;
};

const spelledAnchor = (flow: Dataflow, index: LinearsByOutput, ports: readonly Port[], node: NodeProto): Anchor | null => {
  const scores = scoresAbove(flow, index, node.input[0] ?? '');
  const mix = mixBelow(flow, node.output[0] ?? '');
  if (scores === null || mix === null) return null;
  const [query = '', key = ''] = scores.input;
  const value = mix.input[1] ?? '';
  const past = (tensor: string): string | undefined =>
    walkUp(flow, index, tensor)?.inputs.find((name) => ports.some((port) => port.name === name && port.dims.length === 4));
  const pastKey = past(key);
  const pastValue = past(value);
  const presentKey = pastKey === undefined ? null : presentOf(flow, pastKey);
  const presentValue = pastValue === undefined ? null : presentOf(flow, pastValue);
  const cache =
    pastKey !== undefined && pastValue !== undefined && presentKey !== null && presentValue !== null
      ? { pastKey, pastValue, presentKey, presentValue }
      : null;
  return { op: 'Softmax', node: nodeId(node), query, key, value, result: mix.output[0] ?? '', heads: 0, kvHeads: 0, cache };
};

/** The linear that an operand comes from; where two do (latent and rotary part of a key), the later one. */
const projection = (flow: Dataflow, index: LinearsByOutput, tensor: string): Slice | null => {
  const walk = walkUp(flow, index, tensor);
  if (walk === null) return null;
  const [only, other, ...more] = walk.linears;
  if (only === undefined || more.length > 0) return null;
  const feeds = (a: Linear, b: Linear, factors = 0): boolean => {
    const above = walkUp(flow, index, b.input)?.linears ?? [];
    const [next] = above;
    if (above.includes(a)) return true;
    // The factors of one matrix follow each other.
    return next !== undefined && above.length === 1 && factors < 3 && feeds(a, next, factors + 1);
  };
  const linear = other === undefined || feeds(other, only) ? only : feeds(only, other) ? other : null;
  if (linear === null) return null;
  const split = walk.nodes.find((node) => node.opType === 'Split' && node.input[0] === linear.output);
  if (split === undefined) return whole(linear);
  const taken = split.output.filter((name) => name === tensor || walk.nodes.some((node) => node.input.includes(name)));
  const slice = taken.length === 1 && taken[0] !== undefined ? splitSlice(flow, split, taken[0], linear.columns) : null;
  return slice === null ? whole(linear) : { linear, ...slice };
};

const linearBelow = (flow: Dataflow, byInput: ReadonlyMap<string, readonly Linear[]>, tensor: string): Linear | null => {
  const queue = [tensor];
  const seen = new Set(queue);
  for (let at = 0; at < queue.length && at < 64; at += 1) {
    const name = queue[at] ?? '';
    const found = byInput.get(name)?.[0];
    if (found !== undefined) return found;
    for (const node of flow.consumers(name))
      if (node.opType !== 'Shape')
        for (const next of node.output)
          if (!seen.has(next)) {
            seen.add(next);
            queue.push(next);
          }
  }
  return null;
};

/** Heads by the constant shapes [..., heads, size], or [..., groups, heads per group, size], between a projection and the operator. */
const headsByShape = (flow: Dataflow, inside: readonly NodeProto[], size: number): number => {
  for (const node of inside) {
    if (node.opType !== 'Reshape') continue;
    const shape = flow.integers(node.input[1] ?? '');
    const known = shape?.slice(shape.findLastIndex((dim) => dim <= 0) + 1) ?? [];
    const each = known.at(-1) ?? 0;
    if ((shape?.length ?? 0) >= 3 && known.length >= 2 && known.reduce((product, dim) => product * dim, 1) === size) return size / each;
  }
  return 0;
};

const latentOf = (flow: Dataflow, index: LinearsByOutput, query: Slice, key: Slice): Attention['latent'] => {
  const above = (linear: Linear): Linear | null => {
    const walk = walkUp(flow, index, linear.input);
    return walk?.linears.length === 1 ? (walk.linears[0] ?? null) : null;
  };
  const keyValueDown = above(key.linear);
  if (keyValueDown === null) return null;
  const queryDown = above(query.linear);
  const common = source(flow, keyValueDown.input);
  if (queryDown !== null && source(flow, queryDown.input) === common && queryDown !== keyValueDown) return { queryDown, keyValueDown };
  return source(flow, query.linear.input) === common ? { queryDown: null, keyValueDown } : null;
};

const attentionOf = (
  flow: Dataflow,
  index: LinearsByOutput,
  byInput: ReadonlyMap<string, readonly Linear[]>,
  ports: readonly Port[],
  anchor: Anchor,
): Attention | null => {
  const output = linearBelow(flow, byInput, anchor.result);
  const query = projection(flow, index, anchor.query);
  const key = projection(flow, index, anchor.key);
  const value = projection(flow, index, anchor.value);
  if (output === null || query === null || key === null || value === null) return null;
  const packed = anchor.query === anchor.key && anchor.heads > 0;
  const latent = latentOf(flow, index, query, key);
  const starts = [query.linear.output, key.linear.output, value.linear.output, ...(latent === null ? [] : [latent.keyValueDown.output])];
  const inside = nodesBetween(flow, starts, output.input);
  const cacheSize = (name: string | undefined, axis: number): number => {
    const dim = ports.find((port) => port.name === name)?.dims[axis];
    return typeof dim === 'number' ? dim : 0;
  };
  const shaped = anchor.heads || headsByShape(flow, inside, query.size);
  const byCache = cacheSize(anchor.cache?.pastKey, 1);
  const headSize = cacheSize(anchor.cache?.pastKey, 3) || (shaped > 0 ? query.size / (packed ? shaped + 2 * anchor.kvHeads : shaped) : 0);
  const heads = shaped || (headSize > 0 ? query.size / headSize : 0);
  const kvHeads = anchor.kvHeads || byCache || headsByShape(flow, inside, key.size) || heads;
  const valueSize = cacheSize(anchor.cache?.pastValue, 3) || (heads > 0 ? output.rows / heads : 0);
  const third = (offset: number, count: number): Slice => ({ linear: query.linear, offset: offset * headSize, size: count * headSize });
  return {
    op: anchor.op,
    node: anchor.node,
    heads,
    kvHeads,
    headSize,
    valueSize,
    query: packed ? third(0, heads) : query,
    key: packed ? third(heads, kvHeads) : key,
    value: packed ? third(heads + kvHeads, kvHeads) : value,
    output,
    latent,
    cache: anchor.cache,
    inside: idsOf(inside),
  };
};

/** Why the numbers of an attention contradict each other; null where they do not. Heads that are not in the graph are 0. */
const contradictionOf = ({ node, heads, kvHeads, headSize, valueSize, query, key, value, output }: Attention): string | null => {
  if (heads === 0) return null;
  const isCount = (value: number): boolean => Number.isSafeInteger(value) && value > 0;
  if (!isCount(heads) || heads * valueSize !== output.rows)
    return `attention ${node}: ${heads} heads of ${valueSize} do not fill ${output.rows} inputs`;
  if (heads * headSize !== query.size || [query, key, value].some(({ offset, size, linear }) => offset + size > linear.columns))
    return `attention ${node}: ${heads} heads of ${headSize} do not fit the columns of their projections`;
  if (!isCount(kvHeads) || heads % kvHeads !== 0 || key.size % kvHeads !== 0)
    return `attention ${node}: ${heads} heads cannot share ${kvHeads} groups of keys and values`;
  return null;
};

/** Every attention block: a fused operator, or a Softmax between two products of activations; and why some are none. */
export const findAttention = (
  flow: Dataflow,
  linears: readonly Linear[],
  index: LinearsByOutput,
  ports: readonly Port[],
): { readonly attentions: readonly Attention[]; readonly contradictions: readonly string[] } => {
  const byInput = new Map<string, Linear[]>();
  for (const linear of linears) byInput.set(linear.input, [...(byInput.get(linear.input) ?? []), linear]);
  const anchors = flow.nodes.map((node) => (node.opType === 'Softmax' ? spelledAnchor(flow, index, ports, node) : fusedAnchor(flow, node)));
  const found = anchors
    .filter((anchor) => anchor !== null)
    .map((anchor) => attentionOf(flow, index, byInput, ports, anchor))
    .filter((each) => each !== null);
  return {
    attentions: found.filter((each) => contradictionOf(each) === null),
    contradictions: found.map(contradictionOf).filter((each) => each !== null),
  };
};
