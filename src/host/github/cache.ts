import { homedir } from 'node:os';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { Cache, Log } from '../contract.ts';

/** Characters that the cache's path patterns give a meaning to. */
const pattern = /[*?[\]!#\r\n]/;
const MAX_KEYS = 10;

const below = (folder: string, path: string): string | null => {
  const inside = relative(folder, path);
  return inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? null : inside;
};

/**
 * Paths as the cache should know them: relative to the working directory or to `~`, sorted, each once. The cache's version is a
 * digest of the literal list, so an absolute path would miss on every runner that keeps its workspace elsewhere.
 * Null when a path has a pattern's character in it, or when there is no path.
 */
export const cachePaths = (paths: readonly string[], directory: string, home: string): string[] | null => {
  if (paths.length === 0 || paths.some((path) => path === '' || pattern.test(path))) return null;
  const stable = paths.map((path) => {
    const whole = resolve(directory, path);
    const inHome = below(home, whole);
    return below(directory, whole) ?? (inHome === null ? whole : `~/${inHome}`);
  });
  return [...new Set(stable)].sort();
};

/** A cache key is at most 512 characters and holds no comma. */
const goodKey = (key: string): boolean => key.length > 0 && key.length <= 512 && !key.includes(',');

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * The workflow cache, through @actions/cache (loaded on first use). Never throws: what goes wrong is a warning in the log, each
 * kind once. Without a cache service (`ACTIONS_RESULTS_URL`) it is off.
 */
export const workflowCache = (log: Log): Cache => {
  const said = new Set<string>();
  const warnOnce = (kind: string, text: string): void => {
    if (said.has(kind)) return;
    said.add(kind);
    log.warn(text);
  };
  const open = async () => {
    const cache = await import('@actions/cache');
    return cache.isFeatureAvailable() ? cache : null;
  };
  return {
    restore: async (key, restoreKeys, paths) => {
      try {
        const stable = cachePaths(paths, process.cwd(), homedir());
        const keys = restoreKeys.filter(goodKey).slice(0, MAX_KEYS - 1);
        const cache = stable === null || !goodKey(key) ? null : await open();
        return cache === null || stable === null ? null : ((await cache.restoreCache(stable, key, keys)) ?? null);
      } catch (error) {
        warnOnce('restore', `the cache could not be read: ${reason(error)}`);
        return null;
      }
    },
    save: async (key, paths) => {
      try {
        const stable = cachePaths(paths, process.cwd(), homedir());
        const cache = stable === null || !goodKey(key) ? null : await open();
        if (cache === null || stable === null) return 'off';
        // An entry never changes: looking first saves packing gigabytes for nothing, and tells a refusal from an entry.
        const exists = async (): Promise<boolean> => (await cache.restoreCache([...stable], key, [], { lookupOnly: true })) === key;
        if (await exists()) return 'exists';
        if ((await cache.saveCache([...stable], key)) !== -1) return 'saved';
        if (await exists()) return 'exists';
        warnOnce(
          'denied',
          'the cache was not written: this run may only read it (`cache-mode: write` in the workflow allows more, but not for forks)',
        );
        return 'denied';
      } catch (error) {
        warnOnce('save', `the cache could not be written: ${reason(error)}`);
        return 'off';
      }
    },
  };
};
