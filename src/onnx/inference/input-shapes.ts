import { dataType } from '../data-type.ts';
import type { GraphProto, ValueInfoProto } from '../proto/onnx_pb.js';
import { shaped, type TensorFact, unknownFact, valued } from './fact.ts';

/** One run of a decoder: `tokens` new positions for each of `batch` sequences that have `past` positions in their cache. */
export interface RunSetting {
  readonly past: number;
  readonly batch: number;
  readonly tokens: number;
}

const declaredDims = (input: ValueInfoProto): readonly number[] | null => {
  const type = input.type?.value;
  if (type?.case !== 'tensorType' || type.value.shape === undefined) return null;
  return type.value.shape.dim.map(({ value }) => (value.case === 'dimValue' && value.value >= 0n ? Number(value.value) : Number.NaN));
};

const isCache = (name: string): boolean => /past|cache/i.test(name);
const perToken = /ids|embeds|position|mask|hidden/i;

const fill = (dims: readonly number[], values: readonly number[]): readonly number[] => {
  let next = 0;
  return dims.map((dim) => (Number.isNaN(dim) ? (values[Math.min(next++, values.length - 1)] ?? Number.NaN) : dim));
};

const bound = (input: ValueInfoProto, dims: readonly number[], cached: boolean, setting: RunSetting): readonly number[] => {
  const total = setting.past + setting.tokens;
  if (isCache(input.name)) {
    if (!Number.isNaN(dims[0] ?? 0) && dims.length > 1) return fill(dims, [setting.past]);
    return fill(dims, [setting.batch, setting.past]);
  }
  if (/mask/i.test(input.name)) return fill(dims, dims.length > 2 ? [setting.batch, setting.tokens, total] : [setting.batch, total]);
  if (perToken.test(input.name)) return fill(dims, [setting.batch, setting.tokens, total]);
  // Rows that are not tokens (image features, visual positions): a decoding step has none; a graph without a cache is asked about them.
  return fill(dims, [cached ? 0 : setting.batch * setting.tokens]);
};

const scalarValue = (input: ValueInfoProto, dims: readonly number[], setting: RunSetting): TensorFact => {
  const elements = dims.reduce((total, dim) => total * dim, 1);
  const type = input.type?.value.case === 'tensorType' ? input.type.value.value.elemType : 0;
  if (elements !== 1 || (type !== dataType.int64 && type !== dataType.int32)) return shaped(dims);
  if (/logits/i.test(input.name)) return valued(dims, [1]);
  return /total/i.test(input.name) ? valued(dims, [setting.past + setting.tokens]) : shaped(dims);
};

/**
 * Shapes of the graph's inputs at a setting. Symbolic dimensions are bound by the role that an input's name shows, not by the symbol:
 * exporters name equal dimensions differently. Logits are asked for of the last position only, where the graph lets its caller choose.
 */
export const inputFacts = (graph: GraphProto, setting: RunSetting): ReadonlyMap<string, TensorFact> => {
  const cached = graph.input.some((input) => isCache(input.name));
  return new Map(
    graph.input.map((input) => {
      const declared = declaredDims(input);
      if (declared === null) return [input.name, unknownFact];
      return [input.name, scalarValue(input, bound(input, declared, cached, setting), setting)];
    }),
  );
};
