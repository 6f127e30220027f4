import { GateError } from '../errors.ts';
import { suggestion } from '../records/nearest.ts';
import type { Json } from '../records/words.ts';
import type { Config, ModelEntry, OptimizationEntry } from './config.ts';
import { type Flaw, flawOf, refuseFlaws } from './flaw.ts';

/** What can be configured: given by the caller, so that this folder imports no optimization and no model. */
export interface Catalogue {
  readonly optimizations: readonly {
    readonly id: string;
    /** Whether it has code of its own; else it only says how one's own code is judged. */
    readonly runs: boolean;
    /** Options with defaults filled in. Throws a coded error that names the key and what is allowed. */
    parse(value: unknown, where: string): Json;
  }[];
  /** Ids of the models that exist; null when any id may. */
  readonly models: readonly string[] | null;
}

export interface ResolvedOptimization extends Omit<OptimizationEntry, 'options' | 'likeOptions' | 'place'> {
  /** Of a built-in checked, with its defaults; of one's own code as written. */
  readonly options: Json;
  /** What the benchmark is given where this entry says how is judged: the options of a built-in, those under `like-with:` of one's own code. */
  readonly benchmarkOptions: Json;
}

export interface ResolvedConfig extends Omit<Config, 'optimizations' | 'document' | 'origin'> {
  readonly optimizations: readonly ResolvedOptimization[];
}

const resolveOptimization = ({ place, likeOptions, ...entry }: OptimizationEntry, catalogue: Catalogue): ResolvedOptimization => {
  const where = `${place} (${entry.id})`;
  if (entry.like === null) return { ...entry, benchmarkOptions: {} };
  const builtin = catalogue.optimizations.find(({ id, runs }) => id === entry.like && (runs || entry.door.kind !== 'builtin'));
  if (builtin === undefined) {
    const ids = catalogue.optimizations.filter(({ runs }) => runs || entry.door.kind !== 'builtin').map(({ id }) => id);
    throw new GateError('optimization-unknown', `There is no built-in optimization "${entry.like}".${suggestion(entry.like, ids)}`, {
      where,
    });
  }
  // The options of one's own code are its own business; those of a built-in must be its options.
  if (entry.door.kind !== 'builtin') return { ...entry, benchmarkOptions: builtin.parse(likeOptions, `${where}: like-with`) };
  const options = builtin.parse(entry.options, `${where}: with`);
  return { ...entry, options, benchmarkOptions: options };
};

/** Id of the entry in messages and in `--models`: a manifest is called by its file name without ending. */
export const modelEntryId = (entry: ModelEntry): string =>
  entry.kind === 'id' ? entry.id : (entry.path.split('/').at(-1) ?? entry.path).replace(/\.json$/, '');

/** What of a configuration exists, and what is wrong with the rest of it. */
export interface UsableResolvedConfig {
  readonly config: ResolvedConfig;
  readonly flaws: readonly Flaw[];
}

/**
 * Checks ids and options against what exists and fills in the options' defaults. Models and entries
 * that do not exist, or whose options are wrong, are left out: `model-unknown`,
 * `optimization-unknown`, or what a built-in says of its options.
 */
export const resolveUsable = (config: Config, catalogue: Catalogue): UsableResolvedConfig => {
  const { document: _document, origin, ...rest } = config;
  const flaws: Flaw[] = [];
  const { models: known } = catalogue;
  const models = config.models.filter((entry) => {
    if (entry.kind !== 'id' || known === null || known.includes(entry.id)) return true;
    const message = `There is no model "${entry.id}": the gate brings none of this name, and models/${entry.id}/card.json is not there.${suggestion(entry.id, known)}`;
    flaws.push(flawOf('models', entry.id, new GateError('model-unknown', message, { where: origin })));
    return false;
  });
  const optimizations = config.optimizations.flatMap((entry) => {
    try {
      return [resolveOptimization(entry, catalogue)];
    } catch (thrown) {
      if (!(thrown instanceof GateError)) throw thrown;
      flaws.push(entryFlaw(entry, thrown));
      return [];
    }
  });
  return { config: { ...rest, models, optimizations }, flaws };
};

/** A flaw of a whole entry: the same as long as nothing of the entry is changed. */
export const entryFlaw = (entry: { readonly id: string }, error: GateError): Flaw =>
  flawOf(`optimizations.${entry.id}`, { ...entry, place: null }, error);

/** The same of a configuration without flaws. Throws the first one. */
export const resolveConfig = (config: Config, catalogue: Catalogue): ResolvedConfig => {
  const { config: resolved, flaws } = resolveUsable(config, catalogue);
  refuseFlaws(flaws);
  return resolved;
};
