import type { ExpertSize } from '../config.ts';
import { type BlockContext, dotted, linear } from './linear.ts';

/**
 * Routed SwiGLU experts: the k experts with the largest routing logits run, weighted by the softmax over those k logits; the
 * others are not computed. First weights [experts, 2·width, hidden] with gate and up rows interleaved (the one layout that the
 * CPU kernel takes), second [experts, hidden, width].
 */
const routedExperts = (
  { graph, weights }: BlockContext,
  path: string,
  input: string,
  routing: string,
  source: string,
  hidden: number,
  size: ExpertSize,
): string => {
  const { experts, chosen, width } = size;
  const first = graph.weight(`${dotted(path)}.experts.gate_up_proj.weight`, [experts, 2 * width, hidden], () => {
    const out = new Float32Array(experts * 2 * width * hidden);
    for (let expert = 0; expert < experts; expert++) {
      (['gate_proj', 'up_proj'] as const).forEach((part, offset) => {
        const values = weights.read(`${source}.experts.${expert}.${part}.weight`, [width, hidden]);
        for (let row = 0; row < width; row++)
          out.set(values.subarray(row * hidden, (row + 1) * hidden), ((expert * width + row) * 2 + offset) * hidden);
      });
    }
    return out;
  });
  const second = graph.weight(`${dotted(path)}.experts.down_proj.weight`, [experts, hidden, width], () => {
    const out = new Float32Array(experts * hidden * width);
    for (let expert = 0; expert < experts; expert++)
      out.set(weights.read(`${source}.experts.${expert}.down_proj.weight`, [hidden, width]), expert * hidden * width);
    return out;
  });
  return graph.node('MoE', `${path}/experts/MoE`, [input, routing, first, '', second], {
    domain: 'com.microsoft',
    attributes: {
      k: { int: chosen },
      activation_type: { text: 'swiglu' },
      activation_alpha: { float: 1 },
      activation_beta: { float: 0 },
      swiglu_fusion: { int: 1 },
      normalize_routing_weights: { int: 1 },
    },
  });
};

const routingLogits = (context: BlockContext, path: string, input: string, source: string, hidden: number, experts: number): string =>
  context.graph.node('Reshape', `${path}/gate/Reshape`, [
    linear(context, `${path}/gate`, input, `${source}.gate`, experts, hidden),
    context.graph.integers([-1, experts]),
  ]);

/** Softmax router, top-k, weights normalised over the chosen. */
export const softmaxExperts = (
  context: BlockContext,
  path: string,
  input: string,
  source: string,
  hidden: number,
  size: ExpertSize,
): string => routedExperts(context, path, input, routingLogits(context, path, input, source, hidden, size.experts), source, hidden, size);

/**
 * Sigmoid router: the k largest of sigmoid(logit) + bias are chosen, weighted by sigmoid(logit) normalised over them and scaled.
 * The expert node takes logits and softmaxes the k largest, so it is handed ln(sigmoid) of the chosen and −1e30 of the others.
 */
export const sigmoidExperts = (
  context: BlockContext,
  path: string,
  input: string,
  source: string,
  hidden: number,
  size: ExpertSize & { readonly scale: number },
): string => {
  const { graph, weights } = context;
  const logits = routingLogits(context, path, input, source, hidden, size.experts);
  const scores = graph.node('Sigmoid', `${path}/gate/Sigmoid`, [logits]);
  const bias = graph.weight(`${dotted(path)}.gate.e_score_correction_bias`, [size.experts], () =>
    weights.read(`${source}.gate.e_score_correction_bias`, [size.experts]),
  );
  const corrected = graph.node('Add', `${path}/gate/Add`, [scores, bias]);
  const top = `${path}/gate/TopK`;
  graph.node('TopK', top, [corrected, graph.integers([size.chosen])], {
    attributes: { axis: { int: -1 } },
    outputs: [`${top}/output_0`, `${top}/output_1`],
  });
  const chosen = graph.node(
    'GatherElements',
    `${path}/gate/GatherElements`,
    [graph.node('Log', `${path}/gate/Log`, [scores]), `${top}/output_1`],
    { attributes: { axis: { int: -1 } } },
  );
  const excluded = graph.node('Expand', `${path}/gate/Expand`, [
    graph.floats([-1e30]),
    graph.node('Shape', `${path}/gate/Shape`, [scores]),
  ]);
  const routing = graph.node('ScatterElements', `${path}/gate/ScatterElements`, [excluded, `${top}/output_1`, chosen], {
    attributes: { axis: { int: -1 } },
  });
  const mixed = routedExperts(context, path, input, routing, source, hidden, size);
  return size.scale === 1 ? mixed : graph.node('Mul', `${path}/experts/Mul`, [mixed, graph.floats([size.scale], [])]);
};
