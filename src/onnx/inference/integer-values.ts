import { axisOf, broadcast, type NodeView, product, type TensorFact } from './fact.ts';

/** Longer vectors are data, not shapes. */
const longest = 4096;

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
  Not: (a) => (Number.isNaN(a) ? a : Number(a === 0)),
};

/** Operators that hand their values on in the same order. */
const passing: ReadonlySet<string> = new Set(['Cast', 'Identity', 'Squeeze', 'Unsqueeze', 'Reshape', 'Flatten']);

const picked = (values: readonly number[], at: number): number => values[values.length === 1 ? 0 : at] ?? Number.NaN;

const gather = (view: NodeView): readonly number[] | null => {
  const [data, indices] = [view.input(0).integers, view.input(1).integers];
  if (data === null || indices === null || view.input(0).dims?.length !== 1) return null;
  return indices.map((index) => data[axisOf(index, data.length)] ?? Number.NaN);
};

const concat = (view: NodeView): readonly number[] | null => {
  const parts = view.node.input.map((_, index) => view.input(index));
  if (!parts.every((part) => part.integers !== null && part.dims?.length === 1)) return null;
  return parts.flatMap((part) => part.integers ?? []);
};

const slice = (view: NodeView): readonly number[] | null => {
  const data = view.input(0);
  const [start, end, step] = [view.input(1).integers?.[0], view.input(2).integers?.[0], view.has(4) ? view.input(4).integers?.[0] : 1];
  if (data.integers === null || data.dims?.length !== 1 || start === undefined || end === undefined || step !== 1) return null;
  return data.integers.slice(start, end);
};

const range = (view: NodeView): readonly number[] | null => {
  const [start, limit, delta] = [0, 1, 2].map((index) => view.input(index).integers?.[0] ?? Number.NaN);
  if (start === undefined || limit === undefined || delta === undefined) return null;
  const length = Math.ceil((limit - start) / delta);
  return length >= 0 && length <= longest ? Array.from({ length }, (_, at) => start + at * delta) : null;
};

const where = (view: NodeView): readonly number[] | null => {
  const [condition, yes, no] = [view.input(0).integers, view.input(1).integers, view.input(2).integers];
  if (condition === null || yes === null || no === null) return null;
  const length = Math.max(condition.length, yes.length, no.length);
  return Array.from({ length }, (_, at) => {
    const chosen = picked(condition, at);
    if (Number.isNaN(chosen)) return Number.NaN;
    return chosen !== 0 ? picked(yes, at) : picked(no, at);
  });
};

const pairwise = (view: NodeView, operation: Binary): readonly number[] | null => {
  const [a, b] = [view.input(0), view.input(1)];
  if (a.integers === null || b.integers === null || view.node.input.length !== 2) return null;
  const dims = broadcast([a.dims, b.dims]);
  if (dims === null || dims.length > 1) return null;
  const [left, right] = [a.integers, b.integers];
  return Array.from({ length: product(dims) }, (_, at) => {
    const [x, y] = [picked(left, at), picked(right, at)];
    return Number.isNaN(x) || Number.isNaN(y) ? Number.NaN : operation(x, y);
  });
};

const evaluated = (view: NodeView): readonly number[] | null => {
  const { opType } = view.node;
  const [dims, values] = [view.input(0).dims, view.input(0).integers];
  const two = binary[opType];
  const one = unary[opType];
  if (two !== undefined) return pairwise(view, two);
  if (one !== undefined) return values?.map(one) ?? null;
  if (passing.has(opType)) return values;
  switch (opType) {
    case 'Shape':
      return dims?.slice(view.integer('start', 0), view.integer('end', dims.length)) ?? null;
    case 'Size':
      return dims === null ? null : [product(dims)];
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
    case 'ReduceProd':
      return values === null ? null : [product(values)];
    default:
      return null;
  }
};

/** The integers that a node of shape arithmetic produces (NaN: this one is not known), or null where it is none or they are too many. */
export const integerValues = (view: NodeView): TensorFact['integers'] => {
  const values = evaluated(view);
  return values === null || values.length > longest ? null : values;
};
