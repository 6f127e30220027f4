import { broadcast, type NodeView, product } from './fact.ts';

type Shape = readonly number[] | null;

/** What a multiplying node costs and makes. `multiplyAdds` is NaN where a shape is not known. */
export interface Multiplication {
  readonly multiplyAdds: number;
  readonly outputs: readonly Shape[];
}

/** What the rules fall back on where the rows of an activation are not known. */
export interface Rows {
  readonly fallback: number;
}

type Rule = (view: NodeView, rows: Rows) => Multiplication;

const unknown: Multiplication = { multiplyAdds: Number.NaN, outputs: [null] };

const swapped = (dims: Shape, swap: boolean): Shape =>
  dims === null || !swap || dims.length < 2 ? dims : [...dims.slice(0, -2), dims.at(-1) ?? Number.NaN, dims.at(-2) ?? Number.NaN];

/** numpy matmul: batches broadcast, a vector is a row or a column. */
const matrixProduct = (left: Shape, right: Shape, rows: Rows): Multiplication => {
  if (left === null && right === null) return unknown;
  if (left === null || right === null) {
    // A weight against an activation of unknown shape: every token meets it once.
    const weight = left ?? right ?? [];
    return { multiplyAdds: weight.length === 2 ? rows.fallback * product(weight) : Number.NaN, outputs: [null] };
  }
  const [a, b] = [left.length === 1 ? [1, ...left] : left, right.length === 1 ? [...right, 1] : right];
  const batch = broadcast([a.slice(0, -2), b.slice(0, -2)]) ?? [];
  const [m, n] = [a.at(-2) ?? Number.NaN, b.at(-1) ?? Number.NaN];
  const shared = [a.at(-1), b.at(-2)].find((dim) => dim !== undefined && !Number.isNaN(dim)) ?? Number.NaN;
  const outputs = [[...batch, ...(left.length === 1 ? [] : [m]), ...(right.length === 1 ? [] : [n])]];
  const exact = product(batch) * m * shared * n;
  return { multiplyAdds: Number.isNaN(exact) && right.length === 2 ? rows.fallback * shared * n : exact, outputs };
};

const matMul =
  (at: number): Rule =>
  (view, rows) =>
    matrixProduct(view.input(0).dims, view.input(at).dims, rows);

const transposed: Rule = (view, rows) =>
  matrixProduct(
    swapped(view.input(0).dims, view.integer('transA', 0) !== 0),
    swapped(view.input(1).dims, view.integer('transB', 0) !== 0),
    rows,
  );

const matMulNBits: Rule = (view, rows) => {
  const dims = view.input(0).dims;
  const width = view.integer('N', Number.NaN);
  const exact = dims === null ? Number.NaN : product(dims.slice(0, -1));
  const each = view.integer('K', Number.NaN) * width;
  return {
    multiplyAdds: (Number.isNaN(exact) ? rows.fallback : exact) * each,
    outputs: [dims === null ? null : [...dims.slice(0, -1), width]],
  };
};

/** Only the chosen experts are computed: k per row, whatever E is. Packed weights unfold by their bits. */
const experts =
  (weights: readonly number[], bits: (view: NodeView) => number): Rule =>
  (view, rows) => {
    const dims = view.input(0).dims;
    const exact = dims === null ? Number.NaN : product(dims.slice(0, -1));
    const each = weights.filter((at) => view.has(at)).reduce((sum, at) => sum + product(view.input(at).dims?.slice(1) ?? [Number.NaN]), 0);
    const chosen = view.integer('k', 1) * each * (8 / bits(view));
    return { multiplyAdds: (Number.isNaN(exact) ? rows.fallback : exact) * chosen, outputs: [dims] };
  };

const convolution: Rule = (view) => {
  const [dims, kernel] = [view.input(0).dims, view.input(1).dims];
  if (dims === null || kernel === null) return unknown;
  const [out, ...window] = [kernel[0] ?? Number.NaN, ...kernel.slice(2)];
  const pads = view.integers('pads');
  const mode = new TextDecoder().decode(view.node.attribute.find((each) => each.name === 'auto_pad')?.s ?? new Uint8Array());
  const spatial = window.map((size, at) => {
    const stride = view.integers('strides')?.[at] ?? 1;
    const length = dims[at + 2] ?? Number.NaN;
    if (mode.startsWith('SAME')) return Math.ceil(length / stride);
    const padding = (pads?.[at] ?? 0) + (pads?.[at + window.length] ?? 0);
    return Math.floor((length + padding - (view.integers('dilations')?.[at] ?? 1) * (size - 1) - 1) / stride) + 1;
  });
  const output = [dims[0] ?? Number.NaN, out, ...spatial];
  return { multiplyAdds: product(output) * product(kernel.slice(1)), outputs: [output] };
};

interface AttentionShape {
  readonly batch: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly queries: number;
  /** Positions attended to: cached and new. */
  readonly keys: number;
  readonly keyWidth: number;
  readonly valueWidth: number;
}

/** Scores and values over all positions: nothing is taken off for a causal mask or a window, which kernels compute and then mask. */
const attended = (shape: AttentionShape): number =>
  shape.batch * shape.heads * shape.queries * shape.keys * (shape.keyWidth + shape.valueWidth);

const cacheShapes = (shape: AttentionShape): readonly Shape[] => [
  [shape.batch, shape.kvHeads, shape.keys, shape.keyWidth],
  [shape.batch, shape.kvHeads, shape.keys, shape.valueWidth],
];

const cachedLength = (view: NodeView, at: number): number => (view.has(at) ? (view.input(at).dims?.[2] ?? Number.NaN) : 0);

