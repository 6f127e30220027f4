import { GateError } from '../../errors.ts';
import type { OnnxModel } from '../model.ts';
import type { ValueInfoProto } from '../proto/onnx_pb.js';
import type { Architecture, FeedForward, Layer, Linear, Port } from './architecture.ts';
import { findAttention } from './attention.ts';
import { type Dataflow, dataflow, nodeId } from './dataflow.ts';
import { findExperts } from './experts.ts';
import { findFeedForwards } from './feed-forward.ts';
import { assembleLayers } from './layers.ts';
import { findLinears } from './linears.ts';
import { findNorms } from './norms.ts';
import { indexLinears, type LinearsByOutput, walkUp } from './walk.ts';

const elementTypes: Readonly<Record<number, string>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  6: 'int32',
  7: 'int64',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  16: 'bfloat16',
};
/** Smaller constants are biases, shapes and tables of no interest. */
const largeConstant = 4096;

const port = (info: ValueInfoProto): Port => {
  const tensor = info.type?.value.case === 'tensorType' ? info.type.value.value : undefined;
  const dims = (tensor?.shape?.dim ?? []).map((dim) =>
    dim.value.case === 'dimValue' ? Number(dim.value.value) : dim.value.case === 'dimParam' ? dim.value.value : '?',
  );
  return { name: info.name, type: elementTypes[tensor?.elemType ?? 0] ?? `type ${tensor?.elemType ?? 0}`, dims };
};

const embeddingOf = (flow: Dataflow, index: LinearsByOutput, layers: readonly Layer[]): Architecture['embedding'] => {
  const stream = layers[0]?.attentionWrite.stream;
  const nodes = stream === undefined ? [] : (walkUp(flow, index, stream)?.nodes ?? []);
  for (const node of nodes) {
    if (node.opType !== 'Gather' && node.opType !== 'GatherBlockQuantized') continue;
    const table = flow.constant(node.input[0] ?? '');
    if (table !== null && table.dims.length === 2)
      return { node: nodeId(node), weight: table.name, rows: table.dims[0] ?? 0, columns: table.dims[1] ?? 0 };
  }
  return null;
};

const linearsOf = (layer: Layer): readonly Linear[] => [
  layer.attention.query.linear,
  layer.attention.key.linear,
  layer.attention.value.linear,
  layer.attention.output,
  ...(layer.attention.latent === null
    ? []
    : [layer.attention.latent.keyValueDown, ...(layer.attention.latent.queryDown === null ? [] : [layer.attention.latent.queryDown])]),
  ...layer.feedForwards.flatMap(linearsOfFeedForward),
  ...(layer.experts === null ? [] : [layer.experts.router.linear]),
];
const linearsOfFeedForward = (each: FeedForward): readonly Linear[] => [
  ...(each.gate === null ? [] : [each.gate.linear]),
  each.up.linear,
  each.down,
];

const mismatches = (layers: readonly Layer[], projections: readonly FeedForward[]): readonly string[] => {
  const warnings: string[] = [];
  for (const each of [...layers.flatMap((layer) => layer.feedForwards), ...projections])
    if (each.up.size !== each.down.rows || (each.gate !== null && each.gate.size !== each.down.rows))
      warnings.push(`feed-forward ${each.down.node}: gate ${each.gate?.size ?? '-'}, up ${each.up.size}, down ${each.down.rows} differ`);
  for (const { attention } of layers) {
    if (attention.heads === 0) warnings.push(`attention ${attention.node}: the number of heads is not in the graph`);
  }
  const kinds = new Set(layers.map((layer) => `${layer.attention.op} ${layer.attention.heads}/${layer.attention.kvHeads}`));
  if (kinds.size > 1) warnings.push(`layers differ in their attention: ${[...kinds].join(', ')}`);
  return warnings;
};

const unclaimedOf = (flow: Dataflow, claimed: ReadonlySet<string>): readonly string[] =>
  [...flow.stored.values()]
    .filter(
      (tensor) =>
        tensor.dims.length > 1 &&
        tensor.dims.reduce((product, dim) => product * Number(dim), 1) >= largeConstant &&
        !claimed.has(tensor.name),
    )
    .map((tensor) => tensor.name);

const rotaryTables = (flow: Dataflow): readonly string[] =>
  flow.nodes.flatMap((node) => {
    if (node.opType === 'GroupQueryAttention') return node.input.slice(7, 9);
    return node.opType === 'RotaryEmbedding' ? node.input.slice(node.domain === '' ? 1 : 2).slice(0, 2) : [];
  });

/**
 * Finds layers, attention, feed-forwards, experts, norms, head and embedding by the flow of data, never by names, in the
 * dialects of the usual exporters. What it finds but cannot explain is reported in `warnings` and `unclaimed`.
 * @throws GateError onnx-unsupported for a graph with anything in `notRecognised`, naming the operator.
 */
export const recognise = (model: OnnxModel): Architecture => {
  const found = recogniseParts(model);
  if (found.notRecognised.length === 0) return found;
  throw new GateError(
    'onnx-unsupported',
    `The graph was read. Parts of it are not recognised: ${found.notRecognised.slice(0, 3).join('; ')}.`,
    { where: model.graph },
  );
};

/** The same of any graph: what can be told of it, and in `notRecognised` why that is not all. */
export const recogniseParts = (model: OnnxModel): Architecture => {
  const flow = dataflow(model);
  const inputs = (model.proto.graph?.input ?? []).filter((each) => flow.isInput(each.name)).map(port);
  const outputs = (model.proto.graph?.output ?? []).map(port);
  const linears = findLinears(flow);
  const index = indexLinears(linears);
  const norms = findNorms(flow);
  const { attentions, contradictions } = findAttention(flow, linears, index, inputs);
  const { experts, unread } = findExperts(flow, index);
  const { layers, projections, warnings } = assembleLayers(flow, attentions, findFeedForwards(flow, linears, index), experts);
  const placed = new Set([...layers.flatMap(linearsOf), ...projections.flatMap(linearsOfFeedForward)]);
  const head = outputs
    .map((each) => walkUp(flow, index, each.name)?.linears ?? [])
    .find((found) => found.length === 1 && found[0] !== undefined && !placed.has(found[0]) && layers.length > 0)?.[0];
  const embedding = embeddingOf(flow, index, layers);
  const claimed = new Set([
    ...[...placed].map((linear) => linear.weight),
    ...(head === undefined ? [] : [head.weight]),
    ...(embedding === null ? [] : [embedding.weight]),
    ...experts.flatMap((each) => [each.up, each.down, ...each.extras.map((extra) => extra.tensor)]),
    ...flow.nodes.flatMap((node) => (node.opType === 'MatMulNBits' ? node.input.slice(2) : [])),
    ...rotaryTables(flow),
  ]);
  return {
    inputs,
    outputs,
    layers,
    projections,
    norms,
    head: head ?? null,
    embedding,
    linears,
    unclaimed: unclaimedOf(flow, claimed),
    warnings: [...warnings, ...mismatches(layers, projections)],
    notRecognised: [...flow.hidden, ...contradictions, ...unread],
  };
};
