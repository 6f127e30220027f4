import type { Immutable, Json } from '../records/words.ts';
import { type Place, readConfigText } from './document.ts';
import type { FailOn } from './option-table.ts';
import { configError, configProblems } from './problem.ts';
import type { WrittenRequirement } from './quantity.ts';
import { type ConfigDefaults, type ConfigDocument, configSchema, defaultLists, type OptimizationDocument } from './schema.ts';

/** Name of the configuration file at the root of a repository. */
export const configFileName = 'optimization-gate.yml';

export type ModelEntry = { readonly kind: 'id'; readonly id: string } | { readonly kind: 'manifest'; readonly path: string };

/** How the code of an optimization is run; `builtin` is the gate's own. */
export type Door =
  | { readonly kind: 'builtin' }
  | { readonly kind: 'command'; readonly command: string }
  | { readonly kind: 'module'; readonly module: string }
  | { readonly kind: 'serve'; readonly command: string }
  | { readonly kind: 'measure'; readonly command: string };

export interface PointEntry {
  readonly id: string;
  readonly phase: 'prefill' | 'decode';
  /** Tokens of the prefill, or tokens in the cache before the decode step. */
  readonly length: number;
  readonly batch: number;
  /** Null: as many as the benchmark takes. */
  readonly rounds: number | null;
}

export interface OptimizationEntry {
  readonly id: string;
  /** The built-in whose benchmark judges it; null for an external measurement. */
  readonly like: string | null;
  readonly door: Door;
  /** As written under `with:`; checked against the built-in's own options by `resolveConfig`. */
  readonly options: { readonly [key: string]: Json };
  /** As written under `like-with:`; checked in the same way. */
  readonly likeOptions: { readonly [key: string]: Json };
  /** Globs of the files that it depends on; empty: the whole tree for one's own code, nothing for a built-in. */
  readonly inputs: readonly string[];
  /** Null: the benchmark's own. */
  readonly points: readonly PointEntry[] | null;
  readonly metrics: Immutable<NonNullable<OptimizationDocument['metrics']>>;
  /** Bounds that hold for it instead of those of the configuration, whose file it does not come from; null: none. */
  readonly bounds: Bounds | null;
  /** `FILE:LINE:COLUMN` of the entry, for messages. */
  readonly place: string;
}

/** Whether an entry is judged on models. An external measurement is where its command names one. */
export const takesModel = ({ like, door }: Pick<OptimizationEntry, 'like' | 'door'>): boolean =>
  like !== null || (door.kind === 'measure' && /\{model(-folder)?\}/.test(door.command));

/** By metric id or by the last words of one. `place`: `FILE:LINE:COLUMN` of the key, for messages. */
export type Tolerances = Readonly<Record<string, { readonly value: number; readonly relative: boolean; readonly place: string }>>;

/** By metric, as tolerances are. */
export type Requirements = Readonly<Record<string, WrittenRequirement & { readonly place: string }>>;

/** What numbers are held to: against base, and against the reference. */
export interface Bounds {
  readonly tolerance: Tolerances;
  readonly require: Requirements;
}

/** A configuration with every default filled in. */
export interface Config {
  readonly models: readonly ModelEntry[];
  readonly optimizations: readonly OptimizationEntry[];
  readonly runtime: { readonly provider: string; readonly threads: number };
  readonly gate: {
    readonly alpha: number;
    readonly tolerance: Tolerances;
    readonly require: Requirements;
    /** A fraction: 0.1 is 10 %. */
    readonly mustDetect: number;
    /** `none`: nothing is scored on held-out text. */
    readonly quality: 'judged' | 'none';
    readonly buildTwice: boolean;
    readonly failOn: readonly FailOn[];
  };
  /** Fetch what Git LFS keeps of the files that are needed. */
  readonly lfs: boolean;
  /** Declared variables. `place`: `FILE:LINE:COLUMN` of the name, for messages. */
  readonly environment: readonly { readonly name: string; readonly place: string }[];
  /**
   * The users of the runner as which code under test runs; null: the one that runs the gate. `baseUser` runs that of base; null: `user`
   * runs the code of both sides.
   */
  readonly isolation: { readonly user: string; readonly baseUser: string | null } | null;
  readonly setup: string | null;
  readonly budgetMinutes: number | null;
  readonly limits: { readonly seconds: number; readonly memoryBytes: number };
  /** Where it came from, for messages. */
  readonly origin: string;
  /** What was written, with default models and optimizations: what overrides are applied to. */
  readonly document: Json;
}

