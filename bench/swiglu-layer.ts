import { type GraphBuilder, graphBuilder } from '../src/onnx/graph-builder.ts';
import { writeModel } from '../src/onnx/write.ts';
import { deriveSeed, seededRandom } from '../src/statistics/random.ts';

/** Uniform numbers with the variance that keeps activations of one size. */
export const randomWeights = (rows: number, columns: number, seed: number): Float32Array => {
  const random = seededRandom(seed);
  const scale = Math.sqrt(3 / rows);
  return Float32Array.from({ length: rows * columns }, () => (2 * random() - 1) * scale);
};

const linear = (graph: GraphBuilder, name: string, input: string, rows: number, columns: number, seed: number): string =>
  graph.node('MatMul', `/${name}/MatMul`, [
    input,
    graph.weight(`${name}.weight`, [rows, columns], () => randomWeights(rows, columns, deriveSeed(seed, name))),
  ]);

/** Writes `layer.onnx`, one SwiGLU feed-forward (three matrices, float32): `hidden_states` [batch, sequence, hidden] to `output`. */
export const writeSwigluLayer = (folder: string, hidden: number, width: number, seed: number): string => {
  const graph = graphBuilder('swiglu_layer');
  const input = graph.input('hidden_states', 'float32', ['batch', 'sequence', hidden]);
  const gate = linear(graph, 'gate', input, hidden, width, seed);
  const up = linear(graph, 'up', input, hidden, width, seed);
  const activated = graph.node('Mul', '/activation/Mul', [gate, graph.node('Sigmoid', '/activation/Sigmoid', [gate])]);
  const down = linear(graph, 'down', graph.node('Mul', '/Mul', [activated, up]), width, hidden, seed);
  graph.node('Identity', '/output', [down], { outputs: ['output'] });
  graph.output('output', 'float32', ['batch', 'sequence', hidden]);
  const { proto, data } = graph.finish();
  writeModel({ proto, sourceFolder: null }, folder, 'layer.onnx', data);
  return 'layer.onnx';
};
