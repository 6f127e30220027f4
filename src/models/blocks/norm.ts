import { type BlockContext, dotted } from './linear.ts';

/** Root-mean-square norm over the last axis, of `width` elements. */
export const rootMeanSquareNorm = (
  { graph, weights }: BlockContext,
  path: string,
  input: string,
  source: string,
  width: number,
  epsilon: number,
): string =>
  graph.node(
    'SimplifiedLayerNormalization',
    `${path}/LayerNorm`,
    [input, graph.weight(`${dotted(path)}.weight`, [width], () => weights.read(source, [width]))],
    {
      attributes: { axis: { int: -1 }, epsilon: { float: epsilon }, stash_type: { int: 1 } },
    },
  );

/** The residual stream, and its normed value that the next block reads. */
export interface Stream {
  readonly residual: string;
  readonly normed: string;
}

/** Adds a block's output to the residual stream and norms the sum, in one node. */
export const addAndNorm = (
  { graph, weights }: BlockContext,
  path: string,
  residual: string,
  delta: string,
  source: string,
  width: number,
  epsilon: number,
  last = false,
): Stream => {
  const name = `${path}/SkipLayerNorm`;
  const sum = `${name}/output_3`;
  const normed = graph.node(
    'SkipSimplifiedLayerNormalization',
    name,
    [residual, delta, graph.weight(`${dotted(path)}.weight`, [width], () => weights.read(source, [width]))],
    {
      domain: 'com.microsoft',
      attributes: { epsilon: { float: epsilon } },
      outputs: last ? [`${name}/output_0`] : [`${name}/output_0`, '', '', sum],
    },
  );
  return { residual: sum, normed };
};

/** Layer norm with weight and bias over the last axis (vision towers). */
export const layerNorm = ({ graph, weights }: BlockContext, path: string, input: string, source: string, width: number): string =>
  graph.node(
    'LayerNormalization',
    `${path}/LayerNorm`,
    [
      input,
      graph.weight(`${dotted(path)}.weight`, [width], () => weights.read(`${source}.weight`, [width])),
      graph.weight(`${dotted(path)}.bias`, [width], () => weights.read(`${source}.bias`, [width])),
    ],
    { attributes: { axis: { int: -1 }, epsilon: { float: 1e-6 } } },
  );
