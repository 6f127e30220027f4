import { GateError } from '../../errors.ts';
import { mainGraph, type OnnxModel } from '../../onnx/model.ts';
import type { Attention, Port } from '../../onnx/recognise/architecture.ts';
import { insertFragment, root } from './fragment.ts';
import { type CallLengths, callLengths, type PatternFrame, patternFrame } from './frame.ts';
import { rewriteGrouped } from './grouped.ts';
import type { Pattern } from './pattern.ts';
import { rewriteSpelled } from './unfused-attention.ts';

/** One layer that becomes sparse. */
export interface SparseLayer {
  readonly layer: number;
  readonly attention: Attention;
  readonly pattern: Pattern;
}

/** A layer's cache has a length of its own now: a symbol that it shared with others would be a false promise. */
const ownLengths = (model: OnnxModel, { layer, attention: { cache } }: SparseLayer): void => {
  const graph = mainGraph(model.proto, model.graph);
  const name = (port: { readonly name: string }, past: string, present: string): string | null =>
    port.name === past ? `past_kept_${layer}` : port.name === present ? `kept_${layer}` : null;
  for (const port of [...graph.input, ...graph.output]) {
    const symbol =
      name(port, cache?.pastKey ?? '', cache?.presentKey ?? '') ?? name(port, cache?.pastValue ?? '', cache?.presentValue ?? '');
    const dim = port.type?.value.case === 'tensorType' ? port.type.value.value.shape?.dim[2] : undefined;
    if (symbol !== null && dim !== undefined) dim.value = { case: 'dimParam', value: symbol };
  }
};

const requireInput = (model: OnnxModel, ports: readonly Port[], name: string): string => {
  if (ports.some((port) => port.name === name && port.dims.length === 2)) return name;
  throw new GateError(
    'onnx-unsupported',
    `The attention was to be rewritten. That needs an input ${name} of two dimensions, which the graph lacks.`,
    { where: model.graph },
  );
};

/**
 * Lets layers attend by their patterns: blocks of at most `block` queries with the keys that they see, in prefill, in chunks after it, and in
 * single steps; each layer's cache leaves the graph as short as its pattern allows.
 * @throws GateError onnx-unsupported for attention in a dialect that is not rewritten, naming it.
 */
export const sparsify = (model: OnnxModel, inputs: readonly Port[], layers: readonly SparseLayer[], block: number): void => {
  const [first] = mainGraph(model.proto, model.graph).node;
  if (layers.length === 0 || first === undefined) return;
  for (const { attention } of layers)
    if (attention.cache === null || (attention.op !== 'GroupQueryAttention' && attention.op !== 'Softmax'))
      throw new GateError(
        'onnx-unsupported',
        `${attention.op} ${attention.node} was to be rewritten. Attention of this operator cannot be.`,
        {
          where: model.graph,
        },
      );
  for (const { attention } of layers)
    if (inputs.some(({ name, type }) => name === attention.cache?.pastKey && type !== 'float32'))
      throw new GateError(
        'onnx-unsupported',
        `${attention.op} ${attention.node} was to be rewritten. That works in float32 only, and its cache has another type.`,
        {
          where: model.graph,
        },
      );
  const tokens = requireInput(model, inputs, 'input_ids');
  const mask = requireInput(model, inputs, 'attention_mask');
  const { lengths, past } = insertFragment(model, first, (graph): { readonly lengths: CallLengths; readonly past: string } => {
    const made = callLengths(graph, root, { tokens, mask });
    return { lengths: made, past: graph.node('Reshape', `${root}/past/Reshape`, [made.past, graph.integers([1])]) };
  });
  const frames = new Map<string, PatternFrame>();
  for (const sparse of layers) {
    const { layer, attention, pattern } = sparse;
    const repeats = attention.heads / attention.kvHeads;
    const key = JSON.stringify([pattern, repeats]);
    const frame =
      frames.get(key) ??
      insertFragment(model, first, (graph) => patternFrame(graph, `${root}/pattern.${frames.size}`, lengths, pattern, block, repeats));
    frames.set(key, frame);
    ownLengths(model, sparse);
    const path = `${root}/layers.${layer}`;
    if (attention.op === 'Softmax') rewriteSpelled(model, attention, frame, path);
    else rewriteGrouped(model, attention, frame, past, path);
  }
};
