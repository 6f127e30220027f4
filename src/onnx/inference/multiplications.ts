import { broadcast, commonLength, type NodeView, product } from './fact.ts';

type Shape = readonly number[] | null;

/** What a multiplying node costs and makes. `multiplyAdds` is NaN where a shape is not known. */
export interface Multiplication {
  readonly multiplyAdds: number;
  readonly outputs: readonly Shape[];
}

type Rule = (view: NodeView) => Multiplication;

const unknown: Multiplication = { multiplyAdds: Number.NaN, outputs: [null] };

const swapped = (dims: Shape, swap: boolean): Shape =>
  dims === null || !swap || dims.length < 2 ? dims : [...dims.slice(0, -2), dims.at(-1) ?? Number.NaN, dims.at(-2) ?? Number.NaN];

/** numpy matmul: batches broadcast, a vector is a row or a column. */
const matrixProduct = (left: Shape, right: Shape): Multiplication => {
  if (left === null || right === null) return unknown;
  const [a, b] = [left.length === 1 ? [1, ...left] : left, right.length === 1 ? [...right, 1] : right];
  const batch = broadcast([a.slice(0, -2), b.slice(0, -2)]) ?? [];
  const [m, n] = [a.at(-2) ?? Number.NaN, b.at(-1) ?? Number.NaN];
  const shared = commonLength([a.at(-1) ?? Number.NaN, b.at(-2) ?? Number.NaN]);
  const outputs = [[...batch, ...(left.length === 1 ? [] : [m]), ...(right.length === 1 ? [] : [n])]];
  return { multiplyAdds: product(batch) * m * shared * n, outputs };
};

const matMul =
  (at: number): Rule =>
  (view) =>
    matrixProduct(view.input(0).dims, view.input(at).dims);

const transposed: Rule = (view) =>
  view.integer('transBatchA', 0) !== 0 || view.integer('transBatchB', 0) !== 0
    ? unknown
    : matrixProduct(
        swapped(view.input(0).dims, view.integer('transA', 0) !== 0),
        swapped(view.input(1).dims, view.integer('transB', 0) !== 0),
      );

const matMulNBits: Rule = (view) => {
  const dims = view.input(0).dims;
  if (dims === null) return unknown;
  const width = view.integer('N', Number.NaN);
  const rows = dims.slice(0, -1);
  return { multiplyAdds: product(rows) * view.integer('K', Number.NaN) * width, outputs: [[...rows, width]] };
};

/** Only the chosen experts are computed: k per row, whatever E is. Packed weights unfold by their bits. */
const experts =
  (weights: readonly number[], bits: (view: NodeView) => number): Rule =>
  (view) => {
    const dims = view.input(0).dims;
    if (dims === null) return unknown;
    const each = weights.filter((at) => view.has(at)).reduce((sum, at) => sum + product(view.input(at).dims?.slice(1) ?? [Number.NaN]), 0);
    const chosen = view.integer('k', 1) * each * (8 / bits(view));
    return { multiplyAdds: product(dims.slice(0, -1)) * chosen, outputs: [dims] };
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

/** Every element of the input meets the kernels of its group. */
const spreading: Rule = (view) => {
  const [dims, kernel] = [view.input(0).dims, view.input(1).dims];
  if (dims === null || kernel === null) return unknown;
  return { multiplyAdds: product(dims) * product(kernel.slice(1)), outputs: [null] };
};

/**
 * Products over all labels, as one loop would run them. A label that one operand alone has and the result has not is summed before.
 * More than two operands are multiplied in an order that the runtime chooses.
 */
const einsum: Rule = (view) => {
  const equation = new TextDecoder().decode(view.node.attribute.find((each) => each.name === 'equation')?.s).replaceAll(' ', '');
  const [left = '', right] = equation.split('->');
  const terms = left.split(',');
  if (equation.includes('.') || terms.length > 2 || terms.length !== view.node.input.length) return unknown;
  const sizes = new Map<string, number>();
  for (const [at, term] of terms.entries()) {
    const dims = view.input(at).dims;
    if (dims === null || dims.length !== term.length) return unknown;
    for (const [axis, label] of [...term].entries()) {
      const [known = 1, dim = Number.NaN] = [sizes.get(label), dims[axis]];
      sizes.set(label, known === 1 ? dim : dim === 1 ? known : commonLength([known, dim]));
    }
  }
  const everywhere = [...sizes.keys()].sort();
  // Without an arrow the labels that stand once, in the order of the alphabet.
  const result = right ?? everywhere.filter((label) => left.split(label).length === 2).join('');
  const looped = everywhere.filter((label) => result.includes(label) || terms.every((term) => term.includes(label)));
  const sizeOf = (label: string): number => sizes.get(label) ?? Number.NaN;
  return { multiplyAdds: terms.length < 2 ? 0 : product(looped.map(sizeOf)), outputs: [[...result].map(sizeOf)] };
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
const fusedAttention: Rule = (view) => {
  const weight = view.input(1).dims;
  const projected = matrixProduct(view.input(0).dims, weight);
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
  ConvTranspose: spreading,
  Einsum: einsum,
  'com.microsoft.GroupQueryAttention': groupQuery,
  'com.microsoft.MultiHeadAttention': multiHead,
  Attention: standardAttention,
  'com.microsoft.Attention': fusedAttention,
};

/** The rule of an operator that multiplies matrices (`domain.Op` outside the standard domain), or undefined. */
export const multiplicationRule = (operator: string): Rule | undefined => (Object.hasOwn(rules, operator) ? rules[operator] : undefined);
