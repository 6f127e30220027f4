import type { Calibration } from '../../contract/build.ts';
import { GateError } from '../../errors.ts';
import { findAttribute, integerAttribute, type OnnxModel } from '../../onnx/model.ts';
import type { Layer } from '../../onnx/recognise/architecture.ts';
import { findInitializer, readFloats } from '../../onnx/tensor.ts';
import { producerOf } from '../graph/rewrite.ts';
import { type Heads, strayAt, turned } from './attention-error.ts';
import type { Pattern } from './pattern.ts';
import { spelledParts } from './unfused-attention.ts';

type Observed = Parameters<Parameters<Calibration['observe']>[2]>[0];

/** Where a block's queries are read and how; keys and values are read from what it adds to its cache. */
interface Source {
  readonly layer: Layer;
  readonly query: string;
  readonly keys: string;
  readonly values: string;
  readonly scale: number;
  /** The query of a head at a position, in the layout of `query`. */
  read(values: Observed, position: number, head: number): Float32Array;
}

/** Positions per window whose outputs are compared, and multiplications that they may take together. */
const mostSamples = 16;
const windowWork = 25e6;

const dataOf = (values: Observed, name: string): Float32Array => values[name]?.data ?? new Float32Array();

const groupedSource = (model: OnnxModel, layer: Layer): Source => {
  const { attention } = layer;
  const { heads, kvHeads, headSize } = attention;
  const node = producerOf(model, attention.node);
  const [query = '', key = ''] = node.input;
  const width = (heads + (key === '' ? 2 * kvHeads : 0)) * headSize;
  const plain = (values: Observed, position: number, head: number): Float32Array => {
    const at = position * width + head * headSize;
    return dataOf(values, query).subarray(at, at + headSize);
  };
  const [, keys = '', values = ''] = node.output;
  const given = findAttribute(node, 'scale')?.f ?? 0;
  const source = { layer, query, keys, values, scale: given === 0 ? headSize ** -0.5 : given };
  if (integerAttribute(node, 'do_rotary', 0) !== 1) return { ...source, read: plain };
  const [cos, sin] = [readFloats(model, node.input[7] ?? ''), readFloats(model, node.input[8] ?? '')];
  const pairs = Number(findInitializer(model, node.input[7] ?? '')?.dims[1] ?? 0n);
  const row = (table: Float32Array, position: number): Float32Array => table.subarray(position * pairs, (position + 1) * pairs);
  const neighbours = integerAttribute(node, 'rotary_interleaved', 0) === 1;
  return {
    ...source,
    read: (all, position, head) => turned(plain(all, position, head), row(cos, position), row(sin, position), neighbours),
  };
};

const spelledSource = (model: OnnxModel, layer: Layer): Source => {
  const { attention } = layer;
  const parts = spelledParts(model, attention);
  if (parts === null || attention.cache === null)
    throw new GateError(
      'onnx-unsupported',
      `The attention ${attention.node} was to be rewritten. The operators that make it up are not recognised.`,
      {
        where: model.graph,
      },
    );
  const { queries, scale } = parts;
  const read: Source['read'] = (values, position, head) => {
    const at = (head * (values[queries]?.dims[2] ?? 0) + position) * attention.headSize;
    return dataOf(values, queries).subarray(at, at + attention.headSize);
  };
  return { layer, query: queries, keys: attention.cache.presentKey, values: attention.cache.presentValue, scale, read };
};

const energyAt = (data: Float32Array, width: number, position: number, other?: Float32Array): number => {
  let sum = 0;
  for (let at = position * width; at < (position + 1) * width; at += 1) sum += ((data[at] ?? 0) + (other?.[at] ?? 0)) ** 2;
  return sum;
};

/** How far each layer strays with each pattern, as a share of the energy of the stream behind its attention: the mean over calibration text. */
export interface LayerErrors {
  /** Tokens of a calibration window. */
  readonly positions: number;
  readonly patterns: readonly Pattern[];
  /** layer → pattern → error */
  readonly errors: readonly (readonly number[])[];
}

/**
 * Attends once more to what every layer attends to, at some positions of each calibration window, with every pattern that is asked for.
 * @param patternsFor patterns for windows of so many tokens
 * @throws GateError onnx-unsupported for attention in a dialect that is not read.
 */
export const layerErrors = async (
  model: OnnxModel,
  stage: string,
  layers: readonly Layer[],
  calibration: Calibration,
  patternsFor: (positions: number) => readonly Pattern[],
): Promise<LayerErrors> => {
  const sources = layers.map((layer) => (layer.attention.op === 'Softmax' ? spelledSource(model, layer) : groupedSource(model, layer)));
  const tensors = sources.flatMap(({ layer: { attentionWrite }, query, keys, values }) => [
    query,
    keys,
    values,
    attentionWrite.stream,
    attentionWrite.delta,
  ]);
  let found: { readonly positions: number; readonly patterns: readonly Pattern[] } | null = null;
  const sums = layers.map((): number[] => []);
  let count = 0;
  await calibration.observe(stage, [...new Set(tensors)], (values) => {
    const positions = values[sources[0]?.keys ?? '']?.dims[2] ?? 0;
    found ??= { positions, patterns: patternsFor(positions) };
    const { patterns } = found;
    const each = layers.reduce((sum, { attention: a }) => sum + a.heads * (a.headSize + 2 * a.valueSize) * positions, 0);
    const samples = Math.max(1, Math.min(mostSamples, positions, Math.floor(windowWork / each)));
    const places = Array.from({ length: samples }, (_, at) => Math.floor(((at + 1) * positions) / samples) - 1);
    count += places.length;
    for (const [at, source] of sources.entries()) {
      const { attention, attentionWrite } = source.layer;
      const [stream, delta] = [dataOf(values, attentionWrite.stream), dataOf(values, attentionWrite.delta)];
      const width = values[attentionWrite.delta]?.dims.at(-1) ?? 1;
      const block: Heads = {
        positions,
        ...attention,
        scale: source.scale,
        query: (position, head) => source.read(values, position, head),
        keys: dataOf(values, source.keys),
        values: dataOf(values, source.values),
      };
      for (const position of places) {
        const share = energyAt(delta, width, position) / (energyAt(stream, width, position, delta) || 1);
        for (const [which, stray] of strayAt(block, position, patterns).entries()) {
          const own = sums[at];
          if (own !== undefined) own[which] = (own[which] ?? 0) + stray * share;
        }
      }
    }
  });
  const { positions, patterns } = found ?? { positions: 0, patterns: [] };
  return { positions, patterns, errors: sums.map((own) => own.map((sum) => sum / Math.max(1, count))) };
};
