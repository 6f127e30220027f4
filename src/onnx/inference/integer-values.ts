import { dataType } from '../data-type.ts';
import { findAttribute } from '../model.ts';
import { axisOf, broadcast, type NodeView, product, sliceLength, sliceStart, type TensorFact } from './fact.ts';

/** Longer vectors are data, not shapes. */
const longest = 4096;

type Values = readonly number[] | null;
type Binary = (a: number, b: number) => number;

const binary: Readonly<Record<string, Binary>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => (b === 0 ? Number.NaN : Math.trunc(a / b)),
  Mod: (a, b) => a - b * Math.floor(a / b),
  Max: (a, b) => Math.max(a, b),
  Min: (a, b) => Math.min(a, b),
  Equal: (a, b) => Number(a === b),
  Greater: (a, b) => Number(a > b),
  Less: (a, b) => Number(a < b),
  GreaterOrEqual: (a, b) => Number(a >= b),
  LessOrEqual: (a, b) => Number(a <= b),
  And: (a, b) => Number(a !== 0 && b !== 0),
  Or: (a, b) => Number(a !== 0 || b !== 0),
};

const unary: Readonly<Record<string, (a: number) => number>> = {
  Neg: (a) => -a,
  Abs: Math.abs,
  Not: (a) => Number(a === 0),
};

const reductions: Readonly<Record<string, (values: readonly number[]) => number>> = {
  ReduceProd: product,
  ReduceSum: (values) => values.reduce((sum, each) => sum + each, 0),
  ReduceMax: (values) => Math.max(...values),
  ReduceMin: (values) => Math.min(...values),
};

/** Operators that hand their values on in the same order. */
const passing: ReadonlySet<string> = new Set(['Identity', 'Squeeze', 'Unsqueeze', 'Reshape', 'Flatten']);

const integerTypes: ReadonlySet<number> = new Set([dataType.int64, dataType.int32, dataType.bool]);

/** An int32 overflows beyond this, and no length is that large. */
const exact = (value: number): number => (Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? value : Number.NaN);

const isVector = ({ dims }: TensorFact): boolean => dims !== null && dims.length <= 1;

const picked = (values: readonly number[], at: number): number => values[values.length === 1 ? 0 : at] ?? Number.NaN;

/** Values after a conversion: those of floats are not followed, since they divide and round otherwise. */
const cast = (view: NodeView): Values => {
  const { integers } = view.input(0);
  switch (view.integer('to', 0)) {
    case dataType.int64:
      return integers;
    case dataType.int32:
      return integers?.map(exact) ?? null;
    case dataType.bool:
      return integers?.map((value) => (Number.isNaN(value) ? value : Number(value !== 0))) ?? null;
    default:
      return null;
  }
};

const gather = (view: NodeView): Values => {
  const [data, indices] = [view.input(0).integers, view.input(1).integers];
  if (data === null || indices === null || view.input(0).dims?.length !== 1) return null;
  return indices.map((index) => data[axisOf(index, data.length)] ?? Number.NaN);
};

const concat = (view: NodeView): Values => {
  const parts = view.node.input.map((_, index) => view.input(index));
  if (!parts.every((part) => part.integers !== null && part.dims?.length === 1)) return null;
  return parts.flatMap((part) => part.integers ?? []);
};

const slice = (view: NodeView): Values => {
  const data = view.input(0);
  const start = (view.integers('starts') ?? view.input(1).integers)?.[0];
  const end = (view.integers('ends') ?? view.input(2).integers)?.[0];
  const step = view.has(4) ? view.input(4).integers?.[0] : 1;
  if (data.integers === null || data.dims?.length !== 1 || start === undefined || end === undefined || step === undefined) return null;
  const { integers } = data;
  const length = sliceLength(integers.length, start, end, step);
  if (!(length >= 0)) return null;
  const from = sliceStart(integers.length, start, step);
  return Array.from({ length }, (_, at) => integers[from + at * step] ?? Number.NaN);
};

