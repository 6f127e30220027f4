import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { type Config, configFileName, configurationLine, defaultConfig, findConfig, parseConfig } from '../config/config.ts';
import { applyOverrides } from '../config/override.ts';
import { type Former, type HeadConfiguration, predecessorOf, withTakenOver } from '../config/predecessor.ts';
import { GateError } from '../errors.ts';
import { isLfsPointerFile, lfsPointer } from '../records/lfs-pointer.ts';
import type { Repository } from '../repository/repository.ts';
import type { CommandContext } from './context.ts';

/** The configurations of both sides, before anything is selected. */
export interface Configurations {
  readonly head: Config;
  /** Null: base has no configuration, so all of head's cells are new. */
  readonly base: Config | null;
  /** How base's was found where it does not have head's name, as sentences. */
  readonly warnings: readonly string[];
}

const configFile = ({ options }: CommandContext): string => options.config ?? configFileName;

/** Path of a file below the working directory in the trees of the repository, with `/`; null outside. */
const insidePath = ({ root }: CommandContext, repository: Repository, name: string): string | null => {
  const inside = relative(repository.folder, resolve(root, name));
  return inside.startsWith('..') || isAbsolute(inside) ? null : inside.split('\\').join('/');
};

/** The file's text, or null where there is none. Throws `link-invalid`, `lfs-pointer`, and `config-missing` for a link to nothing. */
const headText = async (context: CommandContext, repository: Repository): Promise<string | null> => {
  const name = configFile(context);
  const inside = insidePath(context, repository, name);
  const file =
    inside === null ? resolve(context.root, name) : join(repository.folder, await repository.withoutLinks('working-tree', inside));
  if (existsSync(file)) {
    if (isLfsPointerFile(file)) throw lfsPointer(name);
    return readFileSync(file, 'utf8');
  }
  if (lstatSync(resolve(context.root, name), { throwIfNoEntry: false }) !== undefined)
    throw new GateError('config-missing', `The configuration is a symbolic link to ${file}. Expected a file there, found none.`, {
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
 * for both sides where neither has a file. Throws what `readHeadConfig` throws, and `config-missing` where head removed its file.
 */
export const readConfigurations = async (context: CommandContext, repository: Repository, base: string): Promise<Configurations> => {
  const name = configFile(context);
  const text = await headText(context, repository);
  const head = headConfigOf(text, context);
  const inside = insidePath(context, repository, name);
  if (inside === null) {
    // Whoever writes the workflow of a pull request could name a file of their own: only a developer's own machine trusts it.
    if (context.host.kind === 'github')
      throw new GateError('usage-bad-value', 'lies outside the repository, so base has no say in it', { where: name });
    return { head, base: headConfigOf(text, { ...context, overrides: [] }), warnings: [] };
  }
  const names = new Set([inside, await repository.withoutLinks('working-tree', inside)]);
  const removed = await removedConfigurations(repository, base);
  for (const path of names) {
    const before = await repository.fileAt(base, path);
    if (before === null) continue;
    if (text === null)
      throw new GateError(
        'config-missing',
        `The configuration was looked for. Expected ${name}, which base has, found none. Restore it; a file that was renamed is named with --config.`,
        { where: name },
      );
    const others = removed.filter((former) => !names.has(former.path)).map(({ config }) => config);
    return { head, base: withTakenOver(parseConfig(before, `${name} of base`), others, head), warnings: [] };
  }
  if (text === null) return { head, base: defaultConfig(), warnings: [] };
  return { head, ...(await formerConfiguration({ context, repository, base, removed, head: { text, config: head } })) };
};

interface Search {
  readonly context: CommandContext;
  readonly repository: Repository;
  readonly base: string;
  readonly removed: readonly Former[];
  readonly head: HeadConfiguration;
}

const formerConfiguration = async ({ context, repository, base, removed, head }: Search): Promise<Omit<Configurations, 'head'>> => {
  const name = configFile(context);
  const formers = [...removed, ...(await stayingConfigurations(repository, base, removed))];
  const found = predecessorOf(formers, head, insidePath(context, repository, configFileName) ?? configFileName);
  if (found === null) {
    const why = formers.length === 0 ? 'Base has no configuration' : `${name} shares no cell with a configuration of base`;
    return { base: null, warnings: [`${why}: every cell is new, and ${name} of head says how this run is judged.`] };
  }
  const { former, config } = found;
  const note =
    former.stays === null
      ? `configuration ${name} was renamed from ${former.path}: its cells are compared with those of ${former.path} in base.`
      : `configuration ${name} was added beside ${former.path}: cells that both list are compared, as ${former.path} of base says.`;
  return { base: config, warnings: [note] };
};

/** More bytes than any configuration may have. */
const largestBytes = 256 * 1024;

/** Configurations of base that head no longer has under their name. Throws what reading a broken one throws. */
const removedConfigurations = async (repository: Repository, base: string): Promise<readonly Former[]> => {
  const paths = await repository.removedSince(base);
  const texts = await repository.textsAt(base, paths, largestBytes);
  return paths.flatMap((path, at) => {
    const text = texts[at] ?? null;
    const config = text === null ? null : findConfig(text, `${path} of base`);
    return text === null || config === null ? [] : [{ path, text, config, stays: null }];
  });
};

/** Configurations of base under whose name head has a file, whatever that is now. */
const stayingConfigurations = async (repository: Repository, base: string, removed: readonly Former[]): Promise<readonly Former[]> => {
  const paths = (await repository.filesWith(base, configurationLine)).filter((path) => !removed.some((former) => former.path === path));
  const texts = await repository.textsAt(base, paths, largestBytes);
  return paths.flatMap((path, at) => {
    const text = texts[at] ?? null;
    const config = text === null ? null : findOrNull(text, path);
    return text === null || config === null ? [] : [{ path, text, config, stays: standingAt(repository, path) }];
  });
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
  const isFile = lstatSync(file, { throwIfNoEntry: false })?.isFile() === true;
  return isFile ? findOrNull(readFileSync(file, 'utf8'), path) : null;
};
