import { decoderBody, decoderInputs } from '../blocks/decoder.ts';
import { feedForward } from '../blocks/feed-forward.ts';
import { groupedAttention } from '../blocks/grouped-attention.ts';
import type { BlockContext } from '../blocks/linear.ts';
import { type RotaryCaches, rotaryFrequencies } from '../blocks/rotary.ts';
import { patchGrid, patchMerger, visionBlock, visionRotary } from '../blocks/vision.ts';
import type { ModelConfig, VisionSize } from '../config.ts';
import { reordered, transposed } from '../weights.ts';

type VlConfig = Extract<ModelConfig, { family: 'qwen3_vl' }>;

/** Which of time, height and width each rotary frequency follows: interleaved, as far as each section goes; the rest is time. */
export const frequencyAxes = (sections: readonly [number, number, number]): readonly number[] =>
  Array.from({ length: sections[0] + sections[1] + sections[2] }, (_, i) => {
    const axis = i % 3;
    return axis !== 0 && i < (sections[axis] ?? 0) * 3 ? axis : 0;
  });

/** cos and sin [batch · sequence, head size / 2] of the three rows of `position_ids`, and the row of each token in them. */
const sectionedRotary = (
  { graph }: BlockContext,
  tokens: string,
  config: VlConfig,
): { readonly rotary: RotaryCaches; readonly rows: string } => {
  const positions = graph.input('position_ids', 'int64', [3, 'batch_size', 'sequence_length']);
  const path = '/model/rotary_emb';
  const half = config.text.headSize / 2;
  const axes = frequencyAxes(config.sections);
  const frequencies = graph.weight('model.rotary_emb.inv_freq', [3, 1, half], () => {
    const all = rotaryFrequencies(config.text.headSize, config.text.theta);
    return Float32Array.from({ length: 3 * half }, (_, i) => (axes[i % half] === Math.floor(i / half) ? (all[i % half] ?? 0) : 0));
  });
  const floats = graph.node('Cast', `${path}/Cast`, [graph.node('Reshape', `${path}/Reshape`, [positions, graph.integers([3, -1, 1])])], {
    attributes: { to: { int: 1 } },
  });
  const products = graph.node('Mul', `${path}/Mul`, [floats, frequencies]);
  const angles = graph.node('ReduceSum', `${path}/ReduceSum`, [products, graph.integers([0])], { attributes: { keepdims: { int: 0 } } });
  const shape = graph.node('Shape', `${path}/Shape`, [tokens]);
  const count = graph.node('ReduceProd', `${path}/ReduceProd`, [shape], { attributes: { keepdims: { int: 0 } } });
  const rows = graph.node('Range', `${path}/Range`, [graph.integers([0], []), count, graph.integers([1], [])]);
  return {
    rotary: { cos: graph.node('Cos', `${path}/Cos`, [angles]), sin: graph.node('Sin', `${path}/Sin`, [angles]) },
    rows: graph.node('Reshape', `${path}/rows/Reshape`, [rows, shape]),
  };
};

/**
 * Text half of Qwen3-VL: image features take the place of the image tokens' embeddings, DeepStack features are added to the stream
 * after the first layers. `image_index` [count, 2] says where (row, position); it and the features may be empty.
 */
export const qwen3VlDecoder = (context: BlockContext, config: VlConfig): void => {
  const { graph } = context;
  const { text, vision } = config;
  const cache = { heads: text.kvHeads, key: text.headSize, value: text.headSize };
  const call = decoderInputs(context, text.layers, cache);
  const { rotary, rows } = sectionedRotary(context, call.tokens, config);
  const features = graph.input('image_features', 'float32', ['image_tokens', text.hidden]);
  const deep = vision.taps.map((_, i) => graph.input(`deepstack_features_${i}`, 'float32', ['image_tokens', text.hidden]));
  const index = graph.input('image_index', 'int64', ['image_tokens', 2]);
  const frame = { ...call, rotary, rotaryRows: rows };
  decoderBody(context, call, text, {
    root: 'model.language_model.',
    cache,
    begin: (embedded) => graph.node('ScatterND', '/model/embed_tokens/ScatterND', [embedded, index, features]),
    attention: (layer, normed, source) => groupedAttention(context, frame, layer, normed, source, text),
    feedForward: (layer, normed, source) => {
      const path = `/model/layers.${layer}/mlp`;
      const fed = feedForward(context, path, normed, source, text.hidden, text.feedForward);
      const extra = deep[layer];
      return extra === undefined
        ? fed
        : graph.node('ScatterND', `${path}/deepstack/ScatterND`, [fed, index, extra], { attributes: { reduction: { text: 'add' } } });
    },
  });
};

/** Vision half: patches of images as large as the position table → features for the text model, and one set per tapped block. */
export const qwen3VlTower = (context: BlockContext, size: VisionSize): void => {
  const { graph, weights } = context;
  const grid = patchGrid(size);
  const patchWidth = size.channels * size.frames * size.patch ** 2;
  const pixels = graph.input('pixel_values', 'float32', ['patches', patchWidth]);
  const embed = graph.weight('vision.patch_embed.proj.MatMul.weight', [patchWidth, size.hidden], () => {
    const kernel = weights.read('model.visual.patch_embed.proj.weight', [size.hidden, size.channels, size.frames, size.patch, size.patch]);
    return transposed(kernel, size.hidden, patchWidth);
  });
  const bias = graph.weight('vision.patch_embed.proj.Add.bias', [size.hidden], () =>
    weights.read('model.visual.patch_embed.proj.bias', [size.hidden]),
  );
  const flat = graph.node('Add', '/vision/patch_embed/proj/Add', [
    graph.node('MatMul', '/vision/patch_embed/proj/MatMul', [pixels, embed]),
    bias,
  ]);
  const images = graph.node('Reshape', '/vision/patch_embed/Reshape', [flat, graph.integers([-1, grid.patches, size.hidden])]);
  const side = Math.sqrt(size.positions);
  const places = graph.weight('vision.pos_embed.weight', [grid.patches, size.hidden], () =>
    reordered(
      weights.read('model.visual.pos_embed.weight', [size.positions, size.hidden]),
      size.hidden,
      grid.rows.map((row, i) => row * side + (grid.columns[i] ?? 0)),
    ),
  );
  let stream = graph.node('Add', '/vision/pos_embed/Add', [images, places]);
  const rotary = visionRotary(context, size, grid);
  for (let block = 0; block < size.depth; block++) {
    stream = visionBlock(context, block, stream, rotary, size);
    const tap = size.taps.indexOf(block);
    if (tap >= 0) patchMerger(context, `deepstack_merger_list.${tap}`, stream, true, size, `deepstack_features_${tap}`);
  }
  patchMerger(context, 'merger', stream, false, size, 'image_features');
};
