import { join } from 'node:path';
import type { Prompt } from '../contract/generation.ts';
import { GateError } from '../errors.ts';
import type { CallPoint } from '../records/metric.ts';
import type { EvaluationWindows, ServeHints, Stage } from '../records/serving.ts';
import { cacheFetches, cacheLimit, cacheOf, checkHints, type Reached, stacked, withRoom } from './cache-window.ts';
import { type DecoderInterface, decoderInterface } from './decoder-interface.ts';
import { decoderFeeds, emptyCache, type Feeds, type KeyValueCache, pixelFeeds, placesOf, type Sight, sightOf } from './feeds.ts';
import type { Runtime } from './library.ts';
import { type OpenStage, pipelineSession } from './pipeline.ts';
import { continuedPrompt, promptRows } from './prompt.ts';
import { checkFinite, joined, largestShift, lastOf, newestOf, type RowLogits, rowLogits, sideBySide } from './row-logits.ts';
import { openSession, type ProviderSessionOptions, runSession, type Session } from './session.ts';
import { unreadShare } from './unread-cache.ts';
import { columnsOf, firstEnd, rowOf, rowsOf, steppedFrom } from './window-rows.ts';

export interface OpenOptions {
  readonly runtime: Runtime;
  readonly settings: ProviderSessionOptions;
  /** Text (and images) that timed calls are fed with; null: drawn tokens. */
  readonly prompts: EvaluationWindows | null;
}

/** Logits of the newest position of each row, and what the next call needs. */
export interface Advanced extends Reached {
  readonly logits: RowLogits;
}

/** An artefact in memory, driven as its hints say. Calls may overlap: the runtime runs one after the other, chunk by chunk. */
export interface LoadedModel {
  readonly face: DecoderInterface;
  /**
   * Builds everything that a timed call needs, runs it once, and returns the call: a prefill of `length` tokens (vision tower
   * first, where there is one), or one decode step after `length` tokens: the same step every time, its rows being the next
   * tokens of one text. Output buffers are reused.
   */
  prepareCall(point: CallPoint, seed: number): Promise<() => Promise<unknown>>;
  /**
   * Teacher-forced logits of the windows from `index` on: at position t, the prediction of token t + 1 from the tokens up to t;
   * `windows.length − 1` positions. The last eight are steps of one token behind a cache, as texts are generated; the others one call,
   * or chunks of each row alone. Of a window alone the 64 positions before the steps go on behind a cache, in a second call. `blind` blanks the images.
   * Throws `onnx-unsupported` where the newest position is answered otherwise when it is asked for alone: behind a cache, and in the
   * first call of the first window and of the first batch of each size, or in each chunk of the first window.
   */
  score(windows: EvaluationWindows, index: number, count: number, blind?: boolean): Promise<RowLogits>;
  /** Whether its cache forgets positions, so that steps behind it and a call over the whole text need not agree. */
  readonly forgets: boolean;
  /**
   * Teacher-forced logits of windows as one batch, as their texts would be generated: what stands before the last `steps` positions is read as the
   * artefact is served, and the steps are made one by one behind the cache. An image is read whole first. Of the position before the steps, and of each of them.
   */
  generate(windows: EvaluationWindows, index: number, count: number, steps: number): Promise<RowLogits>;
  /** The same positions by one call over each window, without a cache. */
  recompute(windows: EvaluationWindows, index: number, count: number, steps: number): Promise<RowLogits>;
  /** A window is cached up to its last `steps` positions. The share of the cache that the first of these does not read; 0 … 1. */
  unreadCache(windows: EvaluationWindows, index: number, steps: number): Promise<number>;
  /** Feeds rows after a cache (null: from the start), which is used up where it is written in place; logits of the newest position only. */
  advance(rows: Prompt, after: Reached | null, images?: EvaluationWindows['images']): Promise<Advanced>;
  release(): Promise<void>;
}

