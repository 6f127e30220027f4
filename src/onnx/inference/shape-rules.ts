import { dataType } from '../data-type.ts';
import { axisOf, broadcast, type NodeView, product, sliceLength } from './fact.ts';

type Shape = readonly number[] | null;
/** Shapes of a node's outputs, in order. */
type Rule = (view: NodeView) => readonly Shape[];

const first = (view: NodeView): Shape => view.input(0).dims;
const axesOf = (view: NodeView, at: number): readonly number[] | null =>
  view.integers('axes') ?? (view.has(at) ? view.input(at).integers : null);

const replaced = (dims: readonly number[], axis: number, dim: number): readonly number[] =>
  dims.map((each, at) => (at === axis ? dim : each));

const reshape: Rule = (view) => {
  const [dims, target] = [first(view), view.input(1).integers];
  if (target === null) return [null];
  const copied = target.map((dim, at) => (dim === 0 && view.integer('allowzero', 0) === 0 ? (dims?.[at] ?? Number.NaN) : dim));
  const rest = product(copied.filter((dim) => dim !== -1));
  return [copied.map((dim) => (dim === -1 ? (dims === null ? Number.NaN : product(dims) / rest) : dim))];
};

const transpose: Rule = (view) => {
  const dims = first(view);
  if (dims === null) return [null];
  const order = view.integers('perm') ?? dims.map((_, at) => dims.length - 1 - at);
  return [order.map((at) => dims[at] ?? Number.NaN)];
};

const concat: Rule = (view) => {
  const shapes = view.node.input.map((_, at) => view.input(at).dims).filter((each) => each !== null);
  const dims = shapes[0];
  if (dims === undefined || shapes.length < view.node.input.length) return [null];
  const axis = axisOf(view.integer('axis', 0), dims.length);
  const joined = shapes.reduce((sum, each) => sum + (each[axis] ?? Number.NaN), 0);
  return [
    dims.map((dim, at) =>
      at === axis ? joined : (shapes.map((each) => each[at] ?? Number.NaN).find((each) => !Number.isNaN(each)) ?? dim),
    ),
  ];
};

const split: Rule = (view) => {
  const [dims, count] = [first(view), view.node.output.length];
  if (dims === null) return view.node.output.map(() => null);
  const axis = axisOf(view.integer('axis', 0), dims.length);
  const sizes = view.integers('split') ?? (view.has(1) ? view.input(1).integers : null);
  const whole = dims[axis] ?? Number.NaN;
  const chunk = Math.ceil(whole / count);
  return view.node.output.map((_, at) =>
    replaced(dims, axis, view.has(1) || sizes !== null ? (sizes?.[at] ?? Number.NaN) : Math.min(chunk, whole - at * chunk)),
  );
};

const slice: Rule = (view) => {
  const dims = first(view);
  if (dims === null) return [null];
  const starts = view.integers('starts') ?? view.input(1).integers;
  const ends = view.integers('ends') ?? view.input(2).integers;
  const axes = axesOf(view, 3) ?? (view.has(3) ? null : (starts ?? dims).map((_, at) => at));
  if (axes === null) return [dims.map(() => Number.NaN)];
  if (axes.some((axis) => !(axisOf(axis, dims.length) in dims))) return [null];
  const result = [...dims];
  axes.forEach((axis, at) => {
    const step = view.has(4) ? (view.input(4).integers?.[at] ?? Number.NaN) : 1;
    const place = axisOf(axis, dims.length);
    result[place] = sliceLength(dims[place] ?? Number.NaN, starts?.[at] ?? Number.NaN, ends?.[at] ?? Number.NaN, step);
  });
  return [result];
};

const gather: Rule = (view) => {
  const [dims, indices] = [first(view), view.input(1).dims];
  if (dims === null || indices === null) return [null];
  const axis = axisOf(view.integer('axis', 0), dims.length);
  return [[...dims.slice(0, axis), ...indices, ...dims.slice(axis + 1)]];
};

