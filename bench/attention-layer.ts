import { type GraphBuilder, graphBuilder } from '../src/onnx/graph-builder.ts';
import { writeModel } from '../src/onnx/write.ts';
import { blockAttention, keptCache } from '../src/optimizations/sparse-attention/block-attention.ts';
import { callLengths, patternFrame } from '../src/optimizations/sparse-attention/frame.ts';
import type { Pattern } from '../src/optimizations/sparse-attention/pattern.ts';

export interface LayerSize {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
}

/** The runtime's kernel, with a window that masks where one is said; or blocks of so many queries with the keys that a pattern sees. */
export type Kernel =
  | { readonly kind: 'dense'; readonly window: number | null }
  | { readonly kind: 'blocks'; readonly pattern: Pattern; readonly block: number };

const denseKernel = (graph: GraphBuilder, { heads, kvHeads, headSize }: LayerSize, window: number | null): void => {
  const length = graph.node('Gather', '/length', [graph.node('Shape', '/shape', ['mask']), graph.integers([1], [])], {
    attributes: { axis: { int: 0 } },
  });
  const seen = graph.node('ReduceSum', '/seen', ['mask', graph.integers([1])], { attributes: { keepdims: { int: 0 } } });
  const last = graph.node('Cast', '/last', [graph.node('Sub', '/last/Sub', [seen, graph.integers([1])])], {
    attributes: { to: { int: 6 } },
  });
  const total = graph.node('Cast', '/total', [length], { attributes: { to: { int: 6 } } });
  graph.node('GroupQueryAttention', '/attention', ['query', 'key', 'value', 'past.key', 'past.value', last, total], {
    domain: 'com.microsoft',
    attributes: {
      num_heads: { int: heads },
      kv_num_heads: { int: kvHeads },
      scale: { float: headSize ** -0.5 },
      ...(window === null ? {} : { local_window_size: { int: window } }),
    },
    outputs: ['output', 'present.key', 'present.value'],
  });
};

const blockKernel = (graph: GraphBuilder, size: LayerSize, pattern: Pattern, block: number): void => {
  const { heads, kvHeads, headSize } = size;
  const repeats = heads / kvHeads;
  const frame = patternFrame(graph, '/frame', callLengths(graph, '/call', { tokens: 'tokens', mask: 'mask' }), pattern, block, repeats);
  const headsFirst = (name: string, width: number): string =>
    graph.node(
      'Transpose',
      `/${name}/Transpose`,
      [graph.node('Reshape', `/${name}/Reshape`, [name, graph.integers([0, 0, kvHeads, width])])],
      {
        attributes: { perm: { ints: [0, 2, 1, 3] } },
      },
    );
  const joined = (name: 'key' | 'value'): string =>
    graph.node('Concat', `/${name}/Concat`, [`past.${name}`, headsFirst(name, headSize)], {
      attributes: { axis: { int: 2 } },
    });
  const [keys, values] = [joined('key'), joined('value')];
  const queries = headsFirst('query', repeats * headSize);
  const mixed = blockAttention(
    graph,
    '/attention',
    frame,
    { queries, keys, values },
    { ...size, valueSize: headSize, scale: headSize ** -0.5 },
  );
  // A model's reshape behind this copies nothing; one that gives a graph's output would.
  graph.node('Transpose', '/rows/Transpose', [mixed], { attributes: { perm: { ints: [0, 2, 1, 3] } }, outputs: ['output'] });
  keptCache(graph, '/kept/key', frame, keys, 'present.key');
  keptCache(graph, '/kept/value', frame, values, 'present.value');
};

/**
 * Writes `layer.onnx`, one attention operator and nothing around it: `query`, `key`, `value` [batch, sequence, heads · size], turned already, and
 * `past.key`, `past.value` to `output`, `present.key`, `present.value`. `tokens` [batch, sequence] and `mask` [batch, total] say how long a call is.
 */
export const writeAttentionLayer = (folder: string, size: LayerSize, kernel: Kernel): string => {
  const graph = graphBuilder('attention_layer');
  graph.input('tokens', 'int64', ['batch', 'sequence']);
  graph.input('mask', 'int64', ['batch', 'total']);
  const widths = { query: size.heads, key: size.kvHeads, value: size.kvHeads };
  for (const [name, heads] of Object.entries(widths)) graph.input(name, 'float32', ['batch', 'sequence', heads * size.headSize]);
  for (const name of ['key', 'value'] as const) graph.input(`past.${name}`, 'float32', ['batch', size.kvHeads, 'past', size.headSize]);
  if (kernel.kind === 'dense') denseKernel(graph, size, kernel.window);
  else blockKernel(graph, size, kernel.pattern, kernel.block);
  const width = size.heads * size.headSize;
  graph.output(
    'output',
    'float32',
    kernel.kind === 'dense' ? ['batch', 'sequence', width] : ['batch', 'sequence', size.kvHeads, width / size.kvHeads],
  );
  for (const name of ['key', 'value'] as const) graph.output(`present.${name}`, 'float32', ['batch', size.kvHeads, 'kept', size.headSize]);
  const { proto, data } = graph.finish();
  writeModel({ proto, sourceFolder: null }, folder, 'layer.onnx', data);
  return 'layer.onnx';
};
