import type { NodeProto, TensorProto } from '../proto/onnx_pb.js';

/**
 * What is known of a tensor before anything runs. A dimension that is not known is NaN, so that it makes every product that it enters
 * unknown; one that depends on data may be a fraction (an expectation, see `density`).
 */
export interface TensorFact {
  /** null: not even the rank is known. */
  readonly dims: readonly number[] | null;
  /** Row-major values of a small integer or boolean tensor: shapes, axes, lengths; NaN for one that is not known. */
  readonly integers: readonly number[] | null;
  /** Code of the element type of a stored tensor; 0 of any other. */
  readonly type: number;
  /** Depends on initializers alone. */
  readonly constant: boolean;
  /** Expected share of non-zero elements of a mask: a one-hot over E classes that a router chose from has 1/E. 1 of what is no mask, NaN where nothing is known. */
  readonly density: number;
  /** Indices of the largest among so many classes; null for other numbers. */
  readonly classes: number | null;
}

export const unknownFact: TensorFact = { dims: null, integers: null, type: 0, constant: false, density: 1, classes: null };

/** A fact about a computed tensor of this shape. */
export const shaped = (dims: readonly number[] | null): TensorFact => ({ ...unknownFact, dims });

/** Integers of this shape. */
export const valued = (dims: readonly number[], integers: readonly number[]): TensorFact => ({ ...unknownFact, dims, integers });

export const product = (numbers: readonly number[]): number => numbers.reduce((total, each) => total * each, 1);

/** A negative axis counts from the end. */
export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** Expected lengths that are computed in two ways differ by rounding. */
const sameLength = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-6 * Math.max(a, b);

/** The length that all known ones have; NaN where none is known, or where they contradict each other: then one was inferred wrongly. */
export const commonLength = (lengths: readonly number[]): number => {
  const [first = Number.NaN, ...others] = lengths.filter((length) => !Number.isNaN(length));
  return others.every((length) => sameLength(first, length)) ? first : Number.NaN;
};

/** The shape of an element-wise result; an unknown dimension gives way to a known one that is not 1. */
export const broadcast = (shapes: readonly (readonly number[] | null)[]): readonly number[] | null => {
  const known = shapes.filter((each) => each !== null);
  if (known.length < shapes.length) return null;
  const rank = Math.max(0, ...known.map((each) => each.length));
  return Array.from({ length: rank }, (_, at) => {
    const here = known.map((each) => each[each.length - rank + at] ?? 1);
    const longer = here.filter((dim) => dim !== 1);
    return longer.length === 0 ? 1 : commonLength(longer);
  });
};

const clamped = (dim: number, at: number, step: number): number => {
  const [low, high] = step > 0 ? [0, dim] : [-1, dim - 1];
  return Math.min(Math.max(at < 0 ? at + dim : at, low), high);
};

/** Where a Slice begins on an axis of length `dim`: negative starts count from the end. */
export const sliceStart = (dim: number, start: number, step: number): number => clamped(dim, start, step);

/** How many elements a Slice takes; NaN where something is not known or the step is 0. */
export const sliceLength = (dim: number, start: number, end: number, step: number): number =>
  step === 0 ? Number.NaN : Math.max(0, Math.ceil((clamped(dim, end, step) - clamped(dim, start, step)) / step));

/** What a shape rule sees of a node. A missing optional input is `unknownFact` and not `has`. */
export interface NodeView {
  readonly node: NodeProto;
  input(index: number): TensorFact;
  has(index: number): boolean;
  integer(name: string, fallback: number): number;
  integers(name: string): readonly number[] | null;
  /** Values of a small integer tensor in an attribute. */
  constant(tensor: TensorProto): readonly number[] | null;
}
