import type { OptimizationDocument } from '../config/schema.ts';
import { digestOf } from '../records/decode.ts';
import type { SubjectRef } from '../records/plan.ts';
import type { Json } from '../records/words.ts';

/**
 * What a side's own configuration and tree say of an arm, as the documentation lists it: everything that decides what the arm does.
 * A new part belongs here and nowhere else.
 */
export const armParts = {
  door: 'the way in and its text: the command line of `command`, `serve` or `measure` (with the names of its `metrics`), the path of `module`, or the built-in',
  folder: 'the working directory, relative to the root of the repository',
  files:
    'path, mode and content of the files that `inputs` match, that the command line, `module`, `with` or `setup` names, and that those refer to; of a built-in its own code',
  setup: 'the command under `setup`; a built-in depends on nothing that is installed',
  options: 'the options under `with`',
} as const satisfies Readonly<Record<keyof ArmParts, string>>;

export interface ArmParts {
  readonly door: SubjectRef['door'];
  readonly folder: string;
  /** Digest of files. */
  readonly files: string;
  readonly setup: string | null;
  readonly options: Json;
}

/** The digest of all parts: arms of equal digests do the same. */
export const armDigest = (parts: ArmParts): string =>
  digestOf(JSON.stringify((Object.keys(armParts) as (keyof ArmParts)[]).map((name) => [name, parts[name]])));

/** Where a key of the configuration counts: in the arm of its own side, or for both arms as base has it. */
export type KeyOwner = { readonly part: keyof ArmParts } | { readonly judge: string };

/** Every key of an entry, and those beside the entries that reach a program. Who adds a key says here where it counts. */
export const entryKeys = {
  id: { judge: 'names the cell' },
  like: { part: 'door' },
  'like-with': { judge: 'options of the benchmark' },
  with: { part: 'options' },
  command: { part: 'door' },
  module: { part: 'door' },
  serve: { part: 'door' },
  measure: { part: 'door' },
  inputs: { part: 'files' },
  points: { judge: 'operating points' },
  metrics: { part: 'door' },
  setup: { part: 'setup' },
} as const satisfies Readonly<Record<keyof OptimizationDocument | 'setup', KeyOwner>>;
