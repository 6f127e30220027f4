import { posix } from 'node:path';
import { GateError } from '../../errors.ts';
import type { Tree } from '../../repository/inputs-digest.ts';
import type { Repository } from '../../repository/repository.ts';
import { literalPattern } from '../named-files.ts';
import type { Read } from '../subjects.ts';
import { lockEntries, lockFiles } from './lock-entries.ts';
import { localPath, type ManifestEntry, manifestEntries, manifestFiles } from './manifest-entries.ts';
import { library, type NamedVersion } from './named-version.ts';

/** One of the two trees that are compared. */
export interface RuntimeSide {
  readonly commit: string;
  readonly tree: Tree;
  readonly read: Read;
}

/** What both sides name. */
export interface NamedOnSides {
  readonly base: readonly NamedVersion[];
  readonly head: readonly NamedVersion[];
}

export const upwards = (folder: string): readonly string[] => (folder === '.' ? ['.'] : [folder, ...upwards(posix.dirname(folder))]);

const isBelow = (path: string, folder: string): boolean => folder === '.' || path.startsWith(`${folder}/`);

/** A digest of what a tree holds at a path; null where that cannot be told. */
export const contentDigest = async (repository: Repository, { tree }: RuntimeSide, path: string): Promise<string | null> => {
  for (const pattern of [literalPattern(path), `${literalPattern(path)}/**`])
    try {
      return await repository.inputsDigest(tree, [pattern]);
    } catch (thrown) {
      if (!(thrown instanceof GateError)) throw thrown;
    }
  return null;
};

interface Written {
  readonly manifests: readonly ManifestEntry[];
  /** Folder of a lock file → what it names. */
  readonly locks: ReadonlyMap<string, readonly NamedVersion[]>;
}

const writtenAt = async (repository: Repository, side: RuntimeSide, added: readonly string[], folder: string): Promise<Written> => {
  const globs = [...manifestFiles, ...lockFiles].map((name) => `**/${name}`);
  const naming = await repository.filesWith(side.commit, library, globs);
  const holders = upwards(folder);
  const paths = [...new Set([...naming, ...added])].filter(
    (path) => !path.split('/').includes('node_modules') && (holders.includes(posix.dirname(path)) || isBelow(path, folder)),
  );
  const texts = await side.read(paths);
  const read = new Map(paths.flatMap((path, at) => (texts[at] == null ? [] : [[path, texts[at]] as const])));
  const locks = new Map<string, readonly NamedVersion[]>();
  for (const [path, text] of read) {
    const at = posix.dirname(path);
    if (!lockFiles.includes(posix.basename(path)) || !holders.includes(at)) continue;
    locks.set(at, [...(locks.get(at) ?? []), ...lockEntries(path, text, posix.relative(at, folder))]);
  }
  const manifests = manifestEntries(new Map([...read].filter(([path]) => manifestFiles.includes(posix.basename(path)))));
  const placed = manifests.map(async (entry): Promise<ManifestEntry> => {
    const local = localPath(entry.spec, entry.path);
    return local === null ? entry : { ...entry, detail: await contentDigest(repository, side, local) };
  });
  return { manifests: await Promise.all(placed), locks };
};

interface Sides {
  readonly base: readonly ManifestEntry[];
  readonly head: readonly ManifestEntry[];
}

/** Both sides' entries of one kind, where both have some. */
const onBoth = ({ base, head }: Sides, wanted: (entry: ManifestEntry) => boolean): Sides | null => {
  const [was, is] = [base.filter(wanted), head.filter(wanted)];
  return was.length > 0 && is.length > 0 ? { base: was, head: is } : null;
};

/** The entries that decide: those of the folder itself before those of others, dependencies before what is only needed beside. */
const deciding = (sides: Sides, folder: string): Sides => {
  const own = onBoth(sides, ({ of, path }) => of === 'direct' && posix.dirname(path) === folder);
  const direct = own ?? onBoth(sides, ({ of }) => of === 'direct');
  if (direct === null) return sides;
  const overrides = (entries: readonly ManifestEntry[]): readonly ManifestEntry[] => entries.filter(({ of }) => of === 'override');
  return { base: [...direct.base, ...overrides(sides.base)], head: [...direct.head, ...overrides(sides.head)] };
};

/**
 * What manifests and lock files name for the `node_modules` of a folder. Where a lock file of both sides does, it alone counts; manifests
 * of folders below count too, since what they need may be placed here.
 */
export const manifestVersions = async (
  repository: Repository,
  base: RuntimeSide,
  head: RuntimeSide,
  folder: string,
): Promise<NamedOnSides> => {
  const names = [...manifestFiles, ...lockFiles];
  const added = (await repository.changedFiles(base.commit)).filter((path) => names.includes(posix.basename(path)));
  const [was, is] = await Promise.all([writtenAt(repository, base, [], folder), writtenAt(repository, head, added, folder)]);
  const locked = upwards(folder).find((at) => [was, is].some(({ locks }) => (locks.get(at)?.length ?? 0) > 0));
  const locksOf = ({ locks }: Written): readonly NamedVersion[] => (locked === undefined ? [] : (locks.get(locked) ?? []));
  const [lockedBase, lockedHead] = [locksOf(was), locksOf(is)];
  if (lockedBase.length > 0 && lockedHead.length > 0) return { base: lockedBase, head: lockedHead };
  const manifests = deciding({ base: was.manifests, head: is.manifests }, folder);
  return { base: [...manifests.base, ...lockedBase], head: [...manifests.head, ...lockedHead] };
};