const doorOf = (entry: OptimizationDocument): Door => {
  if (entry.command !== undefined) return { kind: 'command', command: entry.command };
  if (entry.module !== undefined) return { kind: 'module', module: entry.module };
  if (entry.serve !== undefined) return { kind: 'serve', command: entry.serve };
  if (entry.measure !== undefined) return { kind: 'measure', command: entry.measure };
  return { kind: 'builtin' };
};

const pointOf = (point: NonNullable<OptimizationDocument['points']>[number]): PointEntry => ({
  id: point.id,
  phase: point.phase ?? (point.past === undefined ? 'prefill' : 'decode'),
  length: point.past ?? point.length ?? 1,
  batch: point.batch,
  rounds: point.rounds ?? null,
});

const optimizationOf = (entry: OptimizationDocument, place: string): OptimizationEntry => {
  const door = doorOf(entry);
  return {
    id: entry.id,
    like: entry.like ?? (door.kind === 'measure' ? null : entry.id),
    door,
    options: entry.with as OptimizationEntry['options'],
    likeOptions: (entry['like-with'] ?? {}) as OptimizationEntry['likeOptions'],
    inputs: entry.inputs ?? [],
    points: entry.points?.map(pointOf) ?? null,
    metrics: entry.metrics ?? [],
    bounds: null,
    place,
  };
};

/** Each value of a map with the place of its key. */
const placed = <T extends object>(values: Readonly<Record<string, T>>, path: readonly string[], place: Place) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { ...value, place: place([...path, key], 'key') }]));

/** The configuration of a document that fits the schema. `place` names where a part of it stands. */
export const configOf = (written: ConfigDocument, origin: string, document: Json, place: Place, defaults: ConfigDefaults): Config => ({
  models: written.models.map((entry) =>
    typeof entry === 'string' ? { kind: 'id', id: entry } : { kind: 'manifest', path: entry.manifest },
  ),
  optimizations: written.optimizations.map((entry, index) => optimizationOf(entry, place(['optimizations', index]))),
  runtime: written.runtime,
  gate: {
    alpha: written.gate.alpha,
    tolerance: placed(written.gate.tolerance, ['gate', 'tolerance'], place),
    require: placed(written.gate.require, ['gate', 'require'], place),
    mustDetect: written.gate['must-detect'],
    quality: written.gate.quality,
    buildTwice: written.gate['build-twice'],
    failOn: written.gate['fail-on'],
  },
  lfs: written.lfs,
  environment: written.environment.map((name, index) => ({ name, place: place(['environment', index]) })),
  isolation: written.isolation === undefined ? null : { user: written.isolation.user, baseUser: written.isolation['base-user'] ?? null },
  setup: written.setup ?? null,
  budgetMinutes: written.budget?.minutes ?? null,
  limits: { seconds: written.limits.seconds, memoryBytes: written.limits.memory },
  origin,
  document: { ...defaultLists(defaults), ...(document as { readonly [key: string]: Json }) },
});

/**
 * Checks a document that was read already. `place` names where a part of it stands.
 * Throws `config-unknown-key` or `config-invalid`.
 */
export const checkConfig = (document: Json, origin: string, place: Place, defaults: ConfigDefaults): Config => {
  const outcome = configSchema(defaults).safeParse(document);
  if (!outcome.success) throw configError(configProblems(outcome.error.issues, place), place);
  return configOf(outcome.data, origin, document, place, defaults);
};

/**
 * Reads the text of optimization-gate.yml; `where` is its name in messages. Everything that is not written has its
 * default. Throws `config-syntax`, `config-too-large`, `config-unknown-key` or `config-invalid`, with line and column.
 */
export const parseConfig = (text: string, where: string, defaults: ConfigDefaults): Config => {
  const { value, place } = readConfigText(text, where);
  return checkConfig(value, where, place, defaults);
};

/** A line that begins with a key of a configuration, in YAML or JSON. As an extended regular expression of git, too. */
export const configurationLine = '^[^a-zA-Z]*(models|optimizations|runtime|gate|setup|budget|limits)[^a-zA-Z]*:';

/** What holds for a repository that has no configuration file. */
export const defaultConfig = (defaults: ConfigDefaults): Config => parseConfig('', 'defaults', defaults);
