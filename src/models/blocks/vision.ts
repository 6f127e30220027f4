import type { VisionSize } from '../config.ts';
import { type BlockContext, linear } from './linear.ts';
import { layerNorm } from './norm.ts';
import { rotaryFrequencies, rotaryTable } from './rotary.ts';

/** Rotary base of the vision tower; fixed in the published family. */
const theta = 10_000;

/** Patches and merged patches per image, and the row and column of each patch in merge-block order. */
export interface PatchGrid {
  readonly patches: number;
  readonly merged: number;
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

/** The square grid that the position table spans, block of merge × merge after block. */
export const patchGrid = ({ positions, merge }: Pick<VisionSize, 'positions' | 'merge'>): PatchGrid => {
  const side = Math.sqrt(positions);
  const rows: number[] = [];
  const columns: number[] = [];
  for (let i = 0; i < positions; i++) {
    const block = Math.floor(i / (merge * merge));
    const perRow = side / merge;
    rows.push(Math.floor(block / perRow) * merge + Math.floor((i % (merge * merge)) / merge));
    columns.push((block % perRow) * merge + (i % merge));
  }
  return { patches: positions, merged: positions / (merge * merge), rows, columns };
};

/** Rotary caches [patches, head size / 2]: a quarter of the head turns by row, a quarter by column. */
export const visionRotary = (
  { graph }: BlockContext,
  size: VisionSize,
  grid: PatchGrid,
): { readonly cos: string; readonly sin: string } => {
  const quarter = size.hidden / size.heads / 4;
  const frequencies = rotaryFrequencies(quarter * 2, theta);
  const table = (wave: (angle: number) => number) => (): Float32Array => {
    const [byRow, byColumn] = [rotaryTable(grid.rows, frequencies, wave), rotaryTable(grid.columns, frequencies, wave)];
    const out = new Float32Array(grid.patches * quarter * 2);
    for (let i = 0; i < grid.patches; i++) {
      out.set(byRow.subarray(i * quarter, (i + 1) * quarter), i * quarter * 2);
      out.set(byColumn.subarray(i * quarter, (i + 1) * quarter), i * quarter * 2 + quarter);
    }
    return out;
  };
  return {
    cos: graph.weight('cos_cache', [grid.patches, quarter * 2], table(Math.cos)),
    sin: graph.weight('sin_cache', [grid.patches, quarter * 2], table(Math.sin)),
  };
};

/** A transformer block over the patches of each image: [images, patches, hidden] → the same. */
export const visionBlock = (
  context: BlockContext,
  index: number,
  input: string,
  rotary: { readonly cos: string; readonly sin: string },
  size: VisionSize,
): string => {
  const { graph } = context;
  const path = `/vision/blocks.${index}`;
  const source = `model.visual.blocks.${index}`;
  const packed = linear(
    context,
    `${path}/attn/qkv`,
    layerNorm(context, `${path}/norm1`, input, `${source}.norm1`, size.hidden),
    `${source}.attn.qkv`,
    3 * size.hidden,
    size.hidden,
    { bias: true },
  );
  const split = `${path}/attn/Split`;
  const parts = [`${split}/output_0`, `${split}/output_1`, `${split}/output_2`] as const;
  graph.node('Split', split, [packed, graph.integers([size.hidden, size.hidden, size.hidden])], {
    attributes: { axis: { int: -1 } },
    outputs: parts,
  });
  const rotate = (name: string, tensor: string): string =>
    graph.node('RotaryEmbedding', `${path}/attn/${name}_rotary/RotaryEmbedding`, [tensor, graph.integers([0]), rotary.cos, rotary.sin], {
      domain: 'com.microsoft',
    });
  const attended = graph.node(
    'MultiHeadAttention',
    `${path}/attn/MultiHeadAttention`,
    [rotate('q', parts[0]), rotate('k', parts[1]), parts[2]],
    {
      domain: 'com.microsoft',
      attributes: { num_heads: { int: size.heads }, scale: { float: (size.hidden / size.heads) ** -0.5 } },
    },
  );
  const between = graph.node('Add', `${path}/attn/Add`, [
    input,
    linear(context, `${path}/attn/proj`, attended, `${source}.attn.proj`, size.hidden, size.hidden, { bias: true }),
  ]);
  const normed = layerNorm(context, `${path}/norm2`, between, `${source}.norm2`, size.hidden);
  const wide = linear(context, `${path}/mlp/linear_fc1`, normed, `${source}.mlp.linear_fc1`, size.feedForward, size.hidden, { bias: true });
  const activated = graph.node('Gelu', `${path}/mlp/Gelu`, [wide], { attributes: { approximate: { text: 'tanh' } } });
  return graph.node('Add', `${path}/mlp/Add`, [
    between,
    linear(context, `${path}/mlp/linear_fc2`, activated, `${source}.mlp.linear_fc2`, size.hidden, size.feedForward, { bias: true }),
  ]);
};

/**
 * Joins merge × merge patches into one feature of the text model: [images, patches, hidden] → [images · merged, output].
 * @param after the norm comes after joining (DeepStack taps) instead of before
 */
export const patchMerger = (context: BlockContext, name: string, input: string, after: boolean, size: VisionSize, output: string): void => {
  const { graph } = context;
  const joined = size.hidden * size.merge ** 2;
  const path = `/vision/${name}`;
  const source = `model.visual.${name}`;
  const join = (tensor: string): string => graph.node('Reshape', `${path}/Reshape`, [tensor, graph.integers([-1, joined])]);
  const ready = after
    ? layerNorm(context, `${path}/norm`, join(input), `${source}.norm`, joined)
    : join(layerNorm(context, `${path}/norm`, input, `${source}.norm`, size.hidden));
  const wide = linear(context, `${path}/linear_fc1`, ready, `${source}.linear_fc1`, joined, joined, { bias: true });
  const activated = graph.node('Gelu', `${path}/Gelu`, [wide], { attributes: { approximate: { text: 'none' } } });
  graph.node(
    'Identity',
    `${path}/Identity`,
    [linear(context, `${path}/linear_fc2`, activated, `${source}.linear_fc2`, size.output, joined, { bias: true })],
    { outputs: [output] },
  );
  graph.output(output, 'float32', ['image_tokens', size.output]);
};
