import { existsSync, readFileSync, type Stats, statSync } from 'node:fs';
import { isAbsolute, join, posix, relative, resolve } from 'node:path';
import { type Config, configFileName, configurationLine, defaultConfig, parseConfig } from '../config/config.ts';
import type { Flaw } from '../config/flaw.ts';
import { applyOverrides } from '../config/override.ts';
import { type Former, type HeadConfiguration, listsMore, predecessorOf, withMerged } from '../config/predecessor.ts';
import { isSameEntry } from '../config/renamed.ts';
import { readUsableConfig } from '../config/usable-config.ts';
import { asSentence, GateError } from '../errors.ts';
import { isLfsPointerFile, lfsPointer } from '../records/lfs-pointer.ts';
import type { Plan } from '../records/plan.ts';
import { entryAt, reached } from '../repository/on-disk.ts';
import type { Repository } from '../repository/repository.ts';
import type { CommandContext } from '../run/context.ts';
import { formerWorkingFolder, namedBelow, namedFolder, workingFolder } from '../run/working-folder.ts';
import { configDefaults } from './config-defaults.ts';
import {
  baseFileAt,
  type ConfigurationFile,
  configurationIn,
  formerFile,
  isUnreadable,
  largestBytes,
  lastReadable,
  onlyIfUnreadable,
  overriddenBase,
  overriddenHead,
} from './configuration-file.ts';

/** The configurations of both sides, before anything is selected. */
export interface Configurations {
  readonly head: Config;
  /** Null: base has no configuration, so all of head's cells are new. */
  readonly base: Config | null;
  /** Folder of base that commands are started in and models lie in, below the root of the repository. */
  readonly baseFolder: string;
  /** What cannot be used of each side's file, and counts as absent. */
  readonly flaws: { readonly head: readonly Flaw[]; readonly base: readonly Flaw[] };
  /** How base's was found where it does not have head's name, as sentences. */
  readonly warnings: readonly string[];
}

/** The configuration file as it was named, relative to the working directory: base has a file of that name too. */
export const configFile = (context: CommandContext): string => {
  const named = context.options.config;
  if (named === null) return configFileName;
  return isAbsolute(named) ? namedBelow(named, context) : named;
};

/** Path of a file below the working directory in the trees of the repository, with `/`; null outside. */
const insidePath = ({ root }: CommandContext, repository: Repository, name: string): string | null => {
  const inside = relative(repository.folder, resolve(root, name));
  return inside.startsWith('..') || isAbsolute(inside) ? null : inside.split('\\').join('/');
};

const kindOf = (found: Stats | null): string => {
  if (found === null) return 'nothing';
  return found.isDirectory() ? 'a folder' : 'no regular file';
};

/**
 * The file's text, or null where there is none. Throws `link-invalid`, `lfs-pointer`, and
 * `config-missing` for a folder, and for a link to nothing.
 */
const headText = async (context: CommandContext, repository: Repository): Promise<string | null> => {
  const name = configFile(context);
  const inside = insidePath(context, repository, name);
  const file =
    inside === null ? resolve(context.root, name) : join(repository.folder, await repository.withoutLinks('working-tree', inside));
  const found = reached(() => statSync(file));
  if (found?.isFile() === true) {
    if (isLfsPointerFile(file)) throw lfsPointer(name);
    return readFileSync(file, 'utf8');
  }
  if (entryAt(resolve(context.root, name)) !== null)
    throw new GateError('config-missing', `The configuration was looked for. Expected a file at ${file}, found ${kindOf(found)}.`, {
      where: name,
    });
  if (context.options.config !== null)
    throw new GateError('config-missing', 'The configuration was looked for under this name. Expected a file, found none.', {
      where: name,
    });
  const other = name.replace(/\.yml$/, '.yaml');
  if (existsSync(resolve(context.root, other)))
    throw new GateError('config-missing', `The configuration was looked for. Expected ${name}, found ${other}.`, { where: other });
  return null;
};

/**
 * Head's configuration, with the overrides of the command line; the defaults where there is no file. Throws `config-missing`,
 * `link-invalid`, and what reading a configuration throws.
 */
export const readHeadConfig = async (context: CommandContext, repository: Repository): Promise<Config> => {
  const text = await headText(context, repository);
  return applyOverrides(
    text === null ? defaultConfig(configDefaults) : parseConfig(text, configFile(context), configDefaults),
    context.overrides,
    configDefaults,
  );
};

