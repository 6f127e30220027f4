import { lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/** Through these files a step commands the runner: what stands in them holds for later steps and for readers. */
const names = ['GITHUB_OUTPUT', 'GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'] as const;

export interface CommandFiles {
  /** Writes back what stood in the files at the start, once. Returns the names of those that were changed. */
  restore(): readonly string[];
}

/**
 * Remembers the runner's command files of this step. Their paths are told to nobody, but code under
 * test can find them.
 */
export const openCommandFiles = (environment: Readonly<Record<string, string | undefined>>): CommandFiles => {
  const files = names.flatMap((name) => {
    const path = environment[name];
    return path === undefined || path === '' ? [] : [{ name, path, content: contentOf(path) }];
  });
  let restored = false;
  return {
    restore: () => {
      if (restored) return [];
      restored = true;
      const changed = files.filter(({ path, content }) => !same(contentOf(path), content));
      for (const { path, content } of changed) {
        rmSync(path, { recursive: true, force: true });
        if (content !== null) writeFileSync(path, content);
      }
      return changed.map(({ name }) => name);
    },
  };
};

/** Null for what is no file of its own: a link would lead elsewhere. */
const contentOf = (path: string): Buffer | null =>
  lstatSync(path, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(path) : null;

const same = (one: Buffer | null, other: Buffer | null): boolean => (one === null || other === null ? one === other : one.equals(other));
