import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { entryAt, reached, textBehind } from '../../repository/on-disk.ts';
import type { CodeCopy } from './code-copies.ts';

/** A package as an installer recorded it. */
interface InstalledPackage {
  /** Name and version. */
  readonly label: string;
  /** What tells it from another of that name. */
  readonly content: string;
  /** Absolute. */
  readonly files: () => readonly string[];
}

/** Folder and name → the package. */
export type InstalledPackages = ReadonlyMap<string, InstalledPackage>;

type Entry = readonly [key: string, found: InstalledPackage];

/**
 * The packages that lie in some folders: those of Python as far as an installer recorded them
 * (`RECORD`, PEP 376), those of JavaScript by their manifests.
 */
export const installedPackages = (folders: readonly string[]): InstalledPackages => new Map(folders.flatMap(packagesIn));

const packagesIn = (folder: string): readonly Entry[] => {
  const [own, above] = [basename(folder), basename(dirname(folder))];
  const ofNode = own === 'node_modules' || (own.startsWith('@') && above === 'node_modules');
  return (reached(() => readdirSync(folder)) ?? []).flatMap((name) => (ofNode ? ofJavaScript(folder, name) : ofPython(folder, name)));
};

/** One that is recorded: its files with their digests tell it from others. */
const ofPython = (folder: string, entry: string): readonly Entry[] => {
  const [, name, version] = /^([^-]+)-(.+)\.dist-info$/.exec(entry) ?? [];
  const record = join(folder, entry, 'RECORD');
  if (name === undefined || version === undefined || !existsSync(record)) return [];
  const lines = readFileSync(record, 'utf8').split(/\r?\n/).filter(isContent).sort();
  const files = lines.map((line) => join(folder, line.replace(/,[^,]*,[^,]*$/, '').replace(/^"|"$/g, '')));
  return [[join(folder, name.toLowerCase()), { label: `${name} ${version}`, content: [version, ...lines].join('\n'), files: () => files }]];
};

/**
 * Whether a line of a record says what the package does. An installation in place has paths of a
 * tree in it, whose files are looked at by themselves; what Python compiles has no digest.
 */
const isContent = (line: string): boolean => line !== '' && !/\.dist-info\/|^\.\.|\.pyc,|\.pth,|^__editable__/.test(line);

/** One of a registry: its version tells it from others. One that is linked is a folder of a tree. */
const ofJavaScript = (folder: string, name: string): readonly Entry[] => {
  const path = join(folder, name);
  const manifest = entryAt(path)?.isDirectory() === true ? textBehind(join(path, 'package.json')) : null;
  const version = /"version"\s*:\s*"([^"]+)"/.exec(manifest ?? '')?.[1];
  if (version === undefined) return [];
  return [[path, { label: `${name} ${version}`, content: version, files: () => filesOfPackage(path) }]];
};

/** Without the packages that lie in it. */
const filesOfPackage = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesOfPackage(path);
    return entry.isFile() ? [path] : [];
  });

/**
 * The files of the packages that are other ones than before, or new.
 * @param known only of those that were there
 */
export const replacedSince = (before: InstalledPackages, after: InstalledPackages, known: boolean): readonly CodeCopy[] =>
  [...after].flatMap(([key, { label, content, files }]) =>
    before.get(key)?.content === content || (known && !before.has(key)) ? [] : files().map((path) => ({ path, of: label })),
  );
