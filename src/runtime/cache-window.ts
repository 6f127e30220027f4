import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { GateError } from '../errors.ts';
import { floatToHalf, halfToFloat } from '../onnx/half.ts';
import type { ServeHints } from '../records/serving.ts';
import type { CacheSlot } from './decoder-interface.ts';
import type { KeyValueCache } from './feeds.ts';
import type { OrtModule } from './library.ts';

type Words = Float32Array | Uint16Array;

/** A cache, and the rotary position of the token after it (of the row that is furthest). */
export interface Reached {
  readonly cache: KeyValueCache;
  readonly next: number;
}

/** Keys or values as 32- or 16-bit words over the same bytes. Throws `onnx-unsupported` for other types. */
export const wordsOf = (tensor: Tensor): Words => {
  const data: unknown = tensor.data;
  if (data instanceof Float32Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  throw new GateError('onnx-unsupported', `The cache of the decoder was read. Expected floats, got type ${tensor.type}.`);
};

const rebuilt = (ort: OrtModule, slot: CacheSlot, words: Words, dims: readonly number[]): Tensor =>
  words instanceof Float32Array ? new ort.Tensor('float32', words, dims) : new ort.Tensor(slot.type, words, dims);

const emptyWords = (like: Words, length: number): Words =>
  like instanceof Float32Array ? new Float32Array(length) : new Uint16Array(length);

export const pastOf = (slot: CacheSlot, cache: KeyValueCache): Tensor => {
  const tensor = cache.tensors[slot.past];
  if (tensor === undefined) throw new GateError('internal', `The cache ${slot.past} is missing.`);
  return tensor;
};

/** Positions that a bounded cache may come to hold; null: unbounded. */
export const cacheLimit = ({ sinks = 0, keepLast, slack = 0 }: ServeHints): number | null =>
  keepLast === undefined ? null : sinks + keepLast + slack;

/** Hints that contradict each other throw `onnx-unsupported`; `positions`: the decoder takes positions as an input. */
export const checkHints = (serve: ServeHints, positions: boolean): void => {
  const refuse = (why: string): GateError =>
    new GateError('onnx-unsupported', `The hints of the build on how its model is served were read. They contradict each other: ${why}.`);
  const { keepLast, slack = 0, chunk, frequencies, inPlace } = serve;
  if (keepLast === undefined) {
    if (inPlace === true || slack > 0 || frequencies !== undefined)
      throw refuse('slack, frequencies and inPlace belong to a bounded cache: keepLast is missing');
    return;
  }
  if (frequencies === undefined && !positions)
    throw refuse('a bounded cache (keepLast) needs a decoder with an input position_ids, or frequencies to turn its keys back by');
  if (inPlace === true && (chunk === undefined || slack < chunk))
    throw refuse(`keys written in place need room for a chunk: slack is ${slack}, chunk ${chunk ?? 'missing'}`);
};

/** What a call hands out: its logits, and keys and values, in place those that it was fed with. */
export const cacheFetches = (slots: readonly CacheSlot[], cache: KeyValueCache, serve: ServeHints): InferenceSession.FetchesType =>
  serve.inPlace === true
    ? { logits: null, ...Object.fromEntries(slots.map((slot) => [slot.present, pastOf(slot, cache)])) }
    : ['logits', ...slots.map(({ present }) => present)];

/** Outputs of a call as the cache of the next. */
export const cacheOf = (slots: readonly CacheSlot[], outputs: Readonly<Record<string, Tensor>>, length: number): KeyValueCache => ({
  length,
  tensors: Object.fromEntries(slots.flatMap(({ past, present }) => (outputs[present] === undefined ? [] : [[past, outputs[present]]]))),
});

/** Turns a stretch of keys by so many positions, in place: pairs (i, i + frequencies.length) of each key. */
const turnKeys = (keys: Float32Array, size: number, frequencies: readonly number[], positions: number): void => {
  const half = frequencies.length;
  for (let pair = 0; pair < half; pair++) {
    const angle = positions * (frequencies[pair] ?? 0);
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    for (let at = pair; at < keys.length; at += size) {
      const [a, b] = [keys[at] as number, keys[at + half] as number];
      keys[at] = a * cos - b * sin;
      keys[at + half] = b * cos + a * sin;
    }
  }
};

const turnWords = (words: Words, size: number, frequencies: readonly number[], positions: number): void => {
  const floats = words instanceof Float32Array ? words : halfToFloat(words);
  turnKeys(floats, size, frequencies, positions);
  if (floats !== words) words.set(floatToHalf(floats));
};

/**
 * Makes room for `incoming` positions: a bounded cache that has none is cut back to its first `sinks` and newest `keepLast` positions.
 * With `frequencies` what stays is moved up to the positions it has inside the cache, as StreamingLLM does (arXiv 2309.17453); without, positions go on.
 * A cache that is written in place is cut in place; else the old one stays as it was.
 */
export const withRoom = (ort: OrtModule, slots: readonly CacheSlot[], reached: Reached, serve: ServeHints, incoming: number): Reached => {
  const { cache, next } = reached;
  const { sinks = 0, keepLast, slack = 0, frequencies } = serve;
  if (keepLast === undefined || cache.length <= sinks + keepLast + Math.max(0, slack - incoming)) return reached;
  const kept = sinks + keepLast;
  // After an image fewer positions have passed than tokens: then nothing, or less, is to be made up for.
  const back = frequencies === undefined ? 0 : Math.max(0, next - kept);
  const tensors = slots.map((slot): [string, Tensor] => {
    const tensor = pastOf(slot, cache);
    const words = wordsOf(tensor);
    const [batch = 0, , positions = 0] = tensor.dims;
    const room = serve.inPlace === true ? positions : kept;
    const out = serve.inPlace === true ? words : emptyWords(words, batch * slot.heads * kept * slot.size);
    for (let line = 0; line < batch * slot.heads; line++) {
      const [from, to] = [line * positions * slot.size, line * room * slot.size];
      const newest = words.subarray(from + (cache.length - keepLast) * slot.size, from + cache.length * slot.size);
      if (out !== words) out.set(words.subarray(from, from + sinks * slot.size), to);
      const moved = out.subarray(to + sinks * slot.size, to + kept * slot.size);
      moved.set(newest);
      if (frequencies !== undefined && back > 0 && slot.part === 'key') turnWords(moved, slot.size, frequencies, -back);
    }
    return [slot.past, out === words ? tensor : rebuilt(ort, slot, out, [batch, slot.heads, kept, slot.size])];
  });
  return { cache: { length: kept, tensors: Object.fromEntries(tensors) }, next: next - back };
};

/** Caches of single rows, one under the other. */
export const stacked = (ort: OrtModule, slots: readonly CacheSlot[], rows: readonly KeyValueCache[]): KeyValueCache => {
  const [first] = rows;
  if (first === undefined) throw new GateError('internal', 'There is no cache to stack.');
  if (rows.length === 1) return first;
  const tensors = slots.map((slot): [string, Tensor] => {
    const parts = rows.map((row) => wordsOf(pastOf(slot, row)));
    const positions = pastOf(slot, first).dims[2] ?? 0;
    const size = slot.heads * positions * slot.size;
    const out = emptyWords(parts[0] ?? new Float32Array(0), size * rows.length);
    parts.forEach((part, row) => {
      out.set(part, row * size);
    });
    return [slot.past, rebuilt(ort, slot, out, [rows.length, slot.heads, positions, slot.size])];
  });
  return { length: first.length, tensors: Object.fromEntries(tensors) };
};

/** Bytes of all keys and values, free room in their buffers included. */
export const cacheBytes = (cache: KeyValueCache): number =>
  Object.values(cache.tensors).reduce((sum, tensor) => sum + wordsOf(tensor).byteLength, 0);