/** Newest positions of a window that are scored as they are generated: one token after another, each behind the cache. */
const steppedPositions = 8;
/** Positions before them that go on in one call behind the cache, as a prompt does whose beginning was read before. */
const continuedPositions = 64;
/** The largest chunk that a bounded cache is prefilled in, where the artefact names none. */
const boundedChunk = 64;

/** A step without a cache would be fast, and answer another text. */
const requireCache = (face: DecoderInterface, past: number): void => {
  if (face.cache.length === 0 && past > 0)
    throw new GateError(
      'onnx-unsupported',
      `The decoder was to go on after ${past} tokens. That needs inputs past_key_values.N.key and .value, and it has none.`,
    );
};

/** The largest part of its probability that the newest position may give to other tokens when it is asked for alone. */
const apartAlone = 0.25;

interface OpenGraphs {
  readonly decoder: Session;
  readonly face: DecoderInterface;
  readonly vision: Session | null;
}

/** The stage `decoder`, or every stage but `vision` in their order, as one; and `vision` where that wants image features. */
const openGraphs = async (folder: string, stages: readonly Stage[], options: OpenOptions, opened: OpenStage[]): Promise<OpenGraphs> => {
  const open = async ({ id, graph }: Stage): Promise<Session> => {
    const session = await openSession(options.runtime, join(folder, graph), options.settings);
    opened.push({ id, session });
    return session;
  };
  const whole = stages.find(({ id }) => id === 'decoder');
  const modules = whole === undefined ? stages.filter(({ id }) => id !== 'vision') : [whole];
  if (modules.length === 0)
    throw new GateError(
      'onnx-unsupported',
      'The ONNX files of the model were opened. Expected one called "decoder", or several modules, found neither.',
      { where: folder },
    );
  for (const module of modules) await open(module);
  const [only] = opened;
  const decoder = whole !== undefined && only !== undefined ? only.session : pipelineSession([...opened]);
  const face = decoderInterface(decoder);
  if (face.features.length === 0) return { decoder, face, vision: null };
  const sees = stages.find(({ id }) => id === 'vision');
  if (sees === undefined)
    throw new GateError(
      'onnx-unsupported',
      'The decoder was opened. It wants image features, but the model has no ONNX file called "vision".',
      { where: folder },
    );
  return { decoder, face, vision: await open(sees) };
};

/**
 * Opens the stages of an artefact: `decoder` (or what stands in its place: modules that are run one after the other in the order of the
 * stages), and `vision` where the decoder wants image features. Nothing stays open where it throws: `session-failed`,
 * `provider-unavailable`, `stages-mismatch` for modules that do not fit together, or `onnx-unsupported` for a decoder that cannot be driven.
 */
export const openModel = async (
  folder: string,
  stages: readonly Stage[],
  serve: ServeHints,
  options: OpenOptions,
): Promise<LoadedModel> => {
  const opened: OpenStage[] = [];
  try {
    return drivenModel(await openGraphs(folder, stages, options, opened), serve, options);
  } catch (thrown) {
    for (const { session } of opened) await session.release();
    throw thrown;
  }
};

