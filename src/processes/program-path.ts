import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/**
 * The file that a program's name stands for, by a search path, as the system looks it up in a
 * working directory. Throws as the system does where there is none that may be run.
 */
export const findProgram = (name: string, cwd: string, searchPath: string): string => {
  const files = name.includes('/') ? [resolve(cwd, name)] : searchPath.split(delimiter).map((folder) => resolve(cwd, join(folder, name)));
  const there = files.filter((file) => name !== '' && isFile(file));
  const found = there.find(mayRun);
  if (found === undefined || name.includes('\0')) throw new Error(`spawn ${name} ${there.length === 0 ? 'ENOENT' : 'EACCES'}`);
  return found;
};

/** A folder that is closed to this user is passed over, as the system does. */
const isFile = (file: string): boolean => {
  try {
    return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    return false;
  }
};

const mayRun = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const known = new Map<string, string | null>();

/**
 * The same for a program of the gate itself, as it was found first: code under test may write to a
 * folder of the search path. A program that was not there once is not there later.
 */
export const rememberedProgram = (name: string, cwd: string, searchPath: string): string => {
  if (name.includes('/')) return name;
  const key = `${name}\0${searchPath}`;
  let found = known.get(key);
  if (found === undefined) {
    try {
      found = findProgram(name, cwd, searchPath);
    } catch {
      found = null;
    }
    known.set(key, found);
  }
  if (found === null) throw new Error(`spawn ${name} ENOENT`);
  return found;
};
