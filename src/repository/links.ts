import { readlinkSync } from 'node:fs';
import { join, posix } from 'node:path';
import { GateError } from '../errors.ts';
import type { Git } from './git.ts';

/** As many as Linux follows. */
const mostLinks = 40;

/** Targets of those of some paths that are symbolic links themselves. */
export type LinksAmong = (paths: readonly string[]) => Promise<ReadonlyMap<string, string>>;

/** `a/b/c` → `a`, `a/b`, `a/b/c` */
const prefixesOf = (path: string): readonly string[] => {
  const parts = path.split('/');
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
};

const refused = (path: string, what: string): GateError =>
  new GateError('link-invalid', `This path was followed. Its symbolic link ${what}.`, { where: path });

/** The path after one link, of a link at `at` on the way to `path`. Throws `link-invalid` where it leaves the repository. */
const afterLink = (path: string, at: string, target: string, asked: string): string => {
  const led = posix.normalize(posix.join(posix.dirname(at), target, path.slice(at.length)));
  if (posix.isAbsolute(target) || led === '..' || led.startsWith('../'))
    throw refused(asked, `${at} leads to ${JSON.stringify(target)}, which is outside the repository`);
  return led;
};

/**
 * asked path → the same place without symbolic links, whether anything is there or not. A link may be the file or a folder on the
 * way to it. Throws `link-invalid` for a link that leaves the repository, and for a ring of links; with `leaveOut` such paths are left
 * out.
 */
export const followLinks = async (
  paths: readonly string[],
  linksAmong: LinksAmong,
  leaveOut = false,
): Promise<ReadonlyMap<string, string>> => {
  const now = new Map(paths.map((path) => [path, path]));
  const targets = new Map<string, string | null>();
  let open = [...now.keys()];
  for (let step = 0; open.length > 0; step++) {
    const unknown = new Set(open.flatMap((asked) => prefixesOf(now.get(asked) ?? asked)).filter((path) => !targets.has(path)));
    const links = unknown.size === 0 ? new Map<string, string>() : await linksAmong([...unknown]);
    for (const path of unknown) targets.set(path, links.get(path) ?? null);
    open = open.filter((asked) => {
      const path = now.get(asked) ?? asked;
      const at = prefixesOf(path).find((prefix) => typeof targets.get(prefix) === 'string');
      if (at === undefined) return false;
      try {
        if (step === mostLinks) throw refused(asked, `${at} leads in a circle, or through more than ${mostLinks} links`);
        now.set(asked, afterLink(path, at, targets.get(at) ?? '', asked));
        return true;
      } catch (thrown) {
        if (!leaveOut) throw thrown;
        now.delete(asked);
        return false;
      }
    });
  }
  return now;
};

/** The links of the files on disk. */
export const linksOnDisk =
  (folder: string): LinksAmong =>
  async (paths) =>
    new Map(
      paths.flatMap((path) => {
        const target = targetOnDisk(join(folder, path));
        return target === null ? [] : [[path, target] as const];
      }),
    );

const targetOnDisk = (file: string): string | null => {
  try {
    return readlinkSync(file);
  } catch {
    // No link, or nothing: behind a ring of links, a file or a closed folder there is nothing either.
    return null;
  }
};

/** The links of a commit. */
export const linksAt =
  (git: Git, commit: string): LinksAmong =>
  async (paths) => {
    const listed = (await git.read(['ls-tree', '-z', '--full-tree', commit, '--', ...paths])).toString('utf8');
    const links = new Map<string, string>();
    for (const entry of listed.split('\0')) {
      const [, object, path] = /^120000 blob ([0-9a-f]+)\t(.*)$/s.exec(entry) ?? [];
      if (object !== undefined && path !== undefined) links.set(path, (await git.read(['cat-file', 'blob', object])).toString('utf8'));
    }
    return links;
  };
