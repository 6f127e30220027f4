import { closeSync, lstatSync, mkdirSync, openSync, readFileSync, rmdirSync, rmSync, type Stats, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GateError } from '../errors.ts';
import { asDiskError } from '../records/disk-error.ts';
import type { Repository } from '../repository/repository.ts';

/** A file that is to be written. */
export interface ProposedFile {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly text: string;
  /** Why it is written, and what it does, in a sentence. */
  readonly why: string;
}

const entryOf = (path: string): Stats | null => lstatSync(path, { throwIfNoEntry: false }) ?? null;

/** Throws where a folder on the way is a link or a file: a link could lead out of the repository. */
const requireFolders = (root: string, path: string): void => {
  const parts = dirname(path).split('/');
  for (const [at] of parts.entries()) {
    const folder = parts.slice(0, at + 1).join('/');
    const found = entryOf(join(root, folder));
    if (found === null || found.isDirectory()) continue;
    if (found.isSymbolicLink())
      throw new GateError('link-invalid', `${path} was to be written. Expected the folder ${folder}, got a symbolic link.`, {
        where: folder,
      });
    throw existing(folder, `Expected a folder or nothing there, got a file.`);
  }
};

const existing = (path: string, found: string): GateError =>
  new GateError('init-file-exists', `This file was to be written. ${found} Nothing was written.`, { where: path });

/**
 * Throws `init-file-exists` for a file that is there, and with `force` for one that git could not give
 * back; `link-invalid` where a link leads to it.
 */
export const requireRoom = async (repository: Repository, files: readonly ProposedFile[], force: boolean): Promise<void> => {
  for (const { path } of files) requireFolders(repository.folder, path);
  const there = files.filter(({ path }) => entryOf(join(repository.folder, path)) !== null).map(({ path }) => path);
  const [first, ...others] = there;
  const also = others.length === 0 ? '' : ` Also there: ${others.join(', ')}.`;
  if (first !== undefined && !force) throw existing(first, `Expected nothing there, found a file.${also}`);
  for (const path of there)
    if (entryOf(join(repository.folder, path))?.isFile() !== true)
      throw existing(path, 'Expected a regular file to replace, got something else.');
  for (const { path } of files) {
    const other = path.replace(/\.yml$/, '.yaml');
    if (other !== path && entryOf(join(repository.folder, other)) !== null)
      throw existing(other, `Expected nothing there, because ${path} would be a second one.`);
  }
  const [unsaved] = await repository.unsaved(there);
  if (unsaved !== undefined)
    throw existing(unsaved, 'Expected a committed file without changes to replace, got one that git could not give back.');
};

/** Writes all files, or none: what was done is undone where one cannot be written. Throws `folder-unwritable`, `disk-full` and `init-file-exists`. */
export const writeFiles = (root: string, files: readonly ProposedFile[]): void => {
  const undo: (() => void)[] = [];
  try {
    for (const { path, text } of files) {
      const place = join(root, path);
      makeFolder(dirname(place), undo);
      const before = entryOf(place) === null ? null : readFileSync(place);
      if (before === null) makeFile(place, path);
      undo.push(() => (before === null ? rmSync(place) : writeFileSync(place, before)));
      writeFileSync(place, text);
    }
  } catch (thrown) {
    for (const each of undo.toReversed()) attempt(each);
    throw asDiskError(thrown, { path: root, noun: 'repository' }) ?? thrown;
  }
};

/** Another program may have made one since it was looked for. */
const makeFile = (place: string, path: string): void => {
  try {
    closeSync(openSync(place, 'wx'));
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST')
      throw existing(path, 'Expected nothing there, found a file.');
    throw thrown;
  }
};

/** Each folder that is made is removed again where it is undone. */
const makeFolder = (folder: string, undo: (() => void)[]): void => {
  if (entryOf(folder) !== null) return;
  makeFolder(dirname(folder), undo);
  mkdirSync(folder);
  undo.push(() => rmdirSync(folder));
};

const attempt = (step: () => void): void => {
  try {
    step();
  } catch {
    // The first fault is the one that is told.
  }
};
