import { join } from 'node:path';
import { GateError } from '../errors.ts';
import type { CallPoint } from '../records/metric.ts';
import type { EvaluationWindows, ServeHints, Stage } from '../records/serving.ts';
import { cacheOf, stacked, trimmed } from './cache-window.ts';
import { type DecoderInterface, decoderInterface } from './decoder-interface.ts';
import { type Cache, decoderFeeds, emptyCache, type Feeds, floatsOfTensor, pixelFeeds, type Rows } from './feeds.ts';
import type { Runtime } from './library.ts';
import { type OpenStage, pipelineSession } from './pipeline.ts';
import { promptRows } from './prompt.ts';
import { openSession, runSession, type Session, type SessionSettings } from './session.ts';

export interface OpenOptions {
  readonly runtime: Runtime;
  readonly settings: SessionSettings;
  /** Text (and images) that timed calls are fed with; null: drawn tokens. */
  readonly prompts: EvaluationWindows | null;
}

/** Logits of rows of tokens: rows × length × vocabulary. */
export interface RowLogits {
  readonly rows: number;
  readonly length: number;
  readonly vocabulary: number;
  readonly values: Float32Array;
}

/** Logits of the newest position of each row, and what the next call needs. */
export interface Advanced {
  readonly logits: RowLogits;
  readonly cache: Cache;
  /** Rotary position of the next token (of the row that is furthest). */
  readonly next: number;
}

/** An artefact in memory, driven as its hints say. Not for two calls at a time. */
export interface LoadedModel {
  readonly face: DecoderInterface;
  /**
   * Builds everything that a timed call needs, runs it once, and returns the call: a prefill of `length` tokens (vision tower
   * first, where there is one), or one decode step after `length` tokens: the same step every time. Output buffers are reused.
   */
  prepareCall(point: CallPoint, seed: number): Promise<() => Promise<void>>;
  /**
   * Teacher-forced logits of the windows from `index` on: at position t, the prediction of token t + 1 from the tokens up to t;
   * `windows.length − 1` positions. `blind` blanks the images.
   */
  score(windows: EvaluationWindows, index: number, count: number, blind?: boolean): Promise<RowLogits>;
  /** Feeds rows after a cache (null: from the start); logits of the newest position only. */
  advance(
    rows: Rows,
    after: { readonly cache: Cache; readonly next: number } | null,
    images?: EvaluationWindows['images'],
  ): Promise<Advanced>;
  release(): Promise<void>;
}

/** The largest chunk that a bounded cache is prefilled in, where the artefact names none. */
const boundedChunk = 64;

const rowLogits = (outputs: Feeds): RowLogits => {
  const logits = outputs['logits'];
  if (logits === undefined || logits.dims.length !== 3)
    throw new GateError('onnx-unsupported', 'logits must be [batch, sequence, vocabulary]');
  const [rows = 0, length = 0, vocabulary = 0] = logits.dims;
  return { rows, length, vocabulary, values: floatsOfTensor(logits) };
};

const rowOf = (rows: Rows, row: number, from: number, to: number): Rows => ({
  batch: 1,
  length: to - from,
  tokens: rows.tokens.slice(row * rows.length + from, row * rows.length + to),
  windows: null,
});

const checkFinite = (logits: RowLogits): void => {
  const { values } = logits;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]))
      throw new GateError(
        'non-finite-output',
        `logit ${i % logits.vocabulary} of position ${Math.floor(i / logits.vocabulary)} is ${values[i]}`,
      );
  }
};

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
    throw new GateError('onnx-unsupported', 'no stage "decoder", nor other stages than "vision"', { where: folder });
  for (const module of modules) await open(module);
  const [only] = opened;
  const decoder = whole !== undefined && only !== undefined ? only.session : pipelineSession([...opened]);
  const face = decoderInterface(decoder);
  if (face.features.length === 0) return { decoder, face, vision: null };
  const sees = stages.find(({ id }) => id === 'vision');
  if (sees === undefined)
    throw new GateError('onnx-unsupported', 'the decoder wants image features, but there is no stage "vision"', { where: folder });
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
    return drivenModel(folder, await openGraphs(folder, stages, options, opened), serve, options);
  } catch (thrown) {
    for (const { session } of opened) await session.release();
    throw thrown;
  }
};