const range = (view: NodeView): Values => {
  const [start = Number.NaN, limit = Number.NaN, delta = Number.NaN] = [0, 1, 2].map((at) => view.input(at).integers?.[0] ?? Number.NaN);
  const length = Math.max(0, Math.ceil((limit - start) / delta));
  return length <= longest ? Array.from({ length }, (_, at) => exact(start + at * delta)) : null;
};

const where = (view: NodeView): Values => {
  const inputs = [view.input(0), view.input(1), view.input(2)];
  const [condition, yes, no] = inputs.map(({ integers }) => integers);
  if (!inputs.every(isVector) || !condition || !yes || !no) return null;
  const length = Math.max(condition.length, yes.length, no.length);
  return Array.from({ length }, (_, at) => {
    const chosen = picked(condition, at);
    if (Number.isNaN(chosen)) return Number.NaN;
    return chosen !== 0 ? picked(yes, at) : picked(no, at);
  });
};

const pairwise = (view: NodeView, operation: Binary): Values => {
  const [a, b] = [view.input(0), view.input(1)];
  if (a.integers === null || b.integers === null || view.node.input.length !== 2 || view.integer('fmod', 0) !== 0) return null;
  const dims = broadcast([a.dims, b.dims]);
  if (dims === null || dims.length > 1 || !(product(dims) <= longest)) return null;
  const [left, right] = [a.integers, b.integers];
  return Array.from({ length: product(dims) }, (_, at) => {
    const [x, y] = [picked(left, at), picked(right, at)];
    return Number.isNaN(x) || Number.isNaN(y) ? Number.NaN : exact(operation(x, y));
  });
};

const filled = (view: NodeView): Values => {
  const [length, value] = [product(view.input(0).integers ?? [Number.NaN]), findAttribute(view.node, 'value')?.t];
  if (!(length >= 0 && length <= longest) || !Number.isInteger(length) || value === undefined || !integerTypes.has(value.dataType))
    return null;
  return Array<number>(length).fill(view.constant(value)?.[0] ?? Number.NaN);
};

const expanded = (view: NodeView): Values => {
  const { integers, dims } = view.input(0);
  const result = broadcast([dims, view.input(1).integers]);
  if (integers === null || result === null || result.length > 1 || !(product(result) <= longest)) return null;
  return Array.from({ length: product(result) }, (_, at) => picked(integers, at));
};

/** Of a whole vector: of a matrix the axes would matter. */
const reduced = (view: NodeView, values: Values, reduction: (values: readonly number[]) => number): Values =>
  values === null || values.length === 0 || !isVector(view.input(0)) || view.integer('noop_with_empty_axes', 0) !== 0
    ? null
    : [exact(reduction(values))];

const evaluated = (view: NodeView): Values => {
  const { opType } = view.node;
  const [dims, values] = [view.input(0).dims, view.input(0).integers];
  const [two, one, all] = [binary[opType], unary[opType], reductions[opType]];
  if (two !== undefined) return pairwise(view, two);
  if (one !== undefined) return values?.map((value) => exact(one(value))) ?? null;
  if (all !== undefined) return reduced(view, values, all);
  if (passing.has(opType)) return values;
  switch (opType) {
    case 'Cast':
      return cast(view);
    case 'Shape':
      return dims?.slice(view.integer('start', 0), view.integer('end', dims.length)) ?? null;
    case 'Size':
      return dims === null ? null : [exact(product(dims))];
    case 'Gather':
      return gather(view);
    case 'Concat':
      return concat(view);
    case 'Slice':
      return slice(view);
    case 'Range':
      return range(view);
    case 'Where':
      return where(view);
    case 'ConstantOfShape':
      return filled(view);
    case 'Expand':
      return expanded(view);
    default:
      return null;
  }
};

/** The integers that a node of shape arithmetic produces (NaN: this one is not known), or null where it is none or they are too many. */
export const integerValues = (view: NodeView): TensorFact['integers'] => {
  const values = evaluated(view);
  return values === null || values.length > longest ? null : values;
};
