import { GateError } from '../errors.ts';
import type { Json } from '../records/words.ts';
import type { Config, ModelEntry, OptimizationEntry } from './config.ts';
import { suggestion } from './nearest.ts';

/** What can be configured: given by the caller, so that this folder knows no optimization and no model. */
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
  /** What the bench is given where this entry says how is judged: the options of a built-in, those under `like-with:` of one's own code. */
  readonly benchOptions: Json;
}

export interface ResolvedConfig extends Omit<Config, 'optimizations' | 'document' | 'origin'> {
  readonly optimizations: readonly ResolvedOptimization[];
}

const resolveOptimization = ({ place, likeOptions, ...entry }: OptimizationEntry, catalogue: Catalogue): ResolvedOptimization => {
  const where = `${place} (${entry.id})`;
  if (entry.like === null) return { ...entry, benchOptions: {} };
  const builtin = catalogue.optimizations.find(({ id, runs }) => id === entry.like && (runs || entry.door.kind !== 'builtin'));
  if (builtin === undefined) {
    const ids = catalogue.optimizations.filter(({ runs }) => runs || entry.door.kind !== 'builtin').map(({ id }) => id);
    throw new GateError('optimization-unknown', `There is no built-in "${entry.like}".${suggestion(entry.like, ids)}`, { where });
  }
  // The options of one's own code are its own business; those of a built-in must be its options.
  if (entry.door.kind !== 'builtin') return { ...entry, benchOptions: builtin.parse(likeOptions, `${where}: like-with`) };
  const options = builtin.parse(entry.options, `${where}: with`);
  return { ...entry, options, benchOptions: options };
};

/** Id of the entry in messages and in `--models`: a manifest is called by its file name without ending. */
export const modelEntryId = (entry: ModelEntry): string =>
  entry.kind === 'id' ? entry.id : (entry.path.split('/').at(-1) ?? entry.path).replace(/\.json$/, '');

/**
 * Checks ids and options against what exists and fills in the options' defaults.
 * Throws `model-unknown`, `optimization-unknown`, `config-invalid`, or what a built-in says of its options.
 */
export const resolveConfig = (config: Config, catalogue: Catalogue): ResolvedConfig => {
  const { document: _document, origin, optimizations, ...rest } = config;
  for (const entry of config.models) {
    if (entry.kind === 'id' && catalogue.models !== null && !catalogue.models.includes(entry.id)) {
      throw new GateError('model-unknown', `There is no model "${entry.id}".${suggestion(entry.id, catalogue.models)}`, { where: origin });
    }
  }
  return { ...rest, optimizations: optimizations.map((entry) => resolveOptimization(entry, catalogue)) };
};