/**
 * Head's file as far as it can be used; null where there is none. One that cannot be read is a fault of the change, unless the
 * default branch is measured or base's is the same: then the last version that could be read holds.
 */
const headFile = async (
  { context, repository, base }: Sides,
  event: Plan['event'],
  inside: string | null,
): Promise<ConfigurationFile | null> => {
  const name = configFile(context);
  try {
    const text = await headText(context, repository);
    if (text === null) return null;
    return overriddenHead({ text, ...readUsableConfig(text, name, configDefaults), notes: [] }, context);
  } catch (thrown) {
    if (!isUnreadable(thrown) || inside === null || (event === 'change' && (await isChanged(repository, base, inside)))) throw thrown;
    const commit = event === 'change' ? base : (await repository.headRevision()).commit;
    const earlier = await lastReadable(repository, commit, inside, 'head', thrown);
    if (earlier === null) throw thrown;
    return overriddenHead(earlier, context);
  }
};

const isChanged = async (repository: Repository, base: string, path: string): Promise<boolean> => {
  const behind = await repository.withoutLinks('working-tree', path).catch(onlyIfUnreadable(path));
  const changed = await repository.changedFiles(base);
  return changed.includes(path) || changed.includes(behind);
};

/**
 * Reads both sides' configurations, as far as they can be used. Base's is the file of the same name, or behind the same links. Where
 * base has none there, it is the file that head's takes the place of (`predecessorOf`), and null where base has no configuration at
 * all. The defaults hold for both sides where neither has a file. A file of base that cannot be read counts as its last version that
 * could be. Throws what reading head's throws, and `config-missing` where head
 * removed its file, or a job has one that its commit lacks.
 */
export const readConfigurations = async (
  context: CommandContext,
  repository: Repository,
  base: string,
  event: Plan['event'],
): Promise<Configurations> => {
  const name = configFile(context);
  const sides = { context, repository, base };
  const inside = insidePath(context, repository, name);
  // Whoever writes the workflow of a pull request could name a file of their own: only a developer's own machine trusts it.
  if (inside === null && !context.host.isOwnMachine)
    throw new GateError(
      'usage-bad-value',
      'The configuration was looked for. Expected a file inside the repository, got one outside, which base cannot have. Move it inside.',
      { where: context.options.config ?? name },
    );
  const file = await headFile(sides, event, inside);
  const head = file?.config ?? applyOverrides(defaultConfig(configDefaults), context.overrides, configDefaults);
  const flaws = { head: file?.flaws ?? [], base: [] as readonly Flaw[] };
  if (inside === null) {
    const same = file === null ? defaultConfig(configDefaults) : readUsableConfig(file.text, name, configDefaults).config;
    return { head, base: same, baseFolder: workingFolder(context, repository), flaws: { ...flaws, base: flaws.head }, warnings: [] };
  }
  if (file !== null && !context.host.isOwnMachine) await requireCommitted(repository, inside, name);
  const baseFolder = await folderOfBase(sides);
  const same = posix.join(baseFolder, name);
  const before = await baseFileAt(repository, base, same, name);
  const { baseOverrides } = context;
  const usual = insidePath(context, repository, configFileName) ?? configFileName;
  const removed = await removedConfigurations(sides, (path, of) => path === usual || of === file?.text);
  const lost = before.kind === 'absent' ? removed.formers[0]?.path : name;
  if (file === null && lost !== undefined)
    throw new GateError(
      'config-missing',
      `The configuration was looked for. Expected ${name}, found none, although base has ${lost}. Restore it, or name its new place.`,
      { where: name },
    );
  if (file === null)
    return { head, base: applyOverrides(defaultConfig(configDefaults), baseOverrides, configDefaults), baseFolder, flaws, warnings: [] };
  if (before.kind === 'unreadable') {
    const { where, message } = before.fault;
    const note = `${where ?? name} of base: ${asSentence(message)} No version of the file can be read: everything is new, as where base has no configuration.`;
    return { head, base: null, baseFolder, flaws, warnings: [...file.notes, note] };
  }
  if (before.kind === 'file') {
    const place = { own: same, working: baseFolder };
    const own = overriddenBase(before.file, baseOverrides);
    return {
      head,
      base: await withOthers(sides, { shown: inside, place, removed, head }, own.config),
      baseFolder,
      flaws: { ...flaws, base: own.flaws },
      // The same file in head: one note says it.
      warnings: own.notes.length > 0 ? own.notes : file.notes,
    };
  }
  const former = await formerConfiguration({ ...sides, usual, removed, head: { path: inside, text: file.text, config: head } });
  return { head, ...former, flaws: { ...flaws, base: former.flaws }, warnings: [...file.notes, ...former.warnings] };
};

