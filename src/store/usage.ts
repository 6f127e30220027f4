import { access, constants, readdir, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exists } from './disk.ts';
import { readManifest } from './manifest.ts';

/** What a store holds and how much room is left, found without opening, creating or locking it. */
export interface StoreUsage {
  readonly exists: boolean;
  readonly artefacts: number;
  /** Of all artefacts. */
  readonly bytes: number;
  /** Free for this user on the device where it is, or would be. */
  readonly freeBytes: number;
  /** Whether this user may write there. */
  readonly writable: boolean;
}

/** Looks at the store below `root`, which need not be there yet. Throws what the operating system says when even that is refused. */
export const storeUsage = async (root: string): Promise<StoreUsage> => {
  const there = await exists(root);
  const place = await nearestFolder(root);
  const { bavail, bsize } = await statfs(place);
  const writable = await access(place, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  const folder = join(root, 'artefacts');
  const names = (await exists(folder)) ? (await readdir(folder)).filter((name) => /^[0-9a-f]{64}$/.test(name)) : [];
  let bytes = 0;
  let artefacts = 0;
  for (const name of names) {
    const manifest = await readManifest(join(folder, name)).catch(() => null);
    if (manifest === null) continue;
    artefacts += 1;
    bytes += manifest.bytes;
  }
  return { exists: there, artefacts, bytes, freeBytes: bavail * bsize, writable };
};

const nearestFolder = async (path: string): Promise<string> =>
  (await exists(path)) || dirname(path) === path ? path : nearestFolder(dirname(path));
