import type { Git } from './git.ts';

/** What `.gitmodules` says of a submodule. */
export interface SubmoduleSection {
  readonly name: string;
  readonly path: string;
  readonly url: string;
  /** False: `update = none` keeps it from being checked out. */
  readonly updated: boolean;
}

/** The sections of the `.gitmodules` on disk that name a path and a URL. */
export const submoduleSections = async (git: Git): Promise<readonly SubmoduleSection[]> => {
  const listed = (await git.line(['config', '-z', '--file', '.gitmodules', '--get-regexp', '^submodule\\.'])) ?? '';
  const sections = new Map<string, Map<string, string>>();
  for (const entry of listed.split('\0')) {
    const [, name, key, value] = /^submodule\.(.*)\.([^.\n]+)\n(.*)$/s.exec(entry) ?? [];
    if (name === undefined || key === undefined || value === undefined) continue;
    const section = sections.get(name) ?? new Map<string, string>();
    sections.set(name, section.set(key, value));
  }
  return [...sections].flatMap(([name, section]) => {
    const [path, url] = [section.get('path'), section.get('url')];
    return path === undefined || url === undefined ? [] : [{ name, path, url, updated: section.get('update') !== 'none' }];
  });
};

/**
 * The addresses that a URL of `.gitmodules` means, in the order in which to ask them. One that
 * begins with `./` or `../` is relative to the address of the repository that pins the submodule.
 * For one by SSH of a server that the repository itself is had from by HTTPS, the same by HTTPS
 * comes second: so a checkout step gets it that has a token and no key.
 */
export const addressesOf = (url: string, parent: string): readonly string[] => {
  const address = resolved(url, parent);
  const server = /^https:\/\/(?:[^@/]*@)?([^/]+)\//.exec(parent)?.[1];
  const [, host, path] = /^(?:ssh:\/\/)?git@([^:/]+)[:/](.+)$/.exec(address) ?? [];
  return server !== undefined && host === server ? [address, `https://${server}/${path}`] : [address];
};

const resolved = (url: string, parent: string): string => {
  if (!/^\.\.?\//.test(url)) return url;
  let [from, joint, rest] = [parent.replace(/\/+$/, ''), '/', url];
  for (let step = /^\.\.?\/+/.exec(rest)?.[0]; step !== undefined; step = /^\.\.?\/+/.exec(rest)?.[0]) {
    rest = rest.slice(step.length);
    if (!step.startsWith('..')) continue;
    const at = Math.max(from.lastIndexOf('/'), from.includes('/') ? -1 : from.lastIndexOf(':'));
    joint = from.charAt(at) === ':' ? ':' : '/';
    from = from.slice(0, Math.max(at, 0));
  }
  return `${from}${joint}${rest}`;
};
