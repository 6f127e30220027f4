import { type BlockContext, linear } from './linear.ts';

/**
 * SwiGLU: down(silu(gate x) · up x).
 * @param path node path such as `/model/layers.0/mlp`; @param source hub prefix such as `model.layers.0.mlp`
 */
export const feedForward = (context: BlockContext, path: string, input: string, source: string, hidden: number, width: number): string => {
  const { graph } = context;
  const gate = linear(context, `${path}/gate_proj`, input, `${source}.gate_proj`, width, hidden);
  const up = linear(context, `${path}/up_proj`, input, `${source}.up_proj`, width, hidden);
  const sigmoid = graph.node('Sigmoid', `${path}/act_fn/Sigmoid`, [gate]);
  const activated = graph.node('Mul', `${path}/act_fn/Mul`, [gate, sigmoid]);
  return linear(context, `${path}/down_proj`, graph.node('Mul', `${path}/Mul`, [activated, up]), `${source}.down_proj`, hidden, width);
};