const drivenModel = ({ decoder, face, vision }: OpenGraphs, serve: ServeHints, options: OpenOptions): LoadedModel => {
  const { ort } = options.runtime;
  checkHints(serve, face.positions !== 'none');
  const chunked = serve.chunk !== undefined || serve.keepLast !== undefined;
  const presents = face.cache.map((slot) => slot.present);

  const see = async (windows: readonly number[], images: NonNullable<EvaluationWindows['images']>, blind: boolean): Promise<Feeds> =>
    vision === null ? {} : runSession(vision, pixelFeeds(ort, vision, windows, images, blind), face.features);

  const whole = async (
    rows: Prompt,
    images: EvaluationWindows['images'],
    keep: number,
    blind: boolean,
    withCache: boolean,
  ): Promise<{ outputs: Feeds; next: number }> => {
    const { feeds, next } = decoderFeeds(ort, face, { rows, cache: emptyCache(ort, face.cache, rows.batch), start: 0, keep }, images);
    const features = rows.windows !== null && images !== null ? await see(rows.windows, images, blind) : {};
    const outputs = await runSession(decoder, { ...feeds, ...features }, withCache ? ['logits', ...presents] : ['logits']);
    return { outputs, next: Math.max(...next) };
  };

  const fresh = (): Reached => ({ cache: emptyCache(ort, face.cache, 1, serve.inPlace === true ? (cacheLimit(serve) ?? 0) : 0), next: 0 });

  /** One call that goes on after a cache with room for it; a part of a row with an image brings its `sight`. */
  const goOn = async (
    rows: Prompt,
    from: Reached,
    keep: number,
    sight: Sight | null,
    images: EvaluationWindows['images'],
  ): Promise<Advanced> => {
    requireCache(face, from.cache.length);
    const places = sight === null ? {} : { places: sight.places };
    const { feeds, next } = decoderFeeds(ort, face, { rows, cache: from.cache, start: from.next, keep, ...places }, images);
    const outputs = await runSession(decoder, { ...feeds, ...sight?.features }, cacheFetches(face.cache, from.cache, serve));
    return {
      logits: rowLogits(outputs),
      cache: cacheOf(face.cache, outputs, from.cache.length + rows.length),
      next: Math.max(...next),
    };
  };

  /** Refuses a decoder whose answer at the newest position is another one where that is asked for alone. */
  const requireNewest = async (length: number, all: RowLogits, alone: () => Promise<RowLogits>): Promise<void> => {
    if (!face.keepsLogits) return;
    const newest = lastOf(await alone());
    checkFinite(newest);
    const apart = largestShift(lastOf(all), newest);
    if (apart > apartAlone)
      throw new GateError(
        'onnx-unsupported',
        `The decoder was run with num_logits_to_keep 0 and 1. Expected the same newest of ${length} positions, got ${(100 * apart).toFixed(0)} % of its probability on other tokens: keep the last positions.`,
      );
  };

  /** Numbers of rows of which a first call, or all chunks, have been asked for the newest position alone. */
  const compared = new Set<number>();

  /** One row in chunks, the cache bounded in between; hands over each chunk's logits. */
  const inChunks = async (
    rows: Prompt,
    from: Reached,
    all: boolean,
    images: EvaluationWindows['images'],
    blind: boolean,
    visit: (logits: RowLogits) => void,
  ): Promise<Reached> => {
    const seen = rows.windows === null ? null : images;
    const whole = seen === null ? null : { places: placesOf(rows, 0, seen), features: await see(rows.windows ?? [], seen, blind) };
    let reached = from;
    const size = serve.chunk ?? Math.min(boundedChunk, serve.keepLast ?? boundedChunk);
    for (let at = 0; at < rows.length; at += size) {
      const end = Math.min(rows.length, at + size);
      const room = withRoom(ort, face.cache, reached, serve, end - at);
      const sight = whole === null || seen === null ? null : sightOf(ort, rows, seen.imageToken, whole, at, end, room.next);
      const answer = (keep: number): Promise<Advanced> => goOn(rowOf(rows, 0, at, end), room, keep, sight, seen);
      const { logits, ...after } = await answer(all ? 0 : 1);
      visit(logits);
      if (all && !blind && !compared.has(1)) await requireNewest(end - at, logits, async () => (await answer(1)).logits);
      reached = after;
    }
    return withRoom(ort, face.cache, reached, serve, 1);
  };

  const advance: LoadedModel['advance'] = async (rows, after, images = null) => {
    if (after !== null && (rows.length === 1 || !chunked)) {
      const { logits, ...reached } = await goOn(rows, withRoom(ort, face.cache, after, serve, rows.length), 1, null, null);
      return { logits: lastOf(logits), ...withRoom(ort, face.cache, reached, serve, 1) };
    }
    if (chunked) {
      if (after !== null && rows.batch > 1)
        throw new GateError('onnx-unsupported', 'Several rows were to be read in chunks. Only one row can be.');
      const ends: KeyValueCache[] = [];
      const parts: RowLogits[] = [];
      let next = 0;
      for (let row = 0; row < rows.batch; row++) {
        let newest: RowLogits | null = null;
        const own = rowOf(rows, row, 0, rows.length);
        const end = await inChunks(own, after ?? fresh(), false, after === null ? images : null, false, (logits) => {
          newest = lastOf(logits);
        });
        if (newest !== null) parts.push(newest);
        ends.push(end.cache);
        next = Math.max(next, end.next);
      }
      return { logits: joined(parts), cache: stacked(ort, face.cache, ends), next };
    }
    const { outputs, next } = await whole(rows, images, 1, false, true);
    return { logits: lastOf(rowLogits(outputs)), cache: cacheOf(face.cache, outputs, rows.length), next };
  };

  /** Hands over the logits of the columns from `at` on, one step after the other; text only. */
  const inSteps = async (rows: Prompt, at: number, from: Reached, visit: (logits: RowLogits) => void): Promise<void> => {
    let reached = from;
    for (let column = at; column < rows.length; column++) {
      const { logits, ...after } = await goOn({ ...columnsOf(rows, column, column + 1), windows: null }, reached, 1, null, null);
      visit(logits);
      reached = withRoom(ort, face.cache, after, serve, 1);
    }
  };

  /** All logits of text that goes on behind a cache. */
  const continued = async (rows: Prompt, from: Reached, blind: boolean): Promise<Advanced> => {
    const text = { ...rows, windows: null };
    const all = await goOn(text, from, 0, null, null);
    if (!blind) await requireNewest(rows.length, all.logits, async () => (await goOn(text, from, 1, null, null)).logits);
    return all;
  };

  const takeIn = async (past: Prompt): Promise<Advanced> => {
    const taken = await advance(past, null, options.prompts?.images ?? null);
    checkFinite(taken.logits);
    return taken;
  };
  const pasts = new Map<string, Promise<Advanced>>();

  const prepareDecode = async (point: CallPoint, seed: number): Promise<() => Promise<unknown>> => {
    requireCache(face, point.length);
    const { past, next: rows } = continuedPrompt(options.prompts, face.vocabulary ?? 256, point.batch, point.length, seed);
    // Taken in once for all steps after it: they only write behind it.
    const key = past.tokens.join();
    const taken = pasts.get(key) ?? takeIn(past);
    pasts.set(key, taken);
    const { cache: row, next } = await taken;
    const cache = stacked(ort, face.cache, Array<KeyValueCache>(point.batch).fill(row));
    const { feeds } = decoderFeeds(ort, face, { rows, cache, start: next, keep: 1 }, null);
    // The first run's outputs are the buffers of all later ones: a step allocates nothing.
    const outputs = await runSession(decoder, feeds, cacheFetches(face.cache, cache, serve));
    checkFinite(rowLogits(outputs));
    return () => runSession(decoder, feeds, outputs);
  };

  const preparePrefill = async (point: CallPoint, seed: number): Promise<() => Promise<unknown>> => {
    const images = options.prompts?.images ?? null;
    const rows = promptRows(options.prompts, face.vocabulary ?? 256, point.batch, point.length, seed);
    if (chunked) {
      checkFinite((await advance(rows, null, images)).logits);
      return () => advance(rows, null, images);
    }
    const { feeds } = decoderFeeds(ort, face, { rows, cache: emptyCache(ort, face.cache, rows.batch), start: 0, keep: 1 }, images);
    const pixels =
      rows.windows !== null && images !== null && vision !== null ? pixelFeeds(ort, vision, rows.windows, images, false) : null;
    const features: Feeds = pixels === null || vision === null ? {} : await runSession(vision, pixels, face.features);
    const all = { ...feeds, ...features };
    const outputs = await runSession(decoder, all, ['logits', ...presents]);
    checkFinite(lastOf(rowLogits(outputs)));
    if (pixels === null || vision === null) return () => runSession(decoder, all, outputs);
    return async () => {
      await runSession(vision, pixels, features);
      return runSession(decoder, all, outputs);
    };
  };

  return {
    face,
    prepareCall: (point, seed) => (point.phase === 'decode' ? prepareDecode(point, seed) : preparePrefill(point, seed)),
    score: async (windows, index, count, blind = false) => {
      const rows = rowsOf(windows, index, count);
      const { length } = rows;
      const first = firstEnd(rows, windows.images);
      const early = Math.max(first, length - steppedPositions);
      const parts: RowLogits[] = [];
      const visit = (logits: RowLogits): void => void parts.push(logits);
      if (!chunked) {
        // Operators of attention go on with several tokens in one row only.
        const read = count === 1 ? Math.max(first, early - continuedPositions) : early;
        const begin = columnsOf(rows, 0, read);
        const { outputs, next } = await whole(begin, windows.images, 0, blind, read < length);
        const logits = rowLogits(outputs);
        visit(logits);
        if (!compared.has(count)) {
          await requireNewest(read, logits, async () => rowLogits((await whole(begin, windows.images, 1, blind, false)).outputs));
          compared.add(count);
        }
        let reached: Reached = { cache: cacheOf(face.cache, outputs, read), next };
        if (read < early) {
          const { logits, ...after } = await continued(columnsOf(rows, read, early), reached, blind);
          visit(logits);
          reached = after;
        }
        await inSteps(rows, early, reached, visit);
        return sideBySide(parts, count);
      }
      const ends: Reached[] = [];
      for (let row = 0; row < count; row++) {
        ends.push(await inChunks(rowOf(rows, row, 0, early), fresh(), true, windows.images, blind, visit));
        if (!blind) compared.add(1);
      }
      const cache = stacked(
        ort,
        face.cache,
        ends.map((end) => end.cache),
      );
      const read = { ...joined(parts.splice(0)), rows: count, length: early };
      visit(read);
      await inSteps(rows, early, { cache, next: Math.max(...ends.map(({ next }) => next)) }, visit);
      return sideBySide(parts, count);
    },
    forgets: serve.keepLast !== undefined,
    generate: async (windows, index, count, steps) => {
      const rows = rowsOf(windows, index, count);
      const from = steppedFrom(rows, windows, steps);
      const parts: RowLogits[] = [];
      const { logits, ...reached } = await advance(columnsOf(rows, 0, from), null, windows.images);
      parts.push({ ...logits, rows: count, length: 1 });
      await inSteps(rows, from, reached, (each) => void parts.push(each));
      return sideBySide(parts, count);
    },
    unreadCache: async (windows, index, steps) => {
      const row = rowsOf(windows, index, 1);
      const from = steppedFrom(row, windows, steps);
      const { cache, next } = await advance(columnsOf(row, 0, from), null, windows.images);
      const token = columnsOf(row, from, from + 1).tokens;
      return unreadShare(ort, face.cache, cache, async (stack, batch) => {
        const tokens = new Uint32Array(batch).fill(token[0] ?? 0);
        return (await goOn({ batch, length: 1, tokens, windows: null }, { cache: stack, next }, 1, null, null)).logits;
      });
    },
    recompute: async (windows, index, count, steps) => {
      const ends: RowLogits[] = [];
      for (let row = 0; row < count; row++) {
        const alone = rowsOf(windows, index + row, 1);
        const positions = alone.length - steppedFrom(alone, windows, steps) + 1;
        const { outputs } = await whole(alone, windows.images, face.keepsLogits ? positions : 0, false, false);
        ends.push(newestOf(rowLogits(outputs), positions));
      }
      return { ...joined(ends), rows: count, length: ends[0]?.length ?? 0 };
    },
    advance,
    release: async () => {
      await vision?.release();
      await decoder.release();
    },
  };
};
