import { access, constants, readdir, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256 } from '../records/words.ts';
import { exists } from './disk.ts';
import { readManifest } from './manifest.ts';
import { type RecordPart, readRecords, recordParts } from './record-files.ts';

/** How many things there are, and how large they are together. */
export interface Amount {
  readonly count: number;
  readonly bytes: number;
}

/** What a store holds and how much room is left, found without opening, creating or locking it. */
export interface StoreUsage {
  readonly exists: boolean;
  readonly artefacts: Amount;
  readonly records: Readonly<Record<RecordPart, Amount>>;
  /** Of artefacts and records. */
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
  const artefacts = amountOf(await artefactSizes(join(root, 'artefacts')));
  const counted = await Promise.all(
    recordParts.map(async (part) => [part, amountOf((await readRecords(root, part)).map(({ bytes }) => bytes))] as const),
  );
  const bytes = counted.reduce((sum, [, each]) => sum + each.bytes, artefacts.bytes);
  const records = Object.fromEntries(counted) as Record<RecordPart, Amount>;
  return { exists: there, artefacts, records, bytes, freeBytes: bavail * bsize, writable };
};

const amountOf = (sizes: readonly number[]): Amount => ({ count: sizes.length, bytes: sizes.reduce((sum, each) => sum + each, 0) });

const artefactSizes = async (folder: string): Promise<readonly number[]> => {
  const sizes: number[] = [];
  for (const digest of await digestsIn(folder))
    for (const content of await digestsIn(join(folder, digest))) {
      const manifest = await readManifest(join(folder, digest, content)).catch(() => null);
      if (manifest !== null) sizes.push(manifest.bytes);
    }
  return sizes;
};

const digestsIn = async (folder: string): Promise<readonly string[]> =>
  (await exists(folder)) ? (await readdir(folder)).filter((name) => sha256.safeParse(name).success) : [];

const nearestFolder = async (path: string): Promise<string> =>
  (await exists(path)) || dirname(path) === path ? path : nearestFolder(dirname(path));
