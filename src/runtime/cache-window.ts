import type { Tensor } from 'onnxruntime-node';
import { GateError } from '../errors.ts';
import type { ServeHints } from '../records/serving.ts';
import type { CacheSlot } from './decoder-interface.ts';
import type { Cache } from './feeds.ts';
import type { OrtModule } from './library.ts';

type Words = Float32Array | Uint16Array;

const wordsOf = (tensor: Tensor): Words => {
  const data: unknown = tensor.data;
  if (data instanceof Float32Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  throw new GateError('onnx-unsupported', `a cache of type ${tensor.type}`);
};

const rebuilt = (ort: OrtModule, slot: CacheSlot, words: Words, dims: readonly number[]): Tensor =>
  words instanceof Float32Array ? new ort.Tensor('float32', words, dims) : new ort.Tensor(slot.type, words, dims);

const emptyWords = (like: Words, length: number): Words =>
  like instanceof Float32Array ? new Float32Array(length) : new Uint16Array(length);

/** Outputs of a call as the cache of the next. */
export const cacheOf = (slots: readonly CacheSlot[], outputs: Readonly<Record<string, Tensor>>, length: number): Cache => ({
  length,
  tensors: Object.fromEntries(slots.flatMap(({ past, present }) => (outputs[present] === undefined ? [] : [[past, outputs[present]]]))),
});

/** Keeps the first `sinks` and the newest `keepLast` positions. */
export const trimmed = (ort: OrtModule, slots: readonly CacheSlot[], cache: Cache, serve: ServeHints): Cache => {
  const sinks = serve.sinks ?? 0;
  if (serve.keepLast === undefined || cache.length <= sinks + serve.keepLast) return cache;
  const kept = sinks + serve.keepLast;
  const tensors = slots.map((slot): [string, Tensor] => {
    const tensor = cache.tensors[slot.past];
    if (tensor === undefined) throw new GateError('internal', `cache ${slot.past} is missing`);
    const words = wordsOf(tensor);
    const lines = (tensor.dims[0] ?? 0) * slot.heads;
    const out = emptyWords(words, lines * kept * slot.size);
    for (let line = 0; line < lines; line++) {
      const from = line * cache.length * slot.size;
      const end = from + cache.length * slot.size;
      out.set(words.subarray(from, from + sinks * slot.size), line * kept * slot.size);
      out.set(words.subarray(end - (kept - sinks) * slot.size, end), (line * kept + sinks) * slot.size);
    }
    return [slot.past, rebuilt(ort, slot, out, [tensor.dims[0] ?? 0, slot.heads, kept, slot.size])];
  });
  return { length: kept, tensors: Object.fromEntries(tensors) };
};

/** Caches of single rows, one under the other. */
export const stacked = (ort: OrtModule, slots: readonly CacheSlot[], rows: readonly Cache[]): Cache => {
  const [first] = rows;
  if (first === undefined) throw new GateError('internal', 'no cache to stack');
  if (rows.length === 1) return first;
  const tensors = slots.map((slot): [string, Tensor] => {
    const parts = rows.map((row) => row.tensors[slot.past]).flatMap((tensor) => (tensor === undefined ? [] : [wordsOf(tensor)]));
    const size = slot.heads * first.length * slot.size;
    const out = emptyWords(parts[0] ?? new Float32Array(0), size * rows.length);
    parts.forEach((part, row) => {
      out.set(part, row * size);
    });
    return [slot.past, rebuilt(ort, slot, out, [rows.length, slot.heads, first.length, slot.size])];
  });
  return { length: first.length, tensors: Object.fromEntries(tensors) };
};

/** Bytes of all keys and values. */
export const cacheBytes = (cache: Cache): number =>
  Object.values(cache.tensors).reduce((sum, tensor) => sum + wordsOf(tensor).byteLength, 0);
