import { readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { digestOf } from '../../records/decode.ts';
import { reached } from '../../repository/on-disk.ts';
import { type CodeCopy, holdsPackages } from './code-copies.ts';

/** Of larger files no digest is taken unless a setup has written them: some folders hold gigabytes. */
const alwaysRead = 256 * 1024;

interface InstalledFile {
  /** Another one whenever the file is written. */
  readonly version: string;
  readonly size: number;
}

/** Absolute path → the file, behind links. */
export type InstalledPrograms = ReadonlyMap<string, InstalledFile>;

/** Of the system: reading there may wait for ever. */
const isVirtual = (path: string): boolean => /^\/(proc|sys|dev|run)(\/|$)/.test(path);

/** Folders that hold those of many: what lies in them is no installation of one project. */
const isShared = (path: string, home: string | undefined): boolean =>
  /^\/((bin|boot|etc|home|lib\w*|media|mnt|nix|opt|root|sbin|snap|srv|tmp|usr|var)?|(usr|usr\/local|var|home)\/[^/]*|etc\/.*)$/.test(
    path,
  ) || [home, tmpdir()].includes(path);

/** Entries below named folders that are looked at. */
const mostBelow = 5000;

/** Files below some folders, but for those of packages, which are known by their records, and what Python compiles. */
const filesBelow = (folders: readonly string[]): readonly string[] => {
  const found: string[] = [];
  const queue = [...folders];
  let left = mostBelow;
  for (let folder = queue.shift(); folder !== undefined && left > 0; folder = queue.shift()) {
    if (holdsPackages(folder)) continue;
    for (const entry of reached(() => readdirSync(folder, { withFileTypes: true })) ?? []) {
      left -= 1;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) queue.push(path);
      else if (!/^\.py[co]$/.test(extname(path))) found.push(path);
    }
  }
  return found;
};

/**
 * The programs that are found by their name, and the libraries beside them: what `make install` and
 * the like put in place.
 * @param named absolute paths in commands: files that are put in place, or folders to install below
 */
export const installedPrograms = (environment: Readonly<Record<string, string>>, named: readonly string[]): InstalledPrograms => {
  const searched = ['PATH', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH'].flatMap((name) => (environment[name] ?? '').split(delimiter));
  const paths = named.filter((path) => !isVirtual(path));
  const below = paths.map((path) => (basename(dirname(path)) === 'bin' ? dirname(path) : join(path, 'bin')));
  const folders = [...searched.filter(isAbsolute), ...below].flatMap((folder) => [
    folder,
    ...['lib', 'lib64'].map((lib) => join(dirname(folder), lib)),
  ]);
  const own = paths.map((path) => resolve(path)).filter((path) => !isShared(path, environment['HOME']));
  return new Map([...[...new Set(folders)].flatMap(filesIn), ...[...paths, ...filesBelow(own)].flatMap(fileAt)]);
};

type Entry = readonly [path: string, file: InstalledFile];

const fileAt = (path: string): readonly Entry[] => {
  const stats = reached(() => statSync(path, { bigint: true }));
  if (stats?.isFile() !== true) return [];
  return [[path, { version: `${stats.dev} ${stats.ino} ${stats.mtimeNs} ${stats.ctimeNs}`, size: Number(stats.size) }]];
};

/** Those of some paths that are files, outside of what the system makes up. */
export const filesAt = (paths: readonly string[]): InstalledPrograms => new Map(paths.filter((path) => !isVirtual(path)).flatMap(fileAt));

/** None of a folder that is not there or not to be read: nothing is started from there. */
const filesIn = (folder: string): readonly Entry[] =>
  (reached(() => readdirSync(folder)) ?? []).flatMap((name) => fileAt(join(folder, name)));

/** Paths of what was written or put in place since. */
export const writtenSince = (before: InstalledPrograms, after: InstalledPrograms): readonly string[] =>
  [...after].flatMap(([path, { version }]) => (before.get(path)?.version === version ? [] : [path]));

/** Path → digest of the file, of those whose digest is taken. */
export type Contents = ReadonlyMap<string, string>;

/** @param written files whose digest is taken, whatever their size */
export const contentsOf = (programs: InstalledPrograms, written: readonly string[]): Contents => {
  const all = new Set(written);
  return new Map([...programs].flatMap(([path, { size }]) => (all.has(path) || size <= alwaysRead ? [[path, digestOfFile(path)]] : [])));
};

/** The same of some paths. */
export const namedContents = (paths: readonly string[]): Contents => new Map(paths.map((path) => [path, digestOfFile(path)]));

const digestOfFile = (path: string): string => {
  try {
    return digestOf(readFileSync(path));
  } catch {
    return '';
  }
};

/**
 * Those of some files that hold something else than before, or are new. So may be a large one that
 * only the latest setup has written: the other found it as it wanted it.
 */
export const replacedPrograms = (before: Contents, written: readonly string[]): readonly CodeCopy[] =>
  written.flatMap((path) => (before.get(path) === digestOfFile(path) ? [] : [{ path, of: basename(path) }]));
