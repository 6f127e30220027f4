import { floatToHalf, halfToFloat } from '../onnx/half.ts';
import { cacheBytes, pastOf, stacked, wordsOf } from './cache-window.ts';
import type { CacheSlot } from './decoder-interface.ts';
import type { KeyValueCache } from './feeds.ts';
import type { OrtModule } from './library.ts';
import type { RowLogits } from './row-logits.ts';

/** Positions of a layer that are tried at most: all of a short cache, else the first, the newest and some between. */
const mostTried = 24;
/** Caches that are changed side by side take at most this many bytes. */
const stackBytes = 256 * 1024 * 1024;
/** What is added to keys and values: whatever has any weight at all then moves the logits. */
const shift = 1e4;
/** Logits that differ by less, relative to the largest of them, are those of another row of the same batch. */
const apart = 1e-3;

/** `count` of the positions 0 … length − 1, the first third and the newest third without a gap. */
export const triedPositions = (length: number, count: number): readonly number[] => {
  if (length <= count) return Array.from({ length }, (_, at) => at);
  const ends = Math.floor(count / 3);
  const between = count - 2 * ends;
  const step = (length - 2 * ends) / (between + 1);
  return [
    ...Array.from({ length: ends }, (_, at) => at),
    ...Array.from({ length: between }, (_, at) => Math.floor(ends + (at + 1) * step)),
    ...Array.from({ length: ends }, (_, at) => length - ends + at),
  ];
};

/** Moves keys and values of one position of one row, in place. */
const disturb = (slot: CacheSlot, stack: KeyValueCache, row: number, position: number, by: number): void => {
  const tensor = pastOf(slot, stack);
  const words = wordsOf(tensor);
  const positions = tensor.dims[2] ?? 0;
  for (let head = 0; head < slot.heads; head++) {
    const start = ((row * slot.heads + head) * positions + position) * slot.size;
    const own = words.subarray(start, start + slot.size);
    const floats = own instanceof Float32Array ? own : halfToFloat(own);
    own.set(own instanceof Float32Array ? floats.map((value) => value + by) : floatToHalf(floats.map((value) => value + by)));
  }
};

const differs = ({ values, vocabulary, length }: RowLogits, row: number): boolean => {
  const [own, first] = [(row + 1) * length - 1, length - 1].map((at) => at * vocabulary) as [number, number];
  let [largest, difference] = [0, 0];
  for (let token = 0; token < vocabulary; token++) {
    const [a, b] = [values[own + token] as number, values[first + token] as number];
    if (!Number.isFinite(a)) return true;
    largest = Math.max(largest, Math.abs(b));
    difference = Math.max(difference, Math.abs(a - b));
  }
  return difference > apart * largest;
};

/**
 * Share of the cached positions, over all layers, that the next step does not read: whatever their keys and values are, its logits are
 * the same. 0 … 1; 0 of an empty cache.
 * @param step logits of the step behind a cache of so many rows, all of the same token
 */
export const unreadShare = async (
  ort: OrtModule,
  slots: readonly CacheSlot[],
  cache: KeyValueCache,
  step: (stack: KeyValueCache, rows: number) => Promise<RowLogits>,
): Promise<number> => {
  const room = Math.floor((stackBytes / Math.max(1, cacheBytes(cache)) - 1) / 2);
  const count = Math.max(1, Math.min(mostTried, room));
  let [tried, unread] = [0, 0];
  for (const layer of Map.groupBy(slots, ({ past }) => past.replace(/\.(key|value)$/, '')).values()) {
    const held = Math.min(...layer.map((slot) => Math.min(cache.length, pastOf(slot, cache).dims[2] ?? 0)));
    const positions = triedPositions(held, count);
    if (positions.length === 0) continue;
    // The first row stays as it is. Of the others one pushes a position to the front wherever the query looks.
    const rows = positions.flatMap((position) => [shift, -shift].map((by) => ({ position, by })));
    const stack = stacked(ort, slots, Array<KeyValueCache>(1 + rows.length).fill(cache));
    for (const [at, { position, by }] of rows.entries()) for (const slot of layer) disturb(slot, stack, 1 + at, position, by);
    const logits = await step(stack, 1 + rows.length);
    tried += positions.length;
    unread += positions.filter((_, at) => !differs(logits, 1 + 2 * at) && !differs(logits, 2 + 2 * at)).length;
  }
  return tried === 0 ? 0 : unread / tried;
};
