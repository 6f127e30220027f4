import type { Emitter, PatternFrame } from './frame.ts';

/** One layer's operands, heads first. */
export interface Operands {
  /** [batch, key heads, sequence, repeats · size]: the query heads of each key head side by side, turned, not yet scaled. */
  readonly queries: string;
  /** [batch, key heads, cached + sequence, size]: the cache, then the new ones. */
  readonly keys: string;
  /** [batch, key heads, cached + sequence, value size] */
  readonly values: string;
}

export interface AttentionSize {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly valueSize: number;
  readonly scale: number;
}

/**
 * softmax(q kᵀ · scale + bias) v with scores only where the frame's pattern has keys: products of [queries, size] and [size, keys] per block.
 * @returns [batch, key heads, sequence, repeats · value size], under the name `output` where one is given
 */
export const blockAttention = (
  graph: Emitter,
  path: string,
  frame: PatternFrame,
  operands: Operands,
  size: AttentionSize,
  output?: string,
): string => {
  const { heads, kvHeads, headSize, valueSize, scale } = size;
  const repeats = heads / kvHeads;
  const op = (operator: string, name: string, ...inputs: readonly string[]): string => graph.node(operator, `${path}/${name}`, inputs);
  const take = (name: string, tensor: string, rows: string): string =>
    graph.node('Gather', `${path}/${name}/Gather`, [tensor, rows], { attributes: { axis: { int: 2 } } });
  const transpose = (name: string, tensor: string, perm: readonly number[]): string =>
    graph.node('Transpose', `${path}/${name}/Transpose`, [tensor], { attributes: { perm: { ints: perm } } });
  const blocks = op(
    'Reshape',
    'queries/Reshape',
    take('queries', operands.queries, frame.queries),
    graph.integers([0, 0, 0, -1, headSize]),
  );
  const scaled = op('Mul', 'queries/Mul', blocks, graph.floats([scale], []));
  const keys = transpose('keys', take('keys', operands.keys, frame.keys), [0, 1, 2, 4, 3]);
  const scores = op('Add', 'scores/Add', op('MatMul', 'scores/MatMul', scaled, keys), frame.bias);
  const share = graph.node('Softmax', `${path}/scores/Softmax`, [scores], { attributes: { axis: { int: -1 } } });
  const mixed = op('MatMul', 'mix/MatMul', share, take('values', operands.values, frame.keys));
  const rows = op('Reshape', 'mix/rows/Reshape', mixed, graph.integers([0, 0, -1, repeats * valueSize]));
  return graph.node('Slice', `${path}/mix/Slice`, [rows, graph.integers([0]), frame.length, graph.integers([2])], {
    ...(output === undefined ? {} : { outputs: [output] }),
  });
};

/** The cache after the call, under the name that it leaves the graph by. */
export const keptCache = (graph: Emitter, path: string, frame: PatternFrame, tensor: string, output: string): void => {
  graph.node('Gather', `${path}/Gather`, [tensor, frame.kept], { attributes: { axis: { int: 2 } }, outputs: [output] });
};