interface Merging {
  /** Path of head's file. */
  readonly shown: string;
  /** Of base's. */
  readonly place: Place;
  readonly removed: Removed;
  readonly head: Config;
}

/** Base's own file with what head merged into it from other files of base. */
const withOthers = async (sides: Sides, { shown, place, removed, head }: Merging, own: Config): Promise<Config> => {
  if (!listsMore(head, own)) return own;
  const { repository, base } = sides;
  const behind = await repository.withoutLinks('working-tree', shown);
  const staying = (await stayingConfigurations(sides, behind, removed.formers)).filter(({ path }) => path !== place.own && path !== behind);
  const formers = [...removed.formers.filter(({ path }) => path !== place.own), ...staying];
  const others = [...(await addedConfigurations(repository, base, shown)), ...staying.flatMap(({ stays }) => stays ?? [])];
  const near = formers.flatMap((former) => withinProject(former, place, head));
  return withMerged(own, place.working, near, head, others);
};

/** A file that a step of the job writes is in no base: all of its cells would be new, in every run. */
const requireCommitted = async (repository: Repository, inside: string, name: string): Promise<void> => {
  const { commit } = await repository.headRevision();
  if ((await repository.fileAt(commit, inside)) !== null) return;
  throw new GateError(
    'config-missing',
    `The configuration was looked for. Expected a file of commit ${commit.slice(0, 12)}, found one that git does not hold, which base cannot have. Commit it.`,
    { where: name },
  );
};

/** The working directory in base: where base's links lead it, unless base has nothing under that name. */
const folderOfBase = async ({ context, repository, base }: Sides): Promise<string> => {
  const [named, working] = [namedFolder(context, repository), workingFolder(context, repository)];
  if (named === '') return '';
  const folder = await repository.withoutLinks({ commit: base }, named);
  const isThere = named === working || folder === '' || (await repository.filesAt(base, folder)).length > 0;
  return isThere ? folder : working;
};

interface Sides {
  readonly context: CommandContext;
  readonly repository: Repository;
  readonly base: string;
}

/** Folder of base in which the commands of a configuration of base start. */
const startOf = ({ context, repository }: Sides, path: string): string =>
  formerWorkingFolder(workingFolder(context, repository), configFile(context), path);

interface Search extends Sides {
  /** Path of a configuration that is not named. */
  readonly usual: string;
  readonly removed: Removed;
  readonly head: HeadConfiguration;
}

interface FormerConfiguration extends Omit<Configurations, 'head' | 'flaws'> {
  readonly flaws: readonly Flaw[];
}

const formerConfiguration = async ({ context, repository, base, usual, removed, head }: Search): Promise<FormerConfiguration> => {
  const name = configFile(context);
  const working = workingFolder(context, repository);
  const shown = insidePath(context, repository, name) ?? name;
  const behind = await repository.withoutLinks('working-tree', shown);
  const staying = await stayingConfigurations({ context, repository, base }, behind, removed.formers);
  const place = { own: shown, working };
  const formers = [...removed.formers, ...staying.flatMap((former) => withinProject(former, place, head.config))];
  const added = await addedConfigurations(repository, base, shown);
  const found = predecessorOf(formers, head, usual, added);
  if (found === null) {
    const none = removed.formers.length + staying.length === 0;
    const why = none ? 'Base has no configuration' : `${name} lists no model and optimization together that a configuration of base lists`;
    return {
      base: null,
      baseFolder: working,
      flaws: [],
      warnings: [...removed.notes, `${why}: everything is new, and ${name} of head says how this run is judged.`],
    };
  }
  const { former, config, alike } = found;
  if (alike !== null)
    throw new GateError(
      'config-invalid',
      `The former place of this configuration was looked for. Expected one, found two that are equally like it: ${former.path} and ${alike}. Move one of them in a change of its own.`,
      { where: name },
    );
  const note =
    former.stays === null
      ? `Configuration ${shown} was renamed from ${former.path}: it is compared with ${former.path} of base.`
      : `Configuration ${shown} was added beside ${former.path}: what both list is compared, as ${former.path} of base says.`;
  const flaws = removed.flaws.get(former.path) ?? [];
  return { base: config, baseFolder: former.folder, flaws, warnings: [...removed.notes, note] };
};

