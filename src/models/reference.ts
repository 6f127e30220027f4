import { join } from 'node:path';
import { graphBuilder } from '../onnx/graph-builder.ts';
import { writeModel } from '../onnx/write.ts';
import type { Stage } from '../records/serving.ts';
import type { BlockContext } from './blocks/linear.ts';
import type { ModelConfig } from './config.ts';
import { glm4MoeLiteDecoder } from './families/glm4-moe-lite.ts';
import { qwen3Decoder } from './families/qwen3.ts';
import { qwen3MoeDecoder } from './families/qwen3-moe.ts';
import { qwen3VlDecoder, qwen3VlTower } from './families/qwen3-vl.ts';
import type { ModelSource } from './model-source.ts';
import { openWeights, type WeightSource } from './weights.ts';

const writeGraph = (weights: WeightSource, folder: string, file: string, author: (context: BlockContext) => void): void => {
  const graph = graphBuilder('main_graph');
  author({ graph, weights });
  const { proto, data } = graph.finish();
  writeModel({ proto, sourceFolder: null }, folder, file, data);
};

/**
 * Writes the ONNX graphs of a model of any size into `folder`: `model.onnx` (stage `decoder`) and, for a vision-language model,
 * `vision.onnx` (stage `vision`), weights beside them as float32. Weights are read and written one at a time; the same weights and
 * configuration give the same bytes. Throws `model-invalid` when a weight is missing or of another shape.
 */
export const buildGraphs = (weights: WeightSource, config: ModelConfig, folder: string): readonly Stage[] => {
  writeGraph(weights, folder, 'model.onnx', (context) => {
    switch (config.family) {
      case 'qwen3':
        return qwen3Decoder(context, config.text);
      case 'qwen3_moe':
        return qwen3MoeDecoder(context, config.text, config.experts);
      case 'glm4_moe_lite':
        return glm4MoeLiteDecoder(context, config.text, config.experts);
      case 'qwen3_vl':
        return qwen3VlDecoder(context, config);
    }
  });
  if (config.family !== 'qwen3_vl') return [{ id: 'decoder', graph: 'model.onnx' }];
  writeGraph(weights, folder, 'vision.onnx', (context) => qwen3VlTower(context, config.vision));
  return [
    { id: 'vision', graph: 'vision.onnx' },
    { id: 'decoder', graph: 'model.onnx' },
  ];
};

/** Writes the reference model's graphs into the empty folder `output`. Deterministic. */
export const buildReference = (source: Pick<ModelSource, 'folder' | 'config'>, output: string): readonly Stage[] => {
  const weights = openWeights([join(source.folder, 'model.safetensors')]);
  try {
    return buildGraphs(weights, source.config, output);
  } finally {
    weights.close();
  }
};
