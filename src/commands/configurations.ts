import { existsSync, readFileSync, type Stats, statSync } from 'node:fs';
import { isAbsolute, join, posix, relative, resolve } from 'node:path';
import { type Config, configFileName, configurationLine, defaultConfig, findConfig, parseConfig } from '../config/config.ts';
import { applyOverrides } from '../config/override.ts';
import { type Former, type HeadConfiguration, predecessorOf, withTakenOver } from '../config/predecessor.ts';
import { isSameEntry } from '../config/renamed.ts';
import { asGateError, GateError } from '../errors.ts';
import { isLfsPointerFile, lfsPointer } from '../records/lfs-pointer.ts';
import { entryAt, reached } from '../repository/on-disk.ts';
import type { Repository } from '../repository/repository.ts';
import type { CommandContext } from './context.ts';
import { formerWorkingFolder, namedBelow, namedFolder, workingFolder } from './working-folder.ts';

/** The configurations of both sides, before anything is selected. */
export interface Configurations {
  readonly head: Config;
  /** Null: base has no configuration, so all of head's cells are new. */
  readonly base: Config | null;
  /** Folder of base that commands are started in and models lie in, below the root of the repository. */
  readonly baseFolder: string;
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
    throw new GateError('config-missing', 'The configuration was named by --config. Expected a file, found none.', { where: name });
  const other = name.replace(/\.yml$/, '.yaml');
  if (existsSync(resolve(context.root, other)))
    throw new GateError(
      'config-missing',
      `The configuration was looked for. Expected ${name}, found ${other}. Rename the file, or name it with --config.`,
      { where: other },
    );
  return null;
};

/**
 * Head's configuration, with the overrides of the command line; the defaults where there is no file. Throws `config-missing`,
 * `link-invalid`, and what reading a configuration throws.
 */
export const readHeadConfig = async (context: CommandContext, repository: Repository): Promise<Config> =>
  headConfigOf(await headText(context, repository), context);

const headConfigOf = (text: string | null, context: CommandContext): Config =>
  applyOverrides(text === null ? defaultConfig() : parseConfig(text, configFile(context)), context.overrides);

/**
 * Reads both sides' configurations. Base's is the file of the same name, or behind the same links. Where base has none there, it is
 * the file that head's takes the place of (`predecessorOf`), and null where base has no configuration at all. The defaults hold
 * for both sides where neither has a file. Throws what `readHeadConfig` throws, and `config-missing` where head
 * removed its file, or a job has one that its commit lacks.
 */
