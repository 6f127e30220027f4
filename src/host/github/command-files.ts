import { chmodSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openFoldersAbove } from './folders-above.ts';

/** Through these files a step commands the runner: what stands in them holds for later steps and for readers. */
const names = ['GITHUB_OUTPUT', 'GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'] as const;

export interface CommandFiles {
  /**
   * Writes back what stood in the files at the start, once. Returns the names of those that were
   * changed. Throws what the system says of one that cannot be written back, after all others were.
   */
  restore(): readonly string[];
}

/** What a file held, its mode and that of the folder around it; null where there is none. */
interface Known {
  readonly content: Buffer | null;
  /** The file itself and how many names it has: under another one it can be another command file. */
  readonly names: string | null;
  readonly mode: number | null;
  readonly around: number | null;
}

/**
 * Remembers the runner's command files of this step. Their paths are told to nobody, but code under
 * test can find them.
 */
export const openCommandFiles = (environment: Readonly<Record<string, string | undefined>>): CommandFiles => {
  const files = names.flatMap((name) => {
    const path = environment[name];
    return path === undefined || path === '' ? [] : [{ name, path, known: knownOf(path), above: openFoldersAbove(path) }];
  });
  let restored = false;
  return {
    restore: () => {
      if (restored) return [];
      const faults: unknown[] = [];
      const changed = files.filter(({ path, known, above }) => {
        try {
          const isMoved = above.restore();
          return writeBack(path, known) || isMoved;
        } catch (thrown) {
          faults.push(thrown);
          return true;
        }
      });
      const [fault] = faults;
      if (fault !== undefined) throw fault;
      restored = true;
      return changed.map(({ name }) => name);
    },
  };
};

/** What may be done with a file or folder; null for another kind: a link would lead elsewhere. */
const modeOf = (path: string, kind: 'file' | 'folder'): number | null => {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  const isIt = kind === 'file' ? stats?.isFile() : stats?.isDirectory();
  return stats !== undefined && isIt === true ? stats.mode & 0o7777 : null;
};

const contentOf = (path: string): Buffer | null => (modeOf(path, 'file') === null ? null : readFileSync(path));

const sizeOf = (path: string): number | null => (modeOf(path, 'file') === null ? null : lstatSync(path).size);

const namesOf = (path: string): string | null => {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats === undefined ? null : [stats.dev, stats.ino, stats.nlink].join(' ');
};

const knownOf = (path: string): Known => ({
  content: contentOf(path),
  names: namesOf(path),
  mode: modeOf(path, 'file'),
  around: modeOf(dirname(path), 'folder'),
});

/** Whether the file had to be written back. Code under test may have taken away what that needs. */
const writeBack = (path: string, { content, names, mode, around }: Known): boolean => {
  const folder = dirname(path);
  if (around !== null && modeOf(folder, 'folder') !== around) chmodSync(folder, around);
  // Its mode and size first: what may not be read, or is larger than memory, was changed.
  const isLike = modeOf(path, 'file') === mode && namesOf(path) === names && sizeOf(path) === (content?.length ?? null);
  if (isLike && same(contentOf(path), content)) return false;
  openUp(path);
  rmSync(path, { recursive: true, force: true });
  if (content !== null && mode !== null) {
    writeFileSync(path, content);
    chmodSync(path, mode);
  }
  return true;
};

/** Lets folders be removed with all that they hold. */
const openUp = (path: string): void => {
  if (modeOf(path, 'folder') === null) return;
  chmodSync(path, 0o700);
  for (const name of readdirSync(path)) openUp(join(path, name));
};

const same = (one: Buffer | null, other: Buffer | null): boolean => (one === null || other === null ? one === other : one.equals(other));
