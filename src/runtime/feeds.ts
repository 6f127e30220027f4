import type { Tensor } from 'onnxruntime-node';
import type { Prompt } from '../contract/generation.ts';
import { GateError } from '../errors.ts';
import { floatToHalf, halfToFloat } from '../onnx/half.ts';
import type { EvaluationWindows, WindowImages } from '../records/serving.ts';
import type { CacheSlot, DecoderInterface, FloatType } from './decoder-interface.ts';
import type { OrtModule } from './library.ts';
import type { Session } from './session.ts';

export type Feeds = Record<string, Tensor>;

/** The newest keys and values of a batch, and how far its rows have come. */
export interface KeyValueCache {
  readonly length: number;
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** No keys and values yet; `room`: positions of the buffers, for a cache that is written in place. */
export const emptyCache = (ort: OrtModule, slots: readonly CacheSlot[], batch: number, room = 0): KeyValueCache => ({
  length: 0,
  tensors: Object.fromEntries(
    slots.map(({ past, heads, size, type }) => [
      past,
      floatTensor(ort, type, new Float32Array(batch * heads * room * size), [batch, heads, room, size]),
    ]),
  ),
});

/** A tensor of either float type; values are rounded to nearest even. */
const floatTensor = (ort: OrtModule, type: FloatType, values: Float32Array, dims: readonly number[]): Tensor =>
  type === 'float32' ? new ort.Tensor('float32', values, dims) : new ort.Tensor('float16', floatToHalf(values), dims);

const integerTensor = (ort: OrtModule, values: ArrayLike<number>, dims: readonly number[]): Tensor =>
  new ort.Tensor(
    'int64',
    BigInt64Array.from({ length: values.length }, (_, i) => BigInt(values[i] ?? 0)),
    dims,
  );

/** Values of a float output as float32. Throws `onnx-unsupported` for other types. */
export const floatsOfTensor = (tensor: Tensor): Float32Array => {
  const data: unknown = tensor.data;
  if (tensor.type === 'float32' && data instanceof Float32Array) return data;
  if (tensor.type === 'float16' && ArrayBuffer.isView(data))
    return halfToFloat(new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2));
  throw new GateError('onnx-unsupported', `The model was run. Expected an output of floats, got type ${tensor.type}.`);
};

/** Rotary positions of rows: three axes × batch × length, and those of the tokens after the rows. */
export interface Places {
  readonly axes: Float64Array;
  readonly next: readonly number[];
}

/** Where the tokens of rows stand that begin at position `start` (rows with images: at 0). */
export const placesOf = (rows: Prompt, start: number, images: EvaluationWindows['images']): Places => {
  const { batch, length, tokens } = rows;
  const axes = new Float64Array(3 * batch * length);
  const next: number[] = [];
  for (let row = 0; row < batch; row++) {
    const own = rows.windows === null || images === null ? null : images.positions(tokens.subarray(row * length, (row + 1) * length));
    for (let axis = 0; axis < 3; axis++)
      for (let i = 0; i < length; i++)
        axes[(axis * batch + row) * length + i] = own === null ? start + i : (own.axes[axis * length + i] ?? 0);
    next.push(own?.next ?? start + length);
  }
  return { axes, next };
};

/** Where the image tokens of the rows are: row and position, one pair after the other. */
const imageIndex = (rows: Prompt, imageToken: number): readonly number[] => {
  const out: number[] = [];
  rows.tokens.forEach((token, i) => {
    if (token === imageToken) out.push(Math.floor(i / rows.length), i % rows.length);
  });
  return out;
};

/** What a row with an image is fed with beside its tokens. */
export interface Sight {
  readonly places: Places;
  readonly features: Feeds;
}

