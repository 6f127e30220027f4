import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readFileSync, statfsSync } from 'node:fs';

/** File systems whose files are nowhere but in memory (`f_type` of `statfs`): tmpfs, ramfs, hugetlbfs. */
const memoryTypes: ReadonlySet<number> = new Set([0x0102_1994, 0x8584_58f6, 0x9584_58f6]);
/** Device → whether it is one of them. */
const known = new Map<bigint, boolean>();

const isInMemory = (path: string | Buffer, device: bigint): boolean => {
  const found = known.get(device) ?? memoryTypes.has(statfsSync(path).type);
  known.set(device, found);
  return found;
};

/**
 * Digest of a file that lies in memory: there a program can write through a mapping, which leaves all
 * times of the file. Empty for a file elsewhere, and for a folder or link. The access time stays.
 */
export const digestInMemory = (path: string | Buffer, stats: { readonly dev: bigint; isFile(): boolean }): string => {
  if (process.platform !== 'linux' || !stats.isFile() || !isInMemory(path, stats.dev)) return '';
  const file = openUnnoticed(path);
  try {
    return createHash('sha256').update(readFileSync(file)).digest('hex');
  } finally {
    closeSync(file);
  }
};

/** That takes its owner. */
const openUnnoticed = (path: string | Buffer): number => {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOATIME);
  } catch {
    return openSync(path, constants.O_RDONLY);
  }
};