/** Values packed into bytes unfold on the last axis; types of four bits have the shape of their values. */
const gatherQuantized: Rule = (view) => {
  const dims = gather(view)[0];
  if (dims === null || dims === undefined) return [null];
  const { type } = view.input(0);
  if (type === dataType.int4 || type === dataType.uint4) return [dims];
  const perByte = type === dataType.uint8 ? 8 / view.integer('bits', 4) : Number.NaN;
  return [replaced(dims, dims.length - 1, (dims.at(-1) ?? Number.NaN) * perByte)];
};

const gatherNd: Rule = (view) => {
  const [dims, indices] = [first(view), view.input(1).dims];
  const width = indices?.at(-1);
  if (dims === null || indices === null || width === undefined || Number.isNaN(width)) return [null];
  return [[...indices.slice(0, -1), ...dims.slice(view.integer('batch_dims', 0) + width)]];
};

const unsqueeze: Rule = (view) => {
  const [dims, axes] = [first(view), axesOf(view, 1)];
  if (dims === null || axes === null) return [null];
  const rank = dims.length + axes.length;
  const added = new Set(axes.map((axis) => axisOf(axis, rank)));
  const rest = dims.values();
  return [Array.from({ length: rank }, (_, at) => (added.has(at) ? 1 : (rest.next().value ?? Number.NaN)))];
};

const squeeze: Rule = (view) => {
  const [dims, axes] = [first(view), axesOf(view, 1)];
  if (dims === null || (axes === null && view.has(1))) return [null];
  if (axes === null || axes.length === 0) return [dims.some(Number.isNaN) ? null : dims.filter((dim) => dim !== 1)];
  const removed = new Set(axes.map((axis) => axisOf(axis, dims.length)));
  return [dims.filter((_, at) => !removed.has(at))];
};

const expand: Rule = (view) => {
  const target = view.input(1).integers;
  return [target === null ? null : broadcast([first(view), target])];
};

const tile: Rule = (view) => {
  const [dims, repeats] = [first(view), view.input(1).integers];
  return [dims?.map((dim, at) => dim * (repeats?.[at] ?? Number.NaN)) ?? null];
};

const reduce: Rule = (view) => {
  const [dims, axes] = [first(view), axesOf(view, 1)];
  if (dims === null || (axes === null && view.has(1))) return [null];
  const every = axes === null || axes.length === 0;
  if (every && view.integer('noop_with_empty_axes', 0) !== 0) return [dims];
  const reduced = new Set((every ? dims.map((_, at) => at) : axes).map((axis) => axisOf(axis, dims.length)));
  const keep = view.integer('keepdims', 1) !== 0;
  return [dims.flatMap((dim, at) => (reduced.has(at) ? (keep ? [1] : []) : [dim]))];
};

const argument: Rule = (view) => {
  const dims = first(view);
  if (dims === null) return [null];
  const axis = axisOf(view.integer('axis', 0), dims.length);
  return [dims.flatMap((dim, at) => (at === axis ? (view.integer('keepdims', 1) !== 0 ? [1] : []) : [dim]))];
};

const topK: Rule = (view) => {
  const dims = first(view);
  if (dims === null) return [null, null];
  const kept = replaced(dims, axisOf(view.integer('axis', -1), dims.length), view.input(1).integers?.[0] ?? Number.NaN);
  return [kept, kept];
};

const oneHot: Rule = (view) => {
  const dims = first(view);
  if (dims === null) return [null];
  const axis = axisOf(view.integer('axis', -1), dims.length + 1);
  return [[...dims.slice(0, axis), view.input(1).integers?.[0] ?? Number.NaN, ...dims.slice(axis)]];
};

/** How many elements differ from zero: those of known values, or as many as a choice of a router is expected to leave. */
const nonZero: Rule = (view) => {
  const { dims, integers, density } = view.input(0);
  if (dims === null) return [null];
  const found = integers !== null && !integers.some(Number.isNaN) ? integers.filter((each) => each !== 0).length : Number.NaN;
  return [[Math.max(1, dims.length), density < 1 ? product(dims) * density : found]];
};

const pad: Rule = (view) => {
  const [dims, pads] = [first(view), view.integers('pads') ?? view.input(1).integers];
  if (dims === null || view.has(3)) return [null];
  return [dims.map((dim, at) => dim + (pads?.[at] ?? Number.NaN) + (pads?.[at + dims.length] ?? Number.NaN))];
};

