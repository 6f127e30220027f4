import type { OptimizationDocument } from '../config/schema.ts';
import { digestOf } from '../records/decode.ts';
import type { SubjectRef } from '../records/plan.ts';
import type { Json } from '../records/words.ts';

/** Everything of a side's own that decides what its arm does. */
export interface ArmParts {
  readonly door: SubjectRef['door'];
  readonly folder: string;
  /** Digest of files. */
  readonly files: string;
  readonly setup: string | null;
  readonly options: Json;
  /** Declared variable → digest of its value; null where it is not set. */
  readonly environment: Readonly<Record<string, string | null>>;
}

/**
 * The parts in the words of the documentation, which lists them from here. A new part belongs into
 * this list and into `entryKeys`, and counts from then on in arms, builds, and what is kept of
 * earlier runs.
 */
export const armParts = {
  door: 'The way in and its text: the command line of `command`, `serve` or `measure`, the path of `module`, or the built-in. Of `measure` the names of its metrics too.',
  folder: 'The working directory, relative to the root of the repository.',
  files:
    'Path, mode and content of files that `inputs` match, that the command line, `module`, `with` or `setup` name, or that named files refer to. Of a built-in its own code.',
  setup: 'The command under `setup`. Nothing for a built-in, which depends on nothing that is installed.',
  options: 'What stands under `with`.',
  environment: 'Names and values of the variables that base declares under `environment`. Nothing for a built-in.',
} as const satisfies Readonly<Record<keyof ArmParts, string>>;

/** The digest of all parts: arms of equal digests do the same. */
export const armDigest = (parts: ArmParts): string =>
  digestOf(JSON.stringify((Object.keys(armParts) as (keyof ArmParts)[]).map((name) => [name, parts[name]])));

/**
 * Where a key of the configuration counts: in the arm of its own side, or, as base has it, for both
 * arms.
 */
export type KeyOwner = { readonly part: keyof ArmParts } | { readonly judge: string };

/**
 * Every key of an entry, and those beside the entries that reach a program. A new key must say here
 * where it counts.
 */
export const entryKeys = {
  id: { judge: 'The name of the cell: another id is another cell.' },
  like: { part: 'door' },
  'like-with': { judge: 'The options of the benchmark.' },
  with: { part: 'options' },
  command: { part: 'door' },
  module: { part: 'door' },
  serve: { part: 'door' },
  measure: { part: 'door' },
  inputs: { part: 'files' },
  points: { judge: 'The operating points.' },
  metrics: { part: 'door' },
  setup: { part: 'setup' },
  environment: { judge: 'The variables that both sides see besides the usual ones.' },
} as const satisfies Readonly<Record<keyof OptimizationDocument | 'setup' | 'environment', KeyOwner>>;