/** Configurations of base whose files head no longer has. */
interface Removed {
  readonly formers: readonly Former[];
  /** By path: what cannot be used of a file. */
  readonly flaws: ReadonlyMap<string, readonly Flaw[]>;
  /** What stands in for files that cannot be read. */
  readonly notes: readonly string[];
}

/** `surely`: whether a file is a configuration, even one that says nothing. */
const removedConfigurations = async (sides: Sides, surely: (path: string, text: string) => boolean): Promise<Removed> => {
  const { repository, base } = sides;
  const paths = await repository.removedSince(base);
  const texts = await repository.textsAt(base, paths, largestBytes);
  const formers: Former[] = [];
  const flaws = new Map<string, readonly Flaw[]>();
  const notes: string[] = [];
  for (const [at, path] of paths.entries()) {
    const text = texts[at] ?? null;
    const file = text === null ? null : await formerFile(repository, base, path, text, surely(path, text));
    if (text === null || file === null) continue;
    const { config } = overriddenBase(file, sides.context.baseOverrides);
    formers.push({ path, folder: startOf(sides, path), text, config, stays: null });
    flaws.set(path, file.flaws);
    notes.push(...file.notes);
  }
  return { formers, flaws, notes };
};

/**
 * Configurations of base under whose name head has a file, whatever that is now. `behind`: the file that head's links lead to. Others
 * have an ending of YAML or JSON.
 */
const stayingConfigurations = async (sides: Sides, behind: string, removed: readonly Former[]): Promise<readonly Former[]> => {
  const { repository, base } = sides;
  const likely = await repository.filesWith(base, configurationLine, ['**/*.yml', '**/*.yaml', '**/*.json']);
  const paths = [...new Set([behind, ...likely])].filter((path) => !removed.some((former) => former.path === path));
  const texts = await repository.textsAt(base, paths, largestBytes);
  return paths.flatMap((path, at) => {
    const text = texts[at] ?? null;
    const config = text === null ? null : configurationIn(text, path);
    return text === null || config === null
      ? []
      : [{ path, folder: startOf(sides, path), text, config, stays: standingAt(repository, path) }];
  });
};

/** Where head's configuration lies: its path, and the working directory. */
interface Place {
  readonly own: string;
  readonly working: string;
}

/** Below the root of the repository there may be other projects; they lie in folders that head's file is not in. */
const isWithin = (path: string, { own, working }: Place): boolean => {
  if (working !== '') return path.startsWith(`${working}/`);
  const folder = posix.dirname(path);
  return folder === '.' || own.startsWith(`${folder}/`);
};

/**
 * What another configuration may say of head's: all where it lies in the working directory too.
 * Another folder can be another project, whose entries have the usual names: of it those count that
 * guard the same inputs. While that project still lists an entry that declares none, nothing says
 * that head's is the same.
 */
const withinProject = (former: Former, place: Place, head: Config): readonly Former[] => {
  if (isWithin(former.path, place)) return [former];
  const idsOf = (config: Config | null): ReadonlySet<string> => new Set(config?.optimizations.map(({ id }) => id));
  const [guarded, listed] = [idsOf(former.stays), idsOf(head)];
  const optimizations = former.config.optimizations.filter((entry) => {
    const isGuarded = guarded.has(entry.id);
    if (place.working === '' && !(isGuarded && listed.has(entry.id))) return true;
    return isSameEntry(entry, head) && !(isGuarded && entry.door.kind !== 'builtin' && entry.inputs.length === 0);
  });
  return optimizations.length === 0 ? [] : [{ ...former, config: { ...former.config, optimizations } }];
};

/** The configurations that the working tree has besides `own` and base does not. */
const addedConfigurations = async (repository: Repository, base: string, own: string): Promise<readonly Config[]> => {
  const paths = (await repository.changedFiles(base)).filter((path) => path !== own && /\.(ya?ml|json)$/.test(path));
  const before = await repository.textsAt(base, paths, largestBytes);
  return paths.flatMap((path, at) => (before[at] === null ? (standingAt(repository, path) ?? []) : []));
};

/** The configuration that the working tree has at a path, or null. */
const standingAt = (repository: Repository, path: string): Config | null => {
  const file = join(repository.folder, path);
  const isFile = entryAt(file)?.isFile() === true;
  return isFile ? configurationIn(readFileSync(file, 'utf8'), path) : null;
};
