import { z } from 'zod';
import { armId, type Coded, cellId, coded, type Immutable, type Json, jsonValue, sha256, values } from './words.ts';

export const launchPurpose = z.enum(['impact', 'once', 'solo', 'tune', 'screen', 'confirm', 'requirement']);
export type LaunchPurpose = z.infer<typeof launchPurpose>;

/** What the operating system says of one measuring process; null where it does not say. */
export const processFacts = z.strictObject({
  seconds: z.number().nonnegative(),
  vmHwmBytes: z.number().nonnegative().nullable(),
  cpuSeconds: z.number().nonnegative().nullable(),
  /** Time on and waiting for a processor (`/proc/PID/schedstat`), nanoseconds. */
  runNs: z.number().nonnegative().nullable(),
  waitNs: z.number().nonnegative().nullable(),
  /** CPU pressure during the launch, `some avg10` in %. */
  pressure: z.number().nonnegative().nullable(),
  throttled: z.boolean().nullable(),
});
export type ProcessFacts = Immutable<z.infer<typeof processFacts>>;

/** arm → series → one number per round */
export const columns = z.record(z.string(), z.record(z.string(), z.array(z.number())));

/** Rows of a trace that are kept. */
export const longestTrace = 256;
export const traceColumns = z.record(z.string(), z.array(z.number()).max(longestTrace));

/**
 * An arm ran a point to its end on this class of runner: when, the series that had values, and why
 * others had none.
 */
export const seenPoint = z.strictObject({ at: z.iso.datetime(), series: z.array(z.string()), warnings: z.array(z.string()) });
export type SeenPoint = Immutable<z.infer<typeof seenPoint>>;

/**
 * One line of samples.jsonl. A launch is written whole (launch, points, end) in one append, so a killed run loses at most
 * the launch in flight; the reader drops a torn last line and a launch without its end.
 */
export const sampleLine = z.discriminatedUnion('line', [
  z.strictObject({
    line: z.literal('run'),
    schema: z.literal('optimization-gate/samples/1'),
    plan: sha256,
    /** When this part of the measuring began. */
    at: z.iso.datetime(),
    runnerClass: z.string(),
    environment: jsonValue,
  }),
  /** A build that ended: `found` by its key in the store, `built`, or `failed`. */
  z.strictObject({
    line: z.literal('built'),
    key: sha256,
    status: z.enum(['built', 'found', 'failed']),
    artefact: sha256.nullable(),
    bytes: z.number().nullable(),
    seconds: z.number().nullable(),
    /** Seconds of a second build, which gave the same bytes; null where it was built once. */
    repeatSeconds: z.number().nonnegative().nullable(),
    facts: values,
    error: coded.nullable(),
  }),
  /** What is known of a cell once its artefacts are: the digests of its arms and what follows from them. */
  z.strictObject({
    line: z.literal('settled'),
    cell: cellId,
    status: z.enum(['changed', 'unchanged', 'new', 'removed', 'failed', 'skipped']),
    arms: z.record(z.string(), sha256),
    error: coded.nullable(),
    /** What could not be told of its code, as sentences. */
    warnings: z.array(z.string()),
  }),
  /**
   * What this run relies on of an unchanged cell: launches of earlier runs in which its arm worked.
   */
  z.strictObject({ line: z.literal('seen'), cell: cellId, arm: sha256, points: z.record(z.string(), seenPoint) }),
  z.strictObject({
    line: z.literal('launch'),
    launch: z.string(),
    cell: cellId,
    purpose: launchPurpose,
    index: z.int().nonnegative(),
    selfCheck: z.boolean(),
  }),
  /** All rounds of one point of one launch, column-wise. */
  z.strictObject({ line: z.literal('point'), launch: z.string(), point: z.string(), values: columns, warnings: z.array(z.string()) }),
  /** What a controller did in the last round of an episode: columns of equal length, for the plots. */
  z.strictObject({ line: z.literal('trace'), launch: z.string(), point: z.string(), arm: armId, columns: traceColumns }),
  /** What a tuning launch found: the comparator of the cell. */
  z.strictObject({ line: z.literal('tuned'), launch: z.string(), value: jsonValue }),
  z.strictObject({
    line: z.literal('end'),
    launch: z.string(),
    status: z.enum(['complete', 'failed', 'discarded']),
    error: coded.nullable(),
    process: processFacts.nullable(),
  }),
  /** Measuring stopped before it was done. */
  z.strictObject({ line: z.literal('stopped'), reason: z.enum(['budget', 'interrupted']) }),
]);
export type SampleLine = Immutable<z.infer<typeof sampleLine>>;

export type BuiltLine = Extract<SampleLine, { line: 'built' }>;
export type SettledLine = Extract<SampleLine, { line: 'settled' }>;
export type SeenLine = Extract<SampleLine, { line: 'seen' }>;

/** One whole launch, put together from its lines. */
export interface Launch {
  readonly id: string;
  readonly cell: string;
  readonly purpose: LaunchPurpose;
  readonly index: number;
  readonly selfCheck: boolean;
  readonly status: 'complete' | 'failed' | 'discarded';
  readonly error: Coded | null;
  readonly process: ProcessFacts | null;
  readonly points: Readonly<Record<string, { readonly values: Immutable<z.infer<typeof columns>>; readonly warnings: readonly string[] }>>;
  readonly traces: readonly {
    readonly point: string;
    readonly arm: string;
    readonly columns: Readonly<Record<string, readonly number[]>>;
  }[];
  /** Undefined for a launch that tunes nothing. */
  readonly tuned: Json | undefined;
}

/** A settled line, and the builds as they were when it was written: what it must follow from. */
export interface Settlement {
  readonly line: SettledLine;
  readonly built: ReadonlyMap<string, BuiltLine>;
  /** File and line. */
  readonly where: string;
}

/** samples.jsonl, read: the last `built` of a key and the last `settled` and `seen` of a cell count; launches are unique by id. */
export interface Samples {
  readonly plan: string | null;
  /** ISO datetime at which measuring began, however often it was resumed: the verdict's only date. Null without a run line. */
  readonly at: string | null;
  readonly runnerClass: string | null;
  readonly environment: Immutable<z.infer<typeof jsonValue>>;
  readonly built: ReadonlyMap<string, BuiltLine>;
  readonly settled: ReadonlyMap<string, SettledLine>;
  readonly seen: ReadonlyMap<string, SeenLine>;
  /** Every settled line of every part, in order. */
  readonly settlements: readonly Settlement[];
  readonly launches: readonly Launch[];
  /**
   * Id of a launch or key of a build that could not be started at first → why. It was tried once
   * more.
   */
  readonly failedStarts: ReadonlyMap<string, Coded>;
  readonly stopped: 'budget' | 'interrupted' | null;
  readonly warnings: readonly string[];
}
