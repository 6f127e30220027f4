import { GateError } from '../../errors.ts';
import { findAttribute, integerAttribute, mainGraph, type OnnxModel } from '../../onnx/model.ts';
import type { NodeProto } from '../../onnx/proto/onnx_pb.js';
import type { Attention } from '../../onnx/recognise/architecture.ts';
import { findInitializer } from '../../onnx/tensor.ts';
import { producerOf } from '../graph/rewrite.ts';
import { blockAttention, keptCache } from './block-attention.ts';
import { insertFragment } from './fragment.ts';
import type { Emitter, PatternFrame } from './frame.ts';

/** Inputs of com.microsoft.GroupQueryAttention beyond the tables: positions are taken over, the rest changes the scores. */
const slot = { key: 1, value: 2, pastKey: 3, pastValue: 4, cos: 7, sin: 8, positions: 9 } as const;

const refusal = (node: NodeProto): string | null => {
  if (integerAttribute(node, 'local_window_size', -1) > 0) return 'it has a window already';
  if ((findAttribute(node, 'softcap')?.f ?? 0) !== 0) return 'it caps its scores';
  if (integerAttribute(node, 'smooth_softmax', 0) === 1) return 'its softmax has a smoothing term';
  if (integerAttribute(node, 'kv_cache_bit_width', 0) > 0) return 'its cache is quantized';
  return node.input.slice(slot.positions + 1).some((name) => name !== '') ? 'it has a bias or a sink of its own' : null;
};

/** Elements of a head that turn, where it is not all of them. */
const partialRotary = (model: OnnxModel, node: NodeProto, headSize: number): number => {
  const pairs = Number(findInitializer(model, node.input[slot.cos] ?? '')?.dims[1] ?? 0n);
  return pairs > 0 && 2 * pairs < headSize ? 2 * pairs : 0;
};

/**
 * Puts block attention in the place of a GroupQueryAttention node. What it turned by position is turned by nodes of their own.
 * @param past int64 [1]: position of the first new token
 * @throws GateError onnx-unsupported for a node that does more than attend.
 */
export const rewriteGrouped = (model: OnnxModel, attention: Attention, frame: PatternFrame, past: string, path: string): void => {
  const node = producerOf(model, attention.node);
  const refused = refusal(node);
  if (refused !== null)
    throw new GateError('onnx-unsupported', `${attention.op} ${attention.node} was to be rewritten. That cannot be: ${refused}.`, {
      where: model.graph,
    });
  const { heads, kvHeads, headSize } = attention;
  const [result = '', presentKey = '', presentValue = ''] = node.output;
  const input = (at: number): string => node.input[at] ?? '';
  const rotates = integerAttribute(node, 'do_rotary', 0) === 1;
  const partial = partialRotary(model, node, headSize);
  const turned = (graph: Emitter, name: string, tensor: string, count: number): string =>
    rotates
      ? graph.node(
          'RotaryEmbedding',
          `${path}/${name}/RotaryEmbedding`,
          [tensor, input(slot.positions) || past, input(slot.cos), input(slot.sin)],
          {
            domain: 'com.microsoft',
            attributes: {
              interleaved: { int: integerAttribute(node, 'rotary_interleaved', 0) },
              ...(partial > 0 ? { num_heads: { int: count }, rotary_embedding_dim: { int: partial } } : {}),
            },
          },
        )
      : tensor;
  const headsFirst = (graph: Emitter, name: string, tensor: string, width: number): string => {
    const split = graph.node('Reshape', `${path}/${name}/heads/Reshape`, [tensor, graph.integers([0, 0, kvHeads, width])]);
    return graph.node('Transpose', `${path}/${name}/heads/Transpose`, [split], { attributes: { perm: { ints: [0, 2, 1, 3] } } });
  };
  const joined = (graph: Emitter, name: string, cached: string, fresh: string): string =>
    graph.node('Concat', `${path}/${name}/past/Concat`, [cached, headsFirst(graph, name, fresh, headSize)], {
      attributes: { axis: { int: 2 } },
    });
  const scale = findAttribute(node, 'scale')?.f ?? 0;
  insertFragment(model, node, (graph) => {
    const packed = input(slot.key) === '';
    const parts = [`${path}/packed/q`, `${path}/packed/k`, `${path}/packed/v`] as const;
    if (packed)
      graph.node('Split', `${path}/packed/Split`, [input(0), graph.integers([heads * headSize, kvHeads * headSize, kvHeads * headSize])], {
        attributes: { axis: { int: 2 } },
        outputs: parts,
      });
    const [query, key, value] = packed ? parts : [input(0), input(slot.key), input(slot.value)];
    const keys = joined(graph, 'k', input(slot.pastKey), turned(graph, 'k', key, kvHeads));
    const values = joined(graph, 'v', input(slot.pastValue), value);
    // The shape that says what the heads are; the query heads of a key head then stay side by side, which the runtime turns faster.
    const shape = graph.integers([0, 0, kvHeads, heads / kvHeads, headSize]);
    const split = graph.node('Reshape', `${path}/q/Reshape`, [turned(graph, 'q', query, heads), shape]);
    const queries = headsFirst(graph, 'q', split, (heads / kvHeads) * headSize);
    const size = { heads, kvHeads, headSize, valueSize: headSize, scale: scale === 0 ? headSize ** -0.5 : scale };
    const mixed = blockAttention(graph, path, frame, { queries, keys, values }, size);
    const rows = graph.node('Transpose', `${path}/mix/Transpose`, [mixed], { attributes: { perm: { ints: [0, 2, 1, 3] } } });
    graph.node('Reshape', `${path}/mix/Reshape`, [rows, graph.integers([0, 0, heads * headSize])], { outputs: [result] });
    keptCache(graph, `${path}/k/kept`, frame, keys, presentKey);
    keptCache(graph, `${path}/v/kept`, frame, values, presentValue);
  });
  const graph = mainGraph(model.proto, model.graph);
  graph.node = graph.node.filter((each) => each !== node);
};
