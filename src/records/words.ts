import { z } from 'zod';

/** A JSON value: what options, settings and environments are made of. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Makes an inferred document type immutable all the way down; `Json` is so already (and too deep to map). */
export type Immutable<T> = [Json] extends [T]
  ? T
  : T extends (infer U)[]
    ? readonly Immutable<U>[]
    : T extends object
      ? { readonly [K in keyof T]: Immutable<T[K]> }
      : T;

export const jsonValue: z.ZodType<Json> = z.lazy(() =>
  z.union([z.null(), z.boolean(), z.number(), z.string(), z.array(jsonValue), z.record(z.string(), jsonValue)]),
);

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'a sha256 in lower-case hex');
export const commitId = z.string().regex(/^[0-9a-f]{40,64}$/, 'a full commit id');
/** Ids that become file names, so no slash and no dot at the start. */
export const nounId = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,79}$/, 'lower-case letters, digits, dots and dashes');
/** A measurement that no model takes part in is called by its own name. */
export const cellPattern = /^[a-z0-9][a-z0-9._-]{0,79}(?:\/[a-z0-9][a-z0-9._-]{0,79})?$/;
export const cellId = z.string().regex(cellPattern, 'MODEL/OPTIMIZATION, or the name of a measurement without a model');
/** The id of the cell of an optimization on a model, or of one that no model takes part in. */
export const cellIdOf = (model: string | null, optimization: string): CellId =>
  model === null ? optimization : `${model}/${optimization}`;
export const values = z.record(z.string(), z.number());
export const armId = z.union([
  z.enum(['reference', 'base', 'head']),
  z.templateLiteral(['comparator:', z.string()]),
  z.literal('self-check:planted'),
]);

export type Sha256 = string;
/** `MODEL/OPTIMIZATION`, or the name of a measurement without a model. */
export type CellId = string;
export type PointId = string;
export type VariantName = string;
export type ArmId = z.infer<typeof armId>;
export type Values = Readonly<Record<string, number>>;

/** Which variant a build makes, and the options that the benchmark gives it. */
export const buildVariant = z.strictObject({ name: z.string(), options: jsonValue });

/** An error as data: what a launch or build carries instead of throwing across a process. */
export const coded = z.strictObject({
  code: z.string().max(80),
  message: z.string().max(20_000),
  arm: armId.nullable(),
  /** The process ended before its first answer. */
  starting: z.literal(true).optional(),
});
export type Coded = Immutable<z.infer<typeof coded>>;

/** Why a number does not exist. Such a metric is never 0 and never a pass. */
export const notMeasured = z.strictObject({
  status: z.enum(['not-applicable', 'unsupported-export', 'no-meter', 'no-base', 'refused']),
  reason: z.string(),
});
export type NotMeasured = Immutable<z.infer<typeof notMeasured>>;