/** What the tokens [from, to) of a row with an image are fed with; `start`: rotary position of the first of them now. */
export const sightOf = (ort: OrtModule, row: Prompt, imageToken: number, whole: Sight, from: number, to: number, start: number): Sight => {
  const { axes, next } = whole.places;
  const [length, first] = [to - from, axes[from] ?? 0];
  const moved = Float64Array.from({ length: 3 * length }, (_, i) => {
    const place = axes[Math.floor(i / length) * row.length + from + (i % length)] ?? 0;
    return place - first + start;
  });
  const after = to < row.length ? (axes[to] ?? 0) : (next[0] ?? 0);
  const before = row.tokens.subarray(0, from).filter((token) => token === imageToken).length;
  const inside = row.tokens.subarray(from, to).filter((token) => token === imageToken).length;
  const features = Object.entries(whole.features).map(([name, tensor]): [string, Tensor] => {
    const width = tensor.dims[1] ?? 0;
    const type = tensor.type === 'float16' ? 'float16' : 'float32';
    return [name, floatTensor(ort, type, floatsOfTensor(tensor).slice(before * width, (before + inside) * width), [inside, width])];
  });
  return { places: { axes: moved, next: [start + after - first] }, features: Object.fromEntries(features) };
};

/** Inputs of a vision stage for the images of some windows, in the float type that it reads; `blind` blanks them. */
export const pixelFeeds = (
  ort: OrtModule,
  vision: Pick<Session, 'inputMetadata'>,
  windows: readonly number[],
  images: WindowImages,
  blind: boolean,
): Feeds => {
  const half = vision.inputMetadata.some((input) => input.isTensor && input.name === 'pixel_values' && input.type === 'float16');
  const size = images.patches * images.patchWidth;
  const pixels = new Float32Array(windows.length * size);
  windows.forEach((window, row) => {
    if (!blind) pixels.set(images.pixels(window), row * size);
  });
  const dims = [windows.length * images.patches, images.patchWidth];
  return { pixel_values: floatTensor(ort, half ? 'float16' : 'float32', pixels, dims) };
};

export interface DecoderCall {
  readonly rows: Prompt;
  readonly cache: KeyValueCache;
  /** Rotary position of the first new token of text rows: tokens seen so far, or less after an image. */
  readonly start: number;
  /** Logits of the last n positions; 0: all. */
  readonly keep: number;
  /** Where the tokens stand, for a part of a row with an image; else they follow from `start`. */
  readonly places?: Places;
}

/** Builds all inputs of one decoder call, except the features of images. */
export const decoderFeeds = (
  ort: OrtModule,
  face: DecoderInterface,
  call: DecoderCall,
  images: EvaluationWindows['images'],
): { readonly feeds: Feeds; readonly next: readonly number[] } => {
  const { rows, cache, start, keep } = call;
  const { batch, length } = rows;
  const feeds: Feeds = { input_ids: integerTensor(ort, rows.tokens, [batch, length]), ...cache.tensors };
  if (face.mask)
    feeds['attention_mask'] = new ort.Tensor('int64', new BigInt64Array(batch * (cache.length + length)).fill(1n), [
      batch,
      cache.length + length,
    ]);
  if (face.keepsLogits) feeds['num_logits_to_keep'] = integerTensor(ort, [keep], []);
  if (face.positions === 'flat') {
    feeds['position_ids'] = integerTensor(
      ort,
      Float64Array.from({ length: batch * length }, (_, i) => start + (i % length)),
      [batch, length],
    );
  }
  const places = call.places ?? placesOf(rows, start, face.positions === 'sectioned' ? images : null);
  if (face.positions === 'sectioned') feeds['position_ids'] = integerTensor(ort, places.axes, [3, batch, length]);
  if (face.features.length > 0) {
    const index = rows.windows === null || images === null ? [] : imageIndex(rows, images.imageToken);
    feeds['image_index'] = integerTensor(ort, index, [index.length / 2, 2]);
    if (index.length === 0)
      for (const name of face.features) feeds[name] = floatTensor(ort, face.featureType, new Float32Array(0), [0, face.featureWidth]);
  }
  return { feeds, next: places.next };
};
