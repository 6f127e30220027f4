import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nounId, sha256 } from '../records/words.ts';

/** Where the scratch of a run lies, and what its bytes are signed with: code under test, which may write there, does not know it. */
export interface ScratchPlace {
  readonly root: string;
  /** Hexadecimal. */
  readonly secret: string;
}

/** A place in a store, with a secret that only this process has. */
export const newScratchPlace = (root: string): ScratchPlace => ({ root, secret: randomBytes(32).toString('hex') });

const digestBytes = 32;
const folderOf = (root: string): string => join(root, 'scratch');

/**
 * Bytes that launches of one run leave for each other in a store, so that what takes long is computed once. Nothing depends on them: what is
 * absent, damaged or of another size reads as null, and what cannot be written is not kept.
 */
export interface Scratch {
  /** Exactly `bytes` bytes, from offset 0 of a buffer of their own. */
  read(part: string, bytes: number): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Complete or absent for every reader; the last writer wins. */
  write(part: string, value: Uint8Array): Promise<void>;
}

/** The scratch of one key (a digest of all that the bytes follow from). */
export const openScratch = ({ root, secret }: ScratchPlace, key: string): Scratch => {
  const folder = join(folderOf(root), sha256.parse(key));
  const sign = (part: string, bytes: Uint8Array): Uint8Array =>
    createHmac('sha256', Buffer.from(secret, 'hex')).update(`${key} ${part}\n`).update(bytes).digest();
  const pathOf = (part: string): string => join(folder, `${nounId.parse(part)}.bin`);
  return {
    read: async (part, bytes) => {
      const path = pathOf(part);
      return readWhole(path, bytes, (value) => sign(part, value)).catch(() => null);
    },
    write: async (part, value) => {
      const path = pathOf(part);
      const draft = join(folder, `${randomUUID()}.draft`);
      try {
        await mkdir(folder, { recursive: true });
        await writeFile(draft, [value, sign(part, value)], { flag: 'wx' });
        await rename(draft, path);
      } catch {
        // A full or read-only disk: the next launch computes it again.
        await rm(draft, { force: true }).catch(() => {});
      }
    },
  };
};

/** Removes all scratch of a store. A run does so when its builds are done, so that nothing that their code wrote is read, and at its end. */
export const clearScratch = (root: string): Promise<void> => rm(folderOf(root), { recursive: true, force: true });

const readWhole = async (path: string, bytes: number, sign: (value: Uint8Array) => Uint8Array): Promise<Uint8Array<ArrayBuffer> | null> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const found = await file.stat();
    if (!found.isFile() || found.size !== bytes + digestBytes) return null;
    const whole = new Uint8Array(bytes + digestBytes);
    for (let at = 0; at < whole.length; ) {
      const { bytesRead } = await file.read(whole, at, whole.length - at, at);
      if (bytesRead === 0) return null;
      at += bytesRead;
    }
    const value = whole.subarray(0, bytes);
    return Buffer.compare(sign(value), whole.subarray(bytes)) === 0 ? value : null;
  } finally {
    await file.close();
  }
};