const range: Rule = (view) => [[view.node.input.length === 3 ? (rangeLength(view) ?? Number.NaN) : Number.NaN]];

const rangeLength = (view: NodeView): number | null => {
  const [start, limit, delta] = [view.input(0).integers?.[0], view.input(1).integers?.[0], view.input(2).integers?.[0]];
  return start === undefined || limit === undefined || delta === undefined ? null : Math.max(0, Math.ceil((limit - start) / delta));
};

const flatten: Rule = (view) => {
  const dims = first(view);
  if (dims === null) return [null];
  const axis = axisOf(view.integer('axis', 1), dims.length);
  return [[product(dims.slice(0, axis)), product(dims.slice(axis))]];
};

const same: Rule = (view) => view.node.output.map(() => first(view));
/** Means and deviations beside the result have other shapes. */
const firstOnly: Rule = (view) => view.node.output.map((_, at) => (at === 0 ? first(view) : null));
const skipped: Rule = (view) => view.node.output.map((_, at) => (at === 0 || at === 3 ? first(view) : null));
const elementwise: Rule = (view) => {
  const dims = broadcast(view.node.input.map((_, at) => view.input(at).dims));
  return view.node.output.map(() => dims);
};

const rules: Readonly<Record<string, Rule>> = {
  Reshape: reshape,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Gather: gather,
  GatherND: gatherNd,
  GatherElements: (view) => [view.input(1).dims],
  GatherBlockQuantized: gatherQuantized,
  Unsqueeze: unsqueeze,
  Squeeze: squeeze,
  Expand: expand,
  Tile: tile,
  ArgMax: argument,
  ArgMin: argument,
  TopK: topK,
  OneHot: oneHot,
  NonZero: nonZero,
  Pad: pad,
  Range: range,
  Flatten: flatten,
  Shape: (view) => [[first(view)?.slice(view.integer('start', 0), view.integer('end', Number.MAX_SAFE_INTEGER)).length ?? Number.NaN]],
  Size: () => [[]],
  ConstantOfShape: (view) => [view.input(0).integers],
  DynamicQuantizeLinear: (view) => [first(view), [], []],
  LayerNormalization: firstOnly,
  BatchNormalization: firstOnly,
  SkipLayerNormalization: skipped,
  SkipSimplifiedLayerNormalization: skipped,
};

const reductions = ['Sum', 'Mean', 'Max', 'Min', 'Prod', 'L1', 'L2', 'LogSum', 'LogSumExp', 'SumSquare'].map((name) => `Reduce${name}`);

const likeFirst = `Cast CastLike Identity Sigmoid Softmax LogSoftmax Hardmax Neg Sqrt Reciprocal Erf Tanh Relu LeakyRelu ThresholdedRelu Elu
  Selu Celu Shrink HardSigmoid HardSwish Softplus Softsign Mish Gelu FastGelu BiasGelu QuickGelu Swish Silu Exp Log Sin Cos Tan Sinh Cosh Asin
  Acos Atan Asinh Acosh Atanh Abs Sign Floor Ceil Round Not BitwiseNot IsNaN IsInf Clip Dropout Trilu CumSum EyeLike LRN ReverseSequence
  RMSNormalization SimplifiedLayerNormalization InstanceNormalization GroupNormalization LpNormalization MeanVarianceNormalization
  RotaryEmbedding DequantizeLinear QuantizeLinear ScatterND ScatterElements Scatter TensorScatter Bernoulli RandomNormalLike
  RandomUniformLike`;

const broadcasting = `Add Sub Mul Div Pow Mod Max Min Sum Mean Where Equal Greater Less GreaterOrEqual LessOrEqual And Or Xor PRelu BitShift
  BitwiseAnd BitwiseOr BitwiseXor`;

const table = new Map<string, Rule>([
  ...Object.entries(rules),
  ...reductions.map((name) => [name, reduce] as const),
  ...likeFirst.split(/\s+/).map((name) => [name, same] as const),
  ...broadcasting.split(/\s+/).map((name) => [name, elementwise] as const),
]);

/** The shape rule of an operator that multiplies no matrices, or undefined for one that is not known. */
export const shapeRule = (opType: string): Rule | undefined => table.get(opType);