export const readConfigurations = async (context: CommandContext, repository: Repository, base: string): Promise<Configurations> => {
  const name = configFile(context);
  const text = await headText(context, repository);
  const head = headConfigOf(text, context);
  const inside = insidePath(context, repository, name);
  if (inside === null) {
    // Whoever writes the workflow of a pull request could name a file of their own: only a developer's own machine trusts it.
    if (context.host.kind === 'github')
      throw new GateError(
        'usage-bad-value',
        'The configuration was looked for. Expected a file inside the repository, got one outside, which base cannot have. Move it inside.',
        { where: context.options.config ?? name },
      );
    return { head, base: headConfigOf(text, { ...context, overrides: [] }), baseFolder: workingFolder(context, repository), warnings: [] };
  }
  if (text !== null && context.host.kind === 'github') await requireCommitted(repository, inside, name);
  const baseFolder = await folderOfBase({ context, repository, base });
  const same = posix.join(baseFolder, name);
  const before = await repository.fileAt(base, same);
  const usual = insidePath(context, repository, configFileName) ?? configFileName;
  const removed = await removedConfigurations({ context, repository, base }, (path, of) => path === usual || of === text);
  const lost = before === null ? removed.formers[0]?.path : name;
  if (text === null && lost !== undefined)
    throw new GateError(
      'config-missing',
      `The configuration was looked for. Expected ${name}, found none, although base has ${lost}. Restore it; one that was renamed is named with --config.`,
      { where: name },
    );
  if (text === null) return { head, base: defaultConfig(), baseFolder, warnings: [] };
  if (before !== null) {
    const others = removed.formers
      .filter(({ path }) => path !== same)
      .flatMap((former) => withinProject(former, { own: same, working: baseFolder }, head));
    return {
      head,
      base: withTakenOver(
        parseBase(before, `${name} of base`, parseConfig),
        others.map(({ config }) => config),
        head,
      ),
      baseFolder,
      warnings: [],
    };
  }
  return {
    head,
    ...(await formerConfiguration({ context, repository, base, usual, removed, head: { path: inside, text, config: head } })),
  };
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

/** Reads a configuration of base; what is wrong with it no change can correct for itself. */
const parseBase = <T>(text: string, where: string, parse: (text: string, where: string) => T): T => {
  try {
    return parse(text, where);
  } catch (thrown) {
    const { code, message, where: place } = asGateError(thrown);
    const advice = 'Base holds it: merge the correction without the gate, and judge later changes against that.';
    throw new GateError(code, `${message}\n  ${advice}`, { where: place ?? where, cause: thrown });
  }
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

const formerConfiguration = async ({ context, repository, base, usual, removed, head }: Search): Promise<Omit<Configurations, 'head'>> => {
  const name = configFile(context);
  const working = workingFolder(context, repository);
  const shown = insidePath(context, repository, name) ?? name;
  const behind = await repository.withoutLinks('working-tree', shown);
  const staying = await stayingConfigurations({ context, repository, base }, behind, removed.formers);
  const place = { own: shown, working };
  const formers = [...removed.formers, ...staying.flatMap((former) => withinProject(former, place, head.config))];
  const added = await addedConfigurations(repository, base, shown);
  const found = predecessorOf(formers, head, usual, added);
  const broken = removed.broken.find(({ path }) => path === usual || found === null);
  if (broken !== undefined) throw broken.error;
  if (found === null) {
    const none = removed.formers.length + staying.length === 0;
    const why = none ? 'Base has no configuration' : `${name} shares no cell with a configuration of base`;
    return { base: null, baseFolder: working, warnings: [`${why}: every cell is new, and ${name} of head says how this run is judged.`] };
  }
  const { former, config, alike } = found;
  if (alike !== null)
    throw new GateError(
      'config-invalid',
      `The predecessor of the configuration was looked for. Expected one, found two in different folders that are equally like it: ${former.path} and ${alike}. Move one of them in a change of its own.`,
      { where: name },
    );
  const note =
    former.stays === null
      ? `configuration ${shown} was renamed from ${former.path}: its cells are compared with those of ${former.path} in base.`
      : `configuration ${shown} was added beside ${former.path}: cells that both list are compared, as ${former.path} of base says.`;
  return { base: config, baseFolder: former.folder, warnings: [note] };
};

/** More bytes than any configuration may have. */
const largestBytes = 256 * 1024;

/** Files of base that head no longer has: configurations, and what looks like one and cannot be read. */
interface Removed {
  readonly formers: readonly Former[];
  readonly broken: readonly { readonly path: string; readonly error: unknown }[];
}

/** `surely`: whether a file is a configuration, even one that says nothing. */
const removedConfigurations = async (sides: Sides, surely: (path: string, text: string) => boolean): Promise<Removed> => {
  const { repository, base } = sides;
  const paths = await repository.removedSince(base);
  const texts = await repository.textsAt(base, paths, largestBytes);
  const formers: Former[] = [];
  const broken: Removed['broken'][number][] = [];
  for (const [at, path] of paths.entries()) {
    const text = texts[at] ?? null;
    try {
      const config = text === null ? null : parseBase(text, `${path} of base`, surely(path, text) ? parseConfig : findConfig);
      if (text !== null && config !== null) formers.push({ path, folder: startOf(sides, path), text, config, stays: null });
    } catch (error) {
      broken.push({ path, error });
    }
  }
  return { formers, broken };
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
    const config = text === null ? null : findOrNull(text, path);
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

/** A broken configuration is not one that anything could be compared with, and no fault of the one that is run. */
const findOrNull = (text: string, path: string): Config | null => {
  try {
    return findConfig(text, path);
  } catch {
    return null;
  }
};

/** The configuration that the working tree has at a path, or null. */
const standingAt = (repository: Repository, path: string): Config | null => {
  const file = join(repository.folder, path);
  const isFile = entryAt(file)?.isFile() === true;
  return isFile ? findOrNull(readFileSync(file, 'utf8'), path) : null;
};
