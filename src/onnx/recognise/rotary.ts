import { GateError } from '../../errors.ts';
import { integerAttribute, type OnnxModel } from '../model.ts';
import type { NodeProto } from '../proto/onnx_pb.js';
import { readFloats } from '../tensor.ts';
import type { Attention } from './architecture.ts';
import { type Dataflow, dataflow } from './dataflow.ts';

/** How cached keys are turned: pair (i, i + n) of a key turns by `frequencies[i]` radians per position, n = frequencies.length. */
export interface RotaryKeys {
  readonly frequencies: readonly number[];
  /** Positions that the graph's tables reach; null: any. */
  readonly positions: number | null;
}

interface Tables {
  readonly cos: string;
  readonly sin: string;
}

const throughKeys = new Set(['Transpose', 'Reshape', 'Expand', 'Unsqueeze', 'Identity']);

const tablesOf = (node: NodeProto): Tables => {
  const first = node.opType === 'GroupQueryAttention' ? 7 : node.domain === '' ? 1 : 2;
  return { cos: node.input[first] ?? '', sin: node.input[first + 1] ?? '' };
};

/** The node that turns a key on its way into the cache; a part that is turned must come first in the key. */
const turningNode = (flow: Dataflow, key: string): NodeProto | null => {
  for (let tensor = key, step = 0; step < 16; step++) {
    const node = flow.producer(tensor);
    if (node === undefined) return null;
    if (node.opType === 'RotaryEmbedding') return node;
    if (node.opType !== 'Concat' && !throughKeys.has(node.opType)) return null;
    tensor = node.input.find((name) => !flow.isInput(name)) ?? '';
  }
  return null;
};

/** Angles that are products of positions and constants, summed over the axes of a position where it has several. */
const spelledFrequencies = (flow: Dataflow, cos: string): readonly number[] | null => {
  const wave = flow.producer(cos);
  if (wave?.opType !== 'Cos') return null;
  const above = flow.producer(wave.input[0] ?? '');
  const product = above?.opType === 'ReduceSum' ? flow.producer(above.input[0] ?? '') : above;
  const factor = product?.opType === 'Mul' ? product.input.find((name) => flow.initializer(name) !== undefined) : undefined;
  if (factor === undefined) return null;
  const size = Number(flow.initializer(factor)?.dims.at(-1) ?? 0n);
  const sums = new Array<number>(size).fill(0);
  readFloats(flow.model, factor).forEach((value, at) => {
    sums[at % size] = (sums[at % size] ?? 0) + value;
  });
  return sums;
};

const rotaryOf = (flow: Dataflow, attention: Attention): RotaryKeys | null => {
  const anchor = flow.producer(attention.node);
  if (anchor === undefined) return null;
  const own = anchor.opType === 'GroupQueryAttention' && integerAttribute(anchor, 'do_rotary', 0) === 1;
  const key = anchor.opType === 'Softmax' ? (attention.cache?.presentKey ?? '') : (anchor.input[1] ?? '');
  const node = own ? anchor : turningNode(flow, key);
  if (node === null || integerAttribute(node, own ? 'rotary_interleaved' : 'interleaved', 0) === 1) return null;
  const { cos, sin } = tablesOf(node);
  const [stored, other] = [flow.initializer(cos), flow.initializer(sin)];
  if (stored === undefined || other === undefined) {
    const frequencies = spelledFrequencies(flow, cos);
    return frequencies === null ? null : { frequencies, positions: null };
  }
  const [positions = 0, pairs = 0] = stored.dims.map(Number);
  if (positions < 2 || pairs < 1) return null;
  const [cosines, sines] = [readFloats(flow.model, cos), readFloats(flow.model, sin)];
  const frequencies = Array.from({ length: pairs }, (_, i) => Math.atan2(sines[pairs + i] ?? 0, cosines[pairs + i] ?? 1));
  return { frequencies, positions };
};

/**
 * How the keys in the cache of a decoder are turned by position: one way for all layers.
 * @throws GateError onnx-unsupported where a layer's keys are turned in pairs of neighbours, by operators that are not recognised,
 * or otherwise than those of the first layer.
 */
export const findRotaryKeys = (model: OnnxModel, attentions: readonly Attention[]): RotaryKeys => {
  const flow = dataflow(model);
  const refuse = (why: string): GateError =>
    new GateError('onnx-unsupported', `The rotary positions of the decoder were looked for. ${why}.`, { where: model.graph });
  let found: RotaryKeys | null = null;
  for (const attention of attentions) {
    const own = rotaryOf(flow, attention);
    if (own === null) throw refuse(`How the keys of attention ${attention.node} turn by position is not recognised`);
    if (found !== null && JSON.stringify(own) !== JSON.stringify(found))
      throw refuse(`The keys of attention ${attention.node} turn otherwise than those of the first layer`);
    found = own;
  }
  if (found === null) throw refuse('No attention is recognised in the graph');
  return found;
};