/** com.microsoft.GroupQueryAttention: query (or packed QKV), key, value, past key, past value. */
const groupQuery: Rule = (view) => {
  const dims = view.input(0).dims;
  if (dims === null) return { multiplyAdds: Number.NaN, outputs: [null, null, null] };
  const [batch = Number.NaN, queries = Number.NaN, width = Number.NaN] = dims;
  const [heads, kvHeads] = [view.integer('num_heads', Number.NaN), view.integer('kv_num_heads', Number.NaN)];
  const head = width / (view.has(1) ? heads : heads + 2 * kvHeads);
  const keys = cachedLength(view, 3) + queries;
  const shape = { batch, heads, kvHeads, queries, keys, keyWidth: head, valueWidth: head };
  return { multiplyAdds: attended(shape), outputs: [[batch, queries, heads * head], ...cacheShapes(shape)] };
};

/** com.microsoft.MultiHeadAttention: query, key and value as [b, s, h] or heads first; past key and value are inputs 6 and 7. */
const multiHead: Rule = (view) => {
  const [query, key, value] = [view.input(0).dims, view.input(1).dims, view.input(2).dims];
  if (query === null || key === null || value === null || query.length !== 3)
    return { multiplyAdds: Number.NaN, outputs: [null, null, null] };
  const heads = view.integer('num_heads', Number.NaN);
  const [batch = Number.NaN, queries = Number.NaN, width = Number.NaN] = query;
  const headsFirst = key.length === 4;
  const keys = (headsFirst ? key[2] : key[1]) ?? Number.NaN;
  const valueWidth = (value.length === 4 ? value[3] : (value[2] ?? Number.NaN) / heads) ?? Number.NaN;
  const shape = { batch, heads, kvHeads: heads, queries, keys: cachedLength(view, 6) + keys, keyWidth: width / heads, valueWidth };
  return { multiplyAdds: attended(shape), outputs: [[batch, queries, heads * valueWidth], ...cacheShapes(shape)] };
};

const headsOf = (dims: readonly number[], heads: number): { readonly heads: number; readonly length: number; readonly width: number } =>
  dims.length === 4
    ? { heads: dims[1] ?? Number.NaN, length: dims[2] ?? Number.NaN, width: dims[3] ?? Number.NaN }
    : { heads, length: dims[1] ?? Number.NaN, width: (dims[2] ?? Number.NaN) / heads };

/** ai.onnx Attention (opset 23): Q, K, V as [b, s, h] or [b, n, s, d]; past key and value are inputs 4 and 5. */
const standardAttention: Rule = (view) => {
  const [query, key, value] = [view.input(0).dims, view.input(1).dims, view.input(2).dims];
  if (query === null || key === null || value === null) return { multiplyAdds: Number.NaN, outputs: [null, null, null] };
  const q = headsOf(query, view.integer('q_num_heads', Number.NaN));
  const k = headsOf(key, view.integer('kv_num_heads', Number.NaN));
  const v = headsOf(value, view.integer('kv_num_heads', Number.NaN));
  const batch = query[0] ?? Number.NaN;
  const keys = cachedLength(view, 4) + k.length;
  const shape = { batch, heads: q.heads, kvHeads: k.heads, queries: q.length, keys, keyWidth: k.width, valueWidth: v.width };
  const output = query.length === 4 ? [batch, q.heads, q.length, v.width] : [batch, q.length, q.heads * v.width];
  return { multiplyAdds: attended(shape), outputs: [output, ...cacheShapes(shape)] };
};

/** com.microsoft.Attention: projects [b, s, h] by [h, 3h] first; the cache is one tensor [2, b, n, past, d]. */
const fusedAttention: Rule = (view, rows) => {
  const weight = view.input(1).dims;
  const projected = matrixProduct(view.input(0).dims, weight, rows);
  const [batch = Number.NaN, queries = Number.NaN, width = Number.NaN] = projected.outputs[0] ?? [];
  const heads = view.integer('num_heads', Number.NaN);
  const sizes = view.integers('qkv_hidden_sizes') ?? [width / 3, width / 3, width / 3];
  const [keySize = Number.NaN, valueSize = Number.NaN] = sizes.slice(1);
  const past = view.has(4) ? (view.input(4).dims?.[3] ?? Number.NaN) : 0;
  const shape = { batch, heads, kvHeads: heads, queries, keys: past + queries, keyWidth: keySize / heads, valueWidth: valueSize / heads };
  const present = [2, batch, heads, shape.keys, shape.keyWidth];
  return { multiplyAdds: projected.multiplyAdds + attended(shape), outputs: [[batch, queries, valueSize], present] };
};

const rules: Readonly<Record<string, Rule>> = {
  MatMul: matMul(1),
  MatMulInteger: matMul(1),
  'com.microsoft.MatMulIntegerToFloat': matMul(1),
  'com.microsoft.DynamicQuantizeMatMul': matMul(1),
  QLinearMatMul: matMul(3),
  Gemm: transposed,
  'com.microsoft.FusedMatMul': transposed,
  'com.microsoft.MatMulNBits': matMulNBits,
  'com.microsoft.MoE': experts([2, 4, 6], () => 8),
  'com.microsoft.QMoE': experts([2, 5, 8], (view) => view.integer('expert_weight_bits', 4)),
  Conv: convolution,
  ConvInteger: convolution,
  'com.microsoft.GroupQueryAttention': groupQuery,
  'com.microsoft.MultiHeadAttention': multiHead,
  Attention: standardAttention,
  'com.microsoft.Attention': fusedAttention,
};

/** The rule of an operator that multiplies matrices (`domain.Op` outside the standard domain), or undefined. */
export const multiplicationRule = (operator: string): Rule | undefined => (Object.hasOwn(rules, operator) ? rules[operator] : undefined);
