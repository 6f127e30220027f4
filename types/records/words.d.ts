import type * as z from '../zod/v4/classic/external.js';
/** A JSON value: what options, settings and environments are made of. */
export type Json = null | boolean | number | string | readonly Json[] | {
    readonly [key: string]: Json;
};
/** Makes an inferred document type immutable all the way down; `Json` is so already (and too deep to map). */
export type Immutable<T> = [Json] extends [T] ? T : T extends (infer U)[] ? readonly Immutable<U>[] : T extends object ? {
    readonly [K in keyof T]: Immutable<T[K]>;
} : T;
export declare const jsonValue: z.ZodType<Json>;
export declare const sha256: z.ZodString;
export declare const commitId: z.ZodString;
/** Ids that become file names, so no slash and no dot at the start. */
export declare const nounId: z.ZodString;
/** A measurement that no model takes part in is called by its own name. */
export declare const cellPattern: RegExp;
export declare const cellId: z.ZodString;
/** The id of the cell of an optimization on a model, or of one that no model takes part in. */
export declare const cellIdOf: (model: string | null, optimization: string) => CellId;
export declare const values: z.ZodRecord<z.ZodString, z.ZodNumber>;
export declare const armId: z.ZodUnion<readonly [z.ZodEnum<{
    base: "base";
    head: "head";
    reference: "reference";
}>, z.ZodTemplateLiteral<`comparator:${string}`>, z.ZodLiteral<"self-check:planted">]>;
export type Sha256 = string;
/** `MODEL/OPTIMIZATION`, or the name of a measurement without a model. */
export type CellId = string;
export type PointId = string;
export type VariantName = string;
export type ArmId = z.infer<typeof armId>;
export type Values = Readonly<Record<string, number>>;
/** Which variant a build makes, and the options that the benchmark gives it. */
export declare const buildVariant: z.ZodObject<{
    name: z.ZodString;
    options: z.ZodType<Json, unknown, z.core.$ZodTypeInternals<Json, unknown>>;
}, z.core.$strict>;
/** An error as data: what a launch or build carries instead of throwing across a process. */
export declare const coded: z.ZodObject<{
    code: z.ZodString;
    message: z.ZodString;
    arm: z.ZodNullable<z.ZodUnion<readonly [z.ZodEnum<{
        base: "base";
        head: "head";
        reference: "reference";
    }>, z.ZodTemplateLiteral<`comparator:${string}`>, z.ZodLiteral<"self-check:planted">]>>;
    starting: z.ZodOptional<z.ZodLiteral<true>>;
}, z.core.$strict>;
export type Coded = Immutable<z.infer<typeof coded>>;
/** Why a number does not exist. Such a metric is never 0 and never a pass. */
export declare const notMeasured: z.ZodObject<{
    status: z.ZodEnum<{
        "no-base": "no-base";
        "no-meter": "no-meter";
        "not-applicable": "not-applicable";
        refused: "refused";
        "unsupported-export": "unsupported-export";
    }>;
    reason: z.ZodString;
}, z.core.$strict>;
export type NotMeasured = Immutable<z.infer<typeof notMeasured>>;
