import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const deviceOf = (folder: string): number => statSync(folder).dev;

const isWritable = (folder: string): boolean => {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/**
 * Where base is checked out: the folder for temporary files, or beside the checkout where only that
 * is in its file system. Else one side could read and write its files faster than the other.
 */
export const treePlace = (checkout: string, temporary: string): string => {
  const [usual, beside] = [resolve(temporary), dirname(realpathSync(checkout))];
  const device = deviceOf(checkout);
  return deviceOf(usual) !== device && deviceOf(beside) === device && isWritable(beside) ? beside : usual;
};

/** Whether programs of both sides find their files in one file system. */
export const isOneFileSystem = (checkout: string, place: string): boolean => deviceOf(checkout) === deviceOf(place);
