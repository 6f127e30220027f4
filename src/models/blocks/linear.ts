import type { GraphBuilder } from '../../onnx/graph-builder.ts';
import { transposed, type WeightSource } from '../weights.ts';

/** What every block writes to and reads from. */
export interface BlockContext {
  readonly graph: GraphBuilder;
  readonly weights: WeightSource;
}

export interface LinearOptions {
  /** Order of the output channels, as rows of the hub's [out, in] matrix. */
  readonly order?: (rows: Float32Array) => Float32Array;
  /** Adds the hub's `.bias`. */
  readonly bias?: boolean;
}

/** `/model/layers.0/mlp/up_proj` → `model.layers.0.mlp.up_proj` */
export const dotted = (path: string): string => path.slice(1).replaceAll('/', '.');

/**
 * y = x Wᵀ (+ b) as a MatMul with the weight laid out [in, out].
 * @param path node path such as `/model/layers.0/mlp/up_proj`; @param source hub name without `.weight`
 */
export const linear = (
  { graph, weights }: BlockContext,
  path: string,
  input: string,
  source: string,
  rows: number,
  columns: number,
  options: LinearOptions = {},
): string => {
  const order = options.order ?? ((values: Float32Array): Float32Array => values);
  const weight = graph.weight(`${dotted(path)}.MatMul.weight`, [columns, rows], () =>
    transposed(order(weights.read(`${source}.weight`, [rows, columns])), rows, columns),
  );
  const product = graph.node('MatMul', `${path}/MatMul`, [input, weight]);
  if (options.bias !== true) return product;
  const bias = graph.weight(`${dotted(path)}.Add.bias`, [rows], () => weights.read(`${source}.bias`, [rows]));
  return graph.node('Add', `${path}/Add`, [product, bias]);
};
