import type { Config } from './config.ts';
import { renamedEntries } from './renamed.ts';
import { modelEntryId } from './resolve.ts';

/** A configuration file of base that is not the one that head is run with. */
export interface Former {
  readonly path: string;
  readonly text: string;
  readonly config: Config;
  /** What head still has under that name; null where that is nothing, or no configuration. */
  readonly stays: Config | null;
}

const idsOf = (config: Config): readonly string[] => config.optimizations.map(({ id }) => id);
const modelsOf = (config: Config): readonly string[] => config.models.map(modelEntryId);

const sharedCells = (base: Config, head: Config): number => {
  const taken = takenBy(head, base);
  return idsOf(base).filter((id) => taken.has(id)).length * modelsOf(base).filter((id) => modelsOf(head).includes(id)).length;
};

export interface HeadConfiguration {
  readonly text: string;
  readonly config: Config;
}

/** Best first: files that head removed, then equal text, then the most cells in common with head's, then the usual name. */
const ranked = (formers: readonly Former[], head: HeadConfiguration, usual: string): readonly Former[] => {
  const rankOf = ({ path, text, config, stays }: Former): readonly number[] => [
    stays === null ? 0 : 1,
    text === head.text ? 0 : 1,
    -sharedCells(config, head.config),
    path === usual ? 0 : 1,
  ];
  return formers
    .map((former) => ({ former, rank: rankOf(former) }))
    .sort((one, other) => {
      const at = one.rank.findIndex((value, index) => value !== other.rank[index]);
      return at === -1 ? (one.former.path < other.former.path ? -1 : 1) : (one.rank[at] ?? 0) - (other.rank[at] ?? 0);
    })
    .map(({ former }) => former);
};

/**
 * Base's configuration where base has no file of head's name: that of the file which head's takes the place of, which also says how is
 * judged. All cells of all files that head removed are expected. What files that stay list is guarded by runs of their own, so
 * that only what head lists too is taken from them. Null: there is nothing to compare with.
 */
export const predecessorOf = (
  formers: readonly Former[],
  head: HeadConfiguration,
  usual: string,
): { readonly former: Former; readonly config: Config } | null => {
  const [former, ...others] = ranked(formers, head, usual);
  if (former === undefined) return null;
  const own = former.stays === null ? former.config : stillListed(former.config, former.stays, head.config);
  if (own === null) return null;
  const removed = others.filter(({ stays }) => stays === null).reduce((all, { config }) => joined(all, config), own);
  const staying = others.filter(({ stays }) => stays !== null).map(({ config }) => config);
  return { former, config: withTakenOver(removed, staying, head.config) };
};

/** What head lists, and what the file that stays no longer lists; null when that is nothing. */
const stillListed = (config: Config, stays: Config, head: Config): Config | null => {
  const taken = takenBy(head, config);
  const optimizations = config.optimizations.filter(({ id }) => taken.has(id) || !idsOf(stays).includes(id));
  const models = config.models.map(modelEntryId).filter((id) => modelsOf(head).includes(id) || !modelsOf(stays).includes(id));
  if (optimizations.length === 0 || models.length === 0) return null;
  return { ...config, optimizations, models: config.models.filter((entry) => models.includes(modelEntryId(entry))) };
};

/** Ids of entries that head has too, under their own name or with equal content under another. */
const takenBy = (head: Config, base: Config): ReadonlySet<string> =>
  new Set([...idsOf(head), ...renamedEntries(base, head, true).values()]);

/** Base's configuration with what head took over from other files: the entries and models of them that head lists. */
export const withTakenOver = (base: Config, others: readonly Config[], head: Config): Config =>
  others.reduce((all, other) => {
    const taken = takenBy(head, other);
    const optimizations = other.optimizations.filter(({ id }) => taken.has(id) && !idsOf(all).includes(id));
    const models = other.models.filter((entry) => modelsOf(head).includes(modelEntryId(entry)));
    return optimizations.length === 0 || models.length === 0 ? all : joined(all, { ...other, optimizations, models });
  }, base);

/** The entries and models of both, each entry with the tolerances of its own file; everything else as the first says. */
const joined = (one: Config, other: Config): Config => ({
  ...one,
  optimizations: [
    ...one.optimizations,
    ...other.optimizations
      .filter(({ id }) => !idsOf(one).includes(id))
      .map((entry) => ({ ...entry, tolerance: entry.tolerance ?? other.gate.tolerance })),
  ],
  models: [...one.models, ...other.models.filter((entry) => !modelsOf(one).includes(modelEntryId(entry)))],
});
