import { GateError } from '../errors.ts';
import type { EvaluationWindows, WindowImages } from '../records/serving.ts';
import { type PatchGrid, patchGrid } from './blocks/vision.ts';
import type { ModelConfig, VisionSize } from './config.ts';
import { openSafetensors, type Safetensors, type SafetensorsType } from './safetensors.ts';

/** No set of windows that is read here is larger; the published ones are below 2 MB. */
const windowLimit = 256 * 1024 * 1024;

const readTensor = (
  file: Safetensors,
  name: string,
  type: SafetensorsType,
  rank: number,
): { readonly dims: readonly number[]; readonly bytes: Uint8Array } => {
  const entry = file.entries.get(name);
  if (entry === undefined || entry.type !== type || entry.dims.length !== rank || entry.end - entry.start > windowLimit)
    throw new GateError('model-invalid', `The tensor "${name}" was read. Expected ${type} of rank ${rank}, got something else.`, {
      where: file.path,
    });
  return { dims: entry.dims, bytes: file.read(name) };
};

/**
 * Rows of `pixel_values` of one image: uint8 [channels, side, side] → [patches, channels · frames · patch · patch] in [-1, 1],
 * patches in merge-block order, the one frame repeated.
 */
export const imagePatches = (image: Uint8Array, vision: VisionSize, grid: PatchGrid): Float32Array => {
  const { patch, frames, channels } = vision;
  const side = Math.sqrt(grid.patches) * patch;
  const out = new Float32Array(grid.patches * channels * frames * patch * patch);
  let at = 0;
  for (let i = 0; i < grid.patches; i++) {
    const [top, left] = [(grid.rows[i] ?? 0) * patch, (grid.columns[i] ?? 0) * patch];
    for (let channel = 0; channel < channels; channel++) {
      for (let frame = 0; frame < frames; frame++) {
        for (let y = 0; y < patch; y++) {
          const row = (channel * side + top + y) * side + left;
          for (let x = 0; x < patch; x++) out[at++] = Math.fround((image[row + x] ?? 0) / 127.5) - 1;
        }
      }
    }
  }
  return out;
};

/**
 * Interleaved M-RoPE positions of one row: text counts on in all three axes; an image keeps its time and spreads over height
 * and width, and the text after it continues at time + side. `axes`: three rows of the row's length.
 */
export const sectionedPositions = (
  tokens: ArrayLike<number>,
  imageToken: number,
): { readonly axes: Float64Array; readonly next: number } => {
  const length = tokens.length;
  const axes = new Float64Array(3 * length);
  let position = 0;
  for (let i = 0; i < length; ) {
    if (tokens[i] !== imageToken) {
      axes[i] = axes[length + i] = axes[2 * length + i] = position++;
      i++;
      continue;
    }
    let end = i;
    while (end < length && tokens[end] === imageToken) end++;
    const side = Math.max(1, Math.floor(Math.sqrt(end - i)));
    for (let cell = 0; i < end; i++, cell++) {
      axes[i] = position;
      axes[length + i] = position + Math.floor(cell / side);
      axes[2 * length + i] = position + (cell % side);
    }
    position += side;
  }
  return { axes, next: position };
};

const windowImages = (file: Safetensors, count: number, config: Extract<ModelConfig, { family: 'qwen3_vl' }>): WindowImages => {
  const { vision, imageToken } = config;
  const grid = patchGrid(vision);
  const side = Math.sqrt(grid.patches) * vision.patch;
  const { dims, bytes } = readTensor(file, 'pixels', 'U8', 4);
  if (dims.join() !== [count, vision.channels, side, side].join())
    throw new GateError(
      'model-invalid',
      `The tensor "pixels" was read. Expected [${[count, vision.channels, side, side]}], which the model takes, got [${dims}].`,
      {
        where: file.path,
      },
    );
  const size = vision.channels * side * side;
  return {
    patches: grid.patches,
    patchWidth: vision.channels * vision.frames * vision.patch ** 2,
    imageToken,
    pixels: (window) => imagePatches(bytes.subarray(window * size, (window + 1) * size), vision, grid),
    positions: (tokens) => sectionedPositions(tokens, imageToken),
  };
};

/**
 * The number of windows in a file, from its table alone. Throws `model-invalid` where the table has
 * none.
 */
export const countWindows = (path: string): number => {
  const file = openSafetensors(path);
  try {
    const [count = 0] = file.entries.get('tokens')?.dims ?? [];
    if (count < 1)
      throw new GateError('model-invalid', 'The tensor "tokens" was read. Expected at least one window of text, got none.', {
        where: path,
      });
    return count;
  } finally {
    file.close();
  }
};

/**
 * Reads held-out or calibration windows (safetensors: `tokens` U16 [count, length]; with images also `scored` U8 of the same shape and
 * `pixels` U8 [count, channels, side, side]). Throws `model-invalid` for other shapes and for tokens outside the vocabulary.
 */
export const readWindows = (path: string, config: ModelConfig): EvaluationWindows => {
  const file = openSafetensors(path);
  try {
    const { dims, bytes } = readTensor(file, 'tokens', 'U16', 2);
    const [count = 0, length = 0] = dims;
    if (count < 1 || length < 2)
      throw new GateError('model-invalid', 'The tensor "tokens" was read. Expected at least one window of two tokens, got less.', {
        where: path,
      });
    const tokens = new Uint16Array(bytes.buffer, bytes.byteOffset, count * length);
    const beyond = tokens.findIndex((token) => token >= config.text.vocabulary);
    if (beyond >= 0)
      throw new GateError(
        'model-invalid',
        `The tensor "tokens" was read. Expected tokens below ${config.text.vocabulary}, the size of the vocabulary, got ${tokens[beyond]} at ${beyond}.`,
        {
          where: path,
        },
      );
    if (config.family !== 'qwen3_vl') return { count, length, tokens, scored: null, images: null };
    const scored = readTensor(file, 'scored', 'U8', 2);
    if (scored.dims.join() !== dims.join())
      throw new GateError(
        'model-invalid',
        `The tensor "scored" was read. Expected the shape of "tokens", [${dims}], got [${scored.dims}].`,
        { where: path },
      );
    return { count, length, tokens, scored: scored.bytes, images: windowImages(file, count, config) };
  } finally {
    file.close();
  }
};
