import { GateError } from '../../errors.ts';
import { findAttribute, integerAttribute, mainGraph, type OnnxModel } from '../../onnx/model.ts';
import type { NodeProto } from '../../onnx/proto/onnx_pb.js';
import type { Attention, Linear, Slice } from '../../onnx/recognise/architecture.ts';
import { channelEnergy } from '../graph/activations.ts';
import { cutLinear, producerOf, readMatrix, replaceIntegers } from '../graph/rewrite.ts';
import { keptCount, largest } from '../graph/selection.ts';
import { type Choice, randomScores } from './choice.ts';
import { type InputCutter, inputCutter } from './refit.ts';

/** Positions `[group · size, (group + 1) · size)` of every kept group. */
const spans = (keep: readonly number[], size: number, offset = 0): readonly number[] =>
  keep.flatMap((group) => Array.from({ length: size }, (_, at) => offset + group * size + at));

/** One score per key-value group: what its query heads write to the stream. */
const groupScores = (model: OnnxModel, attention: Attention, energy: Float64Array | undefined, { options, seed }: Choice): Float64Array => {
  if (options.importance === 'random') return randomScores(attention.kvHeads, seed, attention.node);
  const output = readMatrix(model, attention.output);
  const perGroup = attention.output.rows / attention.kvHeads;
  const scores = new Float64Array(attention.kvHeads);
  for (let row = 0; row < attention.output.rows; row += 1) {
    let norm = 0;
    for (let at = row * attention.output.columns; at < (row + 1) * attention.output.columns; at += 1) norm += (output[at] ?? 0) ** 2;
    const group = Math.floor(row / perGroup);
    scores[group] = (scores[group] ?? 0) + norm * (options.importance === 'activation' ? (energy?.[row] ?? 0) : 1);
  }
  return scores;
};

const setAttribute = (node: NodeProto, name: string, value: number): void => {
  const found = findAttribute(node, name);
  if (found !== undefined) found.i = BigInt(value);
};

/** Shapes [..., heads, size] and [..., heads · size] between the projections and the output follow the number of heads. */
const reshape = (model: OnnxModel, attention: Attention, heads: number, kvHeads: number): void => {
  const perHead = new Map([
    [attention.heads, heads],
    [attention.kvHeads, kvHeads],
  ]);
  const widths = new Map<number, number>();
  for (const [old, left] of perHead)
    for (const size of [
      attention.headSize,
      attention.valueSize,
      attention.query.size / attention.heads,
      attention.key.size / attention.kvHeads,
    ])
      widths.set(old * size, left * size);
  for (const id of attention.inside) {
    const node = producerOf(model, id);
    if (node.opType === 'Reshape')
      replaceIntegers(model, node, 1, (value, at, all) => {
        if (at === all.length - 1) return widths.get(value) ?? value;
        return at === all.length - 2 && all.length > 3 ? (perHead.get(value) ?? value) : value;
      });
    if (node.opType === 'Expand' || node.opType === 'Tile')
      replaceIntegers(model, node, 1, (value, at, all) => (at === all.length - 3 ? (perHead.get(value) ?? value) : value));
    if (node.opType === 'RotaryEmbedding') setAttribute(node, 'num_heads', perHead.get(integerAttribute(node, 'num_heads', 0)) ?? 0);
    if (node.opType === 'Split') resizeSplit(model, node, attention, heads, kvHeads);
  }
};

const resizeSplit = (model: OnnxModel, node: NodeProto, attention: Attention, heads: number, kvHeads: number): void => {
  if (attention.query.linear !== attention.key.linear || node.input[0] !== attention.query.linear.output || (node.input[1] ?? '') === '')
    return;
  const each = attention.query.size / attention.heads;
  replaceIntegers(model, node, 1, (_value, at) => (at === 0 ? heads * each : kvHeads * each));
};

const resizeCache = (model: OnnxModel, attention: Attention, kvHeads: number): void => {
  const graph = mainGraph(model.proto, model.graph);
  const { pastKey = '', pastValue = '', presentKey = '', presentValue = '' } = attention.cache ?? {};
  const names = new Set([pastKey, pastValue, presentKey, presentValue]);
  for (const port of [...graph.input, ...graph.output]) {
    const dim = names.has(port.name) && port.type?.value.case === 'tensorType' ? port.type.value.value.shape?.dim[1] : undefined;
    if (dim?.value.case === 'dimValue') dim.value.value = BigInt(kvHeads);
  }
};

const cutHeads = async (model: OnnxModel, attention: Attention, groups: readonly number[], cutInputs: InputCutter): Promise<void> => {
  const perGroup = attention.heads / attention.kvHeads;
  const heads = groups.length * perGroup;
  const columns = new Map<Linear, number[]>();
  const keepIn = (slice: Slice, keep: readonly number[], size: number): void => {
    const list = columns.get(slice.linear) ?? [];
    if (list.length === 0 || slice.offset > 0) list.push(...spans(keep, size, slice.offset));
    columns.set(slice.linear, list);
  };
  keepIn(attention.query, spans(groups, perGroup), attention.query.size / attention.heads);
  keepIn(attention.key, groups, attention.key.size / attention.kvHeads);
  keepIn(attention.value, groups, attention.value.size / attention.kvHeads);
  for (const [linear, keep] of columns) cutLinear(model, linear, 'columns', keep);
  await cutInputs(attention.output, spans(spans(groups, perGroup), attention.output.rows / attention.heads));
  const node = producerOf(model, attention.node);
  for (const name of ['num_heads', 'q_num_heads']) setAttribute(node, name, heads);
  setAttribute(node, 'kv_num_heads', groups.length);
  reshape(model, attention, heads, groups.length);
  resizeCache(model, attention, groups.length);
};

/**
 * Removes the least important key-value groups with their query heads: projections, output, attributes, shapes and caches.
 * @returns how many query heads went.
 * @throws GateError onnx-unsupported for attention whose heads are not in the graph or that repeats keys by a subgraph.
 */
export const pruneHeads = async (model: OnnxModel, all: readonly Attention[], choice: Choice): Promise<number> => {
  const { options, calibration, stage } = choice;
  for (const each of all)
    if (each.heads < 1 || each.op === 'MultiHeadAttention' || (each.op === 'Softmax' && each.heads !== each.kvHeads))
      throw new GateError('onnx-unsupported', `${each.op} ${each.node} was to be pruned. Heads of this operator cannot be cut out.`, {
        where: model.graph,
      });
  const energy =
    options.importance === 'activation'
      ? await channelEnergy(
          calibration,
          stage,
          all.map((each) => each.output.input),
        )
      : new Map<string, Float64Array>();
  const cutInputs = inputCutter(
    model,
    all.map((each) => each.output),
    choice,
  );
  let removed = 0;
  for (const each of all) {
    const count = keptCount(each.kvHeads, options.ratio);
    if (count === each.kvHeads) continue;
    await cutHeads(model, each, largest(groupScores(model, each, energy.get(each.output.input), choice), count), cutInputs);
    removed += (each.kvHeads - count) * (each.heads / each.kvHeads);
  }
  return removed;
};