const drivenModel = (folder: string, { decoder, face, vision }: OpenGraphs, serve: ServeHints, options: OpenOptions): LoadedModel => {
  const { ort } = options.runtime;
  if (serve.keepLast !== undefined && face.positions === 'none')
    throw new GateError(
      'onnx-unsupported',
      'a bounded cache (keepLast) needs a decoder with an input position_ids: positions go on while the cache does not grow',
      { where: folder },
    );
  const chunked = serve.chunk !== undefined || serve.keepLast !== undefined;
  const presents = face.cache.map((slot) => slot.present);

  const see = async (windows: readonly number[], images: NonNullable<EvaluationWindows['images']>, blind: boolean): Promise<Feeds> =>
    vision === null ? {} : runSession(vision, pixelFeeds(ort, windows, images, blind), face.features);

  const whole = async (
    rows: Rows,
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

  /** One row in chunks, the cache trimmed in between; hands over each chunk's logits. */
  const inChunks = async (
    rows: Rows,
    row: number,
    from: { cache: Cache; next: number },
    all: boolean,
    visit: (logits: RowLogits) => void,
  ): Promise<{ cache: Cache; next: number }> => {
    let { cache, next } = from;
    const size = serve.chunk ?? Math.min(boundedChunk, serve.keepLast ?? boundedChunk);
    for (let at = 0; at < rows.length; at += size) {
      const chunk = rowOf(rows, row, at, Math.min(rows.length, at + size));
      const { feeds } = decoderFeeds(ort, face, { rows: chunk, cache, start: next, keep: all ? 0 : 1 }, null);
      const outputs = await runSession(decoder, feeds, ['logits', ...presents]);
      visit(rowLogits(outputs));
      next += chunk.length;
      cache = trimmed(ort, face.cache, cacheOf(face.cache, outputs, cache.length + chunk.length), serve);
    }
    return { cache, next };
  };

  const advance: LoadedModel['advance'] = async (rows, after, images = null) => {
    if (after !== null && (rows.length === 1 || !chunked)) {
      const { feeds } = decoderFeeds(ort, face, { rows, cache: after.cache, start: after.next, keep: 1 }, null);
      const outputs = await runSession(decoder, feeds, ['logits', ...presents]);
      const cache = trimmed(ort, face.cache, cacheOf(face.cache, outputs, after.cache.length + rows.length), serve);
      return { logits: lastOf(rowLogits(outputs)), cache, next: after.next + rows.length };
    }
    if (chunked && rows.windows === null) {
      if (after !== null && rows.batch > 1) throw new GateError('onnx-unsupported', 'more rows than one cannot go on in chunks');
      const ends: Cache[] = [];
      const parts: RowLogits[] = [];
      let next = 0;
      for (let row = 0; row < rows.batch; row++) {
        let newest: RowLogits | null = null;
        const end = await inChunks(rows, row, after ?? { cache: emptyCache(ort, face.cache, 1), next: 0 }, false, (logits) => {
          newest = lastOf(logits);
        });
        if (newest !== null) parts.push(newest);
        ends.push(end.cache);
        next = end.next;
      }
      return { logits: joined(parts), cache: stacked(ort, face.cache, ends), next };
    }
    const { outputs, next } = await whole(rows, images, 1, false, true);
    const cache = trimmed(ort, face.cache, cacheOf(face.cache, outputs, rows.length), serve);
    return { logits: lastOf(rowLogits(outputs)), cache, next };
  };

  const prepareDecode = async (point: CallPoint, seed: number): Promise<() => Promise<void>> => {
    const prompt = promptRows(options.prompts, face.vocabulary ?? 256, point.batch, point.length, seed);
    const { logits, cache, next } = await advance(prompt, null, options.prompts?.images ?? null);
    checkFinite(logits);
    const rows: Rows = { batch: point.batch, length: 1, tokens: argMax(logits), windows: null };
    const { feeds } = decoderFeeds(ort, face, { rows, cache, start: next, keep: 1 }, null);
    // The first run's outputs are the buffers of all later ones: a step allocates nothing.
    const outputs = await runSession(decoder, feeds, ['logits', ...presents]);
    checkFinite(rowLogits(outputs));
    return async () => {
      await runSession(decoder, feeds, outputs);
    };
  };

  const preparePrefill = async (point: CallPoint, seed: number): Promise<() => Promise<void>> => {
    const images = options.prompts?.images ?? null;
    const rows = promptRows(options.prompts, face.vocabulary ?? 256, point.batch, point.length, seed);
    if (chunked && rows.windows === null) {
      checkFinite((await advance(rows, null)).logits);
      return async () => {
        await advance(rows, null);
      };
    }
    const { feeds } = decoderFeeds(ort, face, { rows, cache: emptyCache(ort, face.cache, rows.batch), start: 0, keep: 1 }, images);
    const pixels = rows.windows !== null && images !== null && vision !== null ? pixelFeeds(ort, rows.windows, images, false) : null;
    const features: Feeds = pixels === null || vision === null ? {} : await runSession(vision, pixels, face.features);
    const all = { ...feeds, ...features };
    const outputs = await runSession(decoder, all, ['logits', ...presents]);
    checkFinite(lastOf(rowLogits(outputs)));
    return async () => {
      if (pixels !== null && vision !== null) await runSession(vision, pixels, features);
      await runSession(decoder, all, outputs);
    };
  };

  return {
    face,
    prepareCall: (point, seed) => (point.phase === 'decode' ? prepareDecode(point, seed) : preparePrefill(point, seed)),
    score: async (windows, index, count, blind = false) => {
      const length = windows.length - 1;
      const tokens = new Uint32Array(count * length);
      for (let row = 0; row < count; row++)
        tokens.set(windows.tokens.subarray((index + row) * windows.length, (index + row) * windows.length + length), row * length);
      const seen = windows.images === null ? null : Array.from({ length: count }, (_, row) => index + row);
      const rows: Rows = { batch: count, length, tokens, windows: seen };
      if (!chunked || seen !== null) return rowLogits((await whole(rows, windows.images, 0, blind, false)).outputs);
      const parts: RowLogits[] = [];
      for (let row = 0; row < count; row++)
        await inChunks(rows, row, { cache: emptyCache(ort, face.cache, 1), next: 0 }, true, (logits) => parts.push(logits));
      const all = joined(parts);
      return { ...all, rows: count, length };
    },
    advance,
    release: async () => {
      await vision?.release();
      await decoder.release();
    },
  };
};

/** The logits of the newest position of each row. */
const lastOf = (logits: RowLogits): RowLogits => {
  if (logits.length === 1) return logits;
  const values = new Float32Array(logits.rows * logits.vocabulary);
  for (let row = 0; row < logits.rows; row++) {
    const end = (row + 1) * logits.length * logits.vocabulary;
    values.set(logits.values.subarray(end - logits.vocabulary, end), row * logits.vocabulary);
  }
  return { rows: logits.rows, length: 1, vocabulary: logits.vocabulary, values };
};

/** Pieces one after the other; each piece's positions count as rows. */
const joined = (parts: readonly RowLogits[]): RowLogits => {
  const vocabulary = parts[0]?.vocabulary ?? 0;
  const values = new Float32Array(parts.reduce((sum, part) => sum + part.values.length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part.values, at);
    at += part.values.length;
  }
  return { rows: parts.length, length: 1, vocabulary, values };
};

/** The most likely token of each row of newest-position logits; the first of equals. */
export const argMax = ({ rows, vocabulary, values }: RowLogits): Uint32Array => {
  const out = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) {
    let best = 0;
    for (let token = 1; token < vocabulary; token++)
      if ((values[row * vocabulary + token] ?? 0) > (values[row * vocabulary + best] ?? 0)) best = token;
    out[row] = best;
  }
  return out;
};
