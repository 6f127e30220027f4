import type { Config } from '../config/config.ts';
import type { Flaw } from '../config/flaw.ts';
import { applyOverrides } from '../config/override.ts';
import { findUsableConfig, readUsableConfig, type UsableConfig } from '../config/usable-config.ts';
import { asSentence, type ErrorCode, GateError } from '../errors.ts';
import type { Repository } from '../repository/repository.ts';
import { configDefaults } from './config-defaults.ts';

/** What a commit's file says, as far as it can be used. */
export interface ConfigurationFile {
  readonly text: string;
  readonly config: Config;
  readonly flaws: readonly Flaw[];
  /** What stands in for it, as sentences. */
  readonly notes: readonly string[];
}

/** What is wrong with a file as a whole, whatever else it says. */
const ofFile: ReadonlySet<ErrorCode> = new Set([
  'config-syntax',
  'config-too-large',
  'config-invalid',
  'config-unknown-key',
  'document-too-large',
  'lfs-pointer',
  'link-invalid',
]);

export const isUnreadable = (thrown: unknown): thrown is GateError => thrown instanceof GateError && ofFile.has(thrown.code);

/** The path itself where a link on its way cannot be followed. */
export const onlyIfUnreadable =
  (path: string) =>
  (thrown: unknown): string => {
    if (isUnreadable(thrown)) return path;
    throw thrown;
  };

/** More bytes than any configuration may have. */
export const largestBytes = 256 * 1024;

const short = (commit: string): string => commit.slice(0, 12);

/**
 * The newest version of a file that could be read, for one that cannot be any more. Null where no
 * version ever could. Throws `shallow-clone` where the history is not there.
 * @param side whose file it is
 */
export const lastReadable = async (
  repository: Repository,
  commit: string,
  path: string,
  side: 'base' | 'head',
  fault: GateError,
): Promise<ConfigurationFile | null> => {
  const real = await repository.withoutLinks({ commit }, path).catch(onlyIfUnreadable(path));
  const earlier = await repository.earlierVersion(commit, real, async (each) => {
    const [text = null] = await repository.textsAt(each, [real], largestBytes);
    return text === null ? null : usableOrNull(text, `${path} of ${short(each)}`);
  });
  if (earlier === null) return null;
  const where = fault.where ?? path;
  const note = `${where} of ${side}: ${asSentence(fault.message)} The file cannot be read, so its last readable version counts: that of commit ${short(earlier.commit)}.`;
  return { ...earlier.value, notes: [note] };
};

const usableOrNull = (text: string, where: string): Omit<ConfigurationFile, 'notes'> | null => {
  try {
    return { text, ...readUsableConfig(text, where, configDefaults) };
  } catch (thrown) {
    if (!isUnreadable(thrown)) throw thrown;
    return null;
  }
};

/** What base has at a path. */
export type BaseFile =
  | { readonly kind: 'absent' }
  | { readonly kind: 'file'; readonly file: ConfigurationFile }
  /** Something that no version of could be read. */
  | { readonly kind: 'unreadable'; readonly fault: GateError };

/** Reads base's file; one that cannot be read counts as its last version that could be. */
export const baseFileAt = async (repository: Repository, base: string, path: string, name: string): Promise<BaseFile> => {
  try {
    const text = await repository.fileAt(base, path);
    return text === null
      ? { kind: 'absent' }
      : { kind: 'file', file: { text, ...readUsableConfig(text, name, configDefaults), notes: [] } };
  } catch (thrown) {
    if (!isUnreadable(thrown)) throw thrown;
    const file = await lastReadable(repository, base, path, 'base', thrown);
    return file === null ? { kind: 'unreadable', fault: thrown } : { kind: 'file', file };
  }
};

/**
 * What can be used of a text of base, or null where that is no configuration. One that looks like a
 * configuration and cannot be read counts as its last version that could be.
 * @param surely whether it is a configuration, even one that says nothing
 */
export const formerFile = async (
  repository: Repository,
  base: string,
  path: string,
  text: string,
  surely: boolean,
): Promise<ConfigurationFile | null> => {
  try {
    const usable: UsableConfig | null = (surely ? readUsableConfig : findUsableConfig)(text, path, configDefaults);
    return usable === null ? null : { text, ...usable, notes: [] };
  } catch (thrown) {
    if (!isUnreadable(thrown)) throw thrown;
    return lastReadable(repository, base, path, 'base', thrown);
  }
};

/** The file with the overrides of the command line. Throws what is wrong with them. */
const overridden = (file: ConfigurationFile, overrides: readonly string[]): ConfigurationFile => ({
  ...file,
  config: applyOverrides(file.config, overrides, configDefaults),
});

/**
 * Head's file with the overrides that hold. A change that renames an entry renames it in `set` too: where the overrides of base's
 * workflow name what head lacks, those of the change's own count for head, with a note.
 */
export const overriddenHead = (
  file: ConfigurationFile,
  { overrides, ownOverrides }: { readonly overrides: readonly string[]; readonly ownOverrides: readonly string[] },
): ConfigurationFile => {
  try {
    return overridden(file, overrides);
  } catch (thrown) {
    const isOfBase = JSON.stringify(overrides) !== JSON.stringify(ownOverrides);
    if (!(thrown instanceof GateError) || thrown.code !== 'config-unknown-key' || !isOfBase) throw thrown;
    const own = overridden(file, ownOverrides);
    const instead =
      ownOverrides.length === 0 ? 'without `set`' : `with the \`set\` of this change: ${ownOverrides.join(', ').slice(0, 200)}`;
    return {
      ...own,
      notes: [...own.notes, `The \`set\` of base's workflow does not fit this change. ${thrown.message} Head is measured ${instead}.`],
    };
  }
};

/**
 * Base's file with what base's workflow sets. What does not fit the file is left out with a note:
 * the change may be the one that repairs it.
 */
export const overriddenBase = (file: ConfigurationFile, overrides: readonly string[]): ConfigurationFile => {
  const notes = [...file.notes];
  let current = file;
  for (const override of overrides)
    try {
      current = overridden(current, [override]);
    } catch (thrown) {
      if (!(thrown instanceof GateError)) throw thrown;
      notes.push(`Base is measured without \`set: ${override.slice(0, 200)}\`. ${asSentence(thrown.message)}`);
    }
  return { ...current, notes };
};

/** What can be used of a text, or null where it is no configuration, or a broken one, which nothing could be compared with. */
export const configurationIn = (text: string, where: string): Config | null => {
  try {
    return findUsableConfig(text, where, configDefaults)?.config ?? null;
  } catch {
    return null;
  }
};
