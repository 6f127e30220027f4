import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { owner, ownerLives, thisProcess } from '../records/owner.ts';
import { writeAtomically } from './disk.ts';

const ownerName = 'owner.json';

/** An empty folder of this process below `root`, in the file system of the store. */
export const newStaging = async (root: string): Promise<string> => {
  const holder = join(root, randomUUID());
  const files = join(holder, 'files');
  await mkdir(holder, { recursive: true });
  await writeFile(join(holder, ownerName), JSON.stringify(thisProcess()));
  await mkdir(files);
  return files;
};

/** A file that says that this process uses a digest; returns its path. */
export const newLease = async (root: string, digest: string): Promise<string> => {
  const path = join(root, `${digest}-${randomUUID()}`);
  await writeAtomically(path, JSON.stringify(thisProcess()));
  return path;
};

/** Removes what processes that are dead by now left below `root`. */
export const removeAbandoned = async (root: string): Promise<void> => {
  for (const name of await readdir(root)) {
    const holder = join(root, name);
    if (await isAbandoned(join(holder, ownerName))) await rm(holder, { recursive: true, force: true });
  }
};

/** Whether the owner that a file names is dead. What cannot be read may be in the making, so it is kept. */
export const isAbandoned = async (path: string): Promise<boolean> => {
  try {
    const parsed = owner.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success && ownerLives(parsed.data) === false;
  } catch {
    return false;
  }
};
