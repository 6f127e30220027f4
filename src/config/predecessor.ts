import { posix } from 'node:path';
import { type Config, type ModelEntry, type OptimizationEntry, takesModel } from './config.ts';
import { isSameEntry, renamedEntries } from './renamed.ts';
import { modelEntryId } from './resolve.ts';

/** A configuration file of base that is not the one that head is run with. */
export interface Former {
  readonly path: string;
  /** Where its commands start. */
  readonly folder: string;
  readonly text: string;
  readonly config: Config;
  /** What head still has under that name; null where that is nothing, or no configuration. */
  readonly stays: Config | null;
}

const idsOf = (config: Config): readonly string[] => config.optimizations.map(({ id }) => id);

/** The models that some entry is measured on: measurements without a model have none, whatever is listed. */
const measuredModels = ({ models, optimizations }: Config): readonly ModelEntry[] => (optimizations.some(takesModel) ? models : []);
const modelsOf = (config: Config): readonly string[] => measuredModels(config).map(modelEntryId);

const isListed = (model: ModelEntry, config: Config): boolean => modelsOf(config).includes(modelEntryId(model));

/** Whether head measures on a model of base, or does without models and so is measured on base's. */
const isTaken = (model: ModelEntry, head: Config): boolean => isListed(model, head) || !head.optimizations.some(takesModel);

/** A configuration with these entries and models alone; null where that leaves no cell. */
const narrowed = (config: Config, optimizations: readonly OptimizationEntry[], models: readonly ModelEntry[]): Config | null => {
  const measured = optimizations.filter((entry) => models.length > 0 || !takesModel(entry));
  return measured.length === 0 ? null : { ...config, optimizations: measured, models };
};

const sharedCells = (base: Config, head: Config): number => {
  const taken = takenBy(head, base);
  const shared = base.optimizations.filter(({ id }) => taken.has(id));
  const models = modelsOf(base).filter((id) => modelsOf(head).includes(id)).length;
  return shared.reduce((cells, entry) => cells + (takesModel(entry) ? models : 1), 0);
};

export interface HeadConfiguration {
  readonly path: string;
  readonly text: string;
  readonly config: Config;
}

/** How many folder names the ends of two paths have in common, without the names of the files. */
const sharedFolders = (one: string, other: string): number => {
  const [names, others] = [one, other].map((path) => posix.dirname(path).split('/').toReversed());
  const at = names?.findIndex((name, index) => name !== others?.[index]) ?? 0;
  return at === -1 ? (names?.length ?? 0) : at;
};

/**
 * What makes a file more likely than others, in the order of its weight; less is more likely: files
 * that head removed, equal text, names of folders in common, the most cells in common with head's,
 * the same name, the usual name.
 */
const rankOf = ({ path, text, config, stays }: Former, head: HeadConfiguration, usual: string): readonly number[] => [
  stays === null ? 0 : 1,
  text === head.text ? 0 : 1,
  -sharedFolders(path, head.path),
  -sharedCells(config, head.config),
  posix.basename(path) === posix.basename(head.path) ? 0 : 1,
  path === usual ? 0 : 1,
];

interface Ranked {
  readonly former: Former;
  readonly rank: readonly number[];
}

const byRank = (one: Ranked, other: Ranked): number =>
  one.rank.map((value, at) => value - (other.rank[at] ?? 0)).find((by) => by !== 0) ?? 0;

const ranked = (formers: readonly Former[], head: HeadConfiguration, usual: string): readonly Ranked[] =>
  formers
    .toSorted((one, other) => (one.path < other.path ? -1 : 1))
    .map((former) => ({ former, rank: rankOf(former, head, usual) }))
    .toSorted(byRank);

export interface Predecessor {
  readonly former: Former;
  readonly config: Config;
  /** Path of a file that is just as likely and starts its commands in another folder; null where there is none. */
  readonly alike: string | null;
}

/**
 * Base's configuration where base has no file of head's name: that of the file which head's takes the place of, which also says how is
 * judged. All cells of all files that head removed are expected, but for those that a file lists which head added beside its own. What
 * files that stay list is guarded by runs of their own, so that only what head lists too is taken from them. Null: there is nothing to
 * compare with.
 * @param added the configurations that head added beside its own
 */
export const predecessorOf = (
  formers: readonly Former[],
  head: HeadConfiguration,
  usual: string,
  added: readonly Config[] = [],
): Predecessor | null => {
  const [best, ...others] = ranked(
    formers.flatMap((former) => notListedBy(added, former, head.config)),
    head,
    usual,
  );
  if (best === undefined) return null;
  const { former } = best;
  const own = former.stays === null ? former.config : stillListed(former.config, former.stays, head.config);
  if (own === null) return null;
  const rest = others.map((each) => each.former);
  const removed = rest
    .filter(({ stays }) => stays === null)
    .map((each) => (each.folder === former.folder ? each.config : expectedElsewhere(each.config, head.config)))
    .reduce(joined, own);
  const staying = rest.filter(({ stays }) => stays !== null).map(({ config }) => config);
  const alike = others.find((each) => byRank(each, best) === 0 && each.former.folder !== former.folder)?.former.path ?? null;
  return { former, config: withTakenOver(removed, staying, head.config), alike };
};

/**
 * What a file of another project expects: what head lists by the same name is something else there,
 * but for an entry of the same inputs.
 */
