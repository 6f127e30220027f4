import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CodeCopy } from './code-copies.ts';

/** A package of Python as an installer recorded it. */
interface InstalledPackage {
  /** Name and version. */
  readonly label: string;
  /** What tells it from another of that name: its files with their digests. */
  readonly content: string;
  /** Absolute. */
  readonly files: readonly string[];
}

/** Folder and name → the package. */
export type InstalledPackages = ReadonlyMap<string, InstalledPackage>;

/** The packages that lie in some folders, as far as an installer recorded them (`RECORD`, PEP 376). */
export const installedPackages = (folders: readonly string[]): InstalledPackages =>
  new Map(
    folders
      .filter((folder) => existsSync(folder))
      .flatMap((folder) =>
        readdirSync(folder).flatMap((entry): [string, InstalledPackage][] => {
          const [, name, version] = /^([^-]+)-(.+)\.dist-info$/.exec(entry) ?? [];
          const record = join(folder, entry, 'RECORD');
          if (name === undefined || version === undefined || !existsSync(record)) return [];
          const lines = readFileSync(record, 'utf8').split(/\r?\n/).filter(isContent).sort();
          const files = lines.map((line) => join(folder, line.replace(/,[^,]*,[^,]*$/, '').replace(/^"|"$/g, '')));
          return [[join(folder, name.toLowerCase()), { label: `${name} ${version}`, content: [version, ...lines].join('\n'), files }]];
        }),
      ),
  );

/**
 * Whether a line of a record says what the package does. An installation in place has paths of a
 * tree in it, whose files are looked at by themselves; what Python compiles has no digest.
 */
const isContent = (line: string): boolean => line !== '' && !/\.dist-info\/|^\.\.|\.pyc,|\.pth,|^__editable__/.test(line);

/**
 * The files of the packages that are other ones than before, or new.
 * @param known only of those that were there
 */
export const replacedSince = (before: InstalledPackages, after: InstalledPackages, known: boolean): readonly CodeCopy[] =>
  [...after].flatMap(([key, { label, content, files }]) =>
    before.get(key)?.content === content || (known && !before.has(key)) ? [] : files.map((path) => ({ path, of: label })),
  );