const expectedElsewhere = (config: Config, head: Config): Config => {
  const taken = takenBy(head, config);
  const optimizations = config.optimizations.filter((entry) => !taken.has(entry.id) || isSameEntry(entry, head));
  return { ...config, optimizations };
};

/**
 * A file without what moved into files that head added: none when that is all of it. Its cells are
 * left out only if each of them is a cell of one of those files.
 */
const notListedBy = (added: readonly Config[], former: Former, head: Config): readonly Former[] => {
  const { config, stays } = former;
  if (stays !== null) return [former];
  const others = added.map((each) => ({ ids: takenBy(each, config), models: modelsOf(each) }));
  const taken = takenBy(head, config);
  const optimizations = config.optimizations.filter(({ id }) => taken.has(id) || !others.some(({ ids }) => ids.has(id)));
  const models = measuredModels(config).filter((entry) => isListed(entry, head) || !added.some((each) => isListed(entry, each)));
  const isKept = (id: string, model: string): boolean =>
    optimizations.some((entry) => entry.id === id) && models.some((entry) => modelEntryId(entry) === model);
  const isMoved = (id: string, model: string): boolean => others.some(({ ids, models: theirs }) => ids.has(id) && theirs.includes(model));
  const modelled = config.optimizations.filter(takesModel).map(({ id }) => id);
  if (modelsOf(config).some((model) => modelled.some((id) => !isKept(id, model) && !isMoved(id, model)))) return [former];
  const left = narrowed(config, optimizations, models);
  return left === null ? [] : [{ ...former, config: left }];
};

/** What head lists, and what the file that stays no longer lists; null when that is nothing. */
const stillListed = (config: Config, stays: Config, head: Config): Config | null => {
  const taken = takenBy(head, config);
  const optimizations = config.optimizations.filter(({ id }) => taken.has(id) || !idsOf(stays).includes(id));
  return narrowed(
    config,
    optimizations,
    config.models.filter((entry) => isTaken(entry, head) || !isListed(entry, stays)),
  );
};

/** Ids of entries that head has too, under their own name or with equal content under another. */
const takenBy = (head: Config, base: Config): ReadonlySet<string> =>
  new Set([...idsOf(head), ...renamedEntries(base, head, true).values()]);

/** Base's configuration with what head took over from other files: the entries and models of them that head lists. */
export const withTakenOver = (base: Config, others: readonly Config[], head: Config): Config =>
  others.reduce((all, other) => {
    const taken = takenBy(head, other);
    const left = narrowed(
      other,
      other.optimizations.filter(({ id }) => taken.has(id)),
      other.models.filter((entry) => isTaken(entry, head)),
    );
    return left === null ? all : joined(all, left);
  }, base);

/** Whether head lists an entry or a model that a configuration of base does not. */
export const listsMore = (head: Config, base: Config): boolean =>
  idsOf(head).some((id) => !idsOf(base).includes(id)) || measuredModels(head).some((entry) => !isListed(entry, base));

/** Whether head lists an entry or a model of a file that base's own file does not list. */
const isMergedInto = (own: Config, config: Config, head: Config, exact: boolean): boolean => {
  const fresh = { optimizations: head.optimizations.filter(({ id }) => !idsOf(own).includes(id)) };
  const renamed = [...renamedEntries(config, fresh, exact).values()];
  const listed = idsOf(config).filter((id) => idsOf(head).includes(id) || renamed.includes(id));
  const models = measuredModels(config).filter((entry) => isListed(entry, head));
  return listed.some((id) => !idsOf(own).includes(id)) || (listed.length > 0 && models.some((entry) => !isListed(entry, own)));
};

/** What a file that stays no longer lists. */
const givenUp = (config: Config, stays: Config): Config => {
  const models = measuredModels(config).filter((entry) => !isListed(entry, stays));
  const optimizations = config.optimizations.filter(({ id }) => !idsOf(stays).includes(id));
  return {
    ...config,
    models: optimizations.length > 0 ? config.models : models,
    optimizations: models.length > 0 ? config.optimizations : optimizations,
  };
};

/**
 * Base's own file with what head merged into it from others. Of a file that head removed all is
 * expected then, but for what other files list. One that stays guards what it still lists.
 * @param folder where the commands of base's own file start
 * @param others the configurations that head has beside its own
 */
export const withMerged = (own: Config, folder: string, formers: readonly Former[], head: Config, others: readonly Config[]): Config =>
  formers.reduce((all, former) => {
    const { config, stays } = former;
    const given = stays === null ? config : givenUp(config, stays);
    if (!isMergedInto(own, given, head, stays !== null)) return all;
    if (stays !== null || former.folder !== folder) return withTakenOver(all, [given], head);
    return notListedBy(others, former, head).reduce((joint, left) => joined(joint, left.config), all);
  }, own);

/** The entries and models of both, each entry with the bounds of its own file; everything else as the first says. */
const joined = (one: Config, other: Config): Config => ({
  ...one,
  optimizations: [
    ...one.optimizations,
    ...other.optimizations.filter(({ id }) => !idsOf(one).includes(id)).map((entry) => ({ ...entry, bounds: entry.bounds ?? other.gate })),
  ],
  models: [...measuredModels(one), ...measuredModels(other).filter((entry) => !isListed(entry, one))],
});
