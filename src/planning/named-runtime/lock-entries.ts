import { posix } from 'node:path';
import type { Json } from '../../records/words.ts';
import { jsonMap, jsonOf } from './json-map.ts';
import { library, type NamedVersion } from './named-version.ts';

/** A version that a lock file names; `exact`: for the `node_modules` that was asked for, where the file tells them apart. */
type LockEntry = NamedVersion & { readonly exact: boolean };

const isFromRegistry = (address: string): boolean => /^https?:/.test(address) && !/\.git(#|$)/.test(address);

const aliased = (name: unknown, version: string): string =>
  typeof name === 'string' && name !== library && name !== '' ? `${name}@${version}` : version.replace(/^npm:/, '');

/** Lock files of npm are nested as deep as the packages are. */
const deepest = 50;

const npmEntry = (value: Json | undefined, path: string, exact: boolean): readonly LockEntry[] => {
  const { name, version, resolved, integrity, link } = jsonMap(value);
  const address = typeof resolved === 'string' && !isFromRegistry(resolved) ? resolved : null;
  const detail = typeof integrity === 'string' ? integrity : address;
  if (typeof version === 'string') return [{ spec: aliased(name, version), detail, path, exact }];
  return link === true && address !== null ? [{ spec: address, detail: null, path, exact }] : [];
};

const nestedEntries = (value: Json | undefined, path: string, top: boolean, depth: number): readonly LockEntry[] =>
  depth > deepest
    ? []
    : Object.entries(jsonMap(value)).flatMap(([name, each]) => [
        ...(name === library ? npmEntry(each, path, top) : []),
        ...nestedEntries(jsonMap(each)['dependencies'], path, false, depth + 1),
      ]);

const npmEntries = (text: string, path: string, holder: string): readonly LockEntry[] => {
  const lock = jsonMap(jsonOf(text));
  const own = posix.join(holder, 'node_modules', library);
  const packages = Object.entries(jsonMap(lock['packages'])).flatMap(([key, each]) =>
    key === own || key.endsWith(`node_modules/${library}`) ? npmEntry(each, path, key === own) : [],
  );
  return packages.length > 0 ? packages : nestedEntries(lock['dependencies'], path, holder === '', 0);
};

const unquoted = (text: string): string => text.trim().replace(/^["']|["']$/g, '');

const yarnEntries = (text: string, path: string): readonly LockEntry[] => {
  const found: LockEntry[] = [];
  const lines = text.split(/\r?\n/);
  for (const [at, line] of lines.entries()) {
    if (!/^\S/.test(line) || !line.includes(`${library}@`)) continue;
    const key = unquoted(line.replace(/:\s*$/, ''))
      .split(',')
      .map(unquoted)
      .find((each) => each.startsWith(`${library}@`));
    if (key === undefined) continue;
    const end = lines.findIndex((other, below) => below > at && !/^\s+\S/.test(other));
    const block = lines.slice(at + 1, end === -1 ? undefined : end);
    const field = (name: string): string | null => {
      const own = block.map((each) => /^\s+"?(\w+)"?:?\s+(.*)$/.exec(each)).find((each) => each?.[1] === name);
      return own?.[2] === undefined ? null : unquoted(own[2]);
    };
    const alias = /^(@?[^@]+)@npm:/.exec(field('resolution') ?? '')?.[1] ?? /@npm:(@?[^@]+)@/.exec(key)?.[1];
    const address = field('resolved') ?? field('resolution');
    const detail = field('integrity') ?? field('checksum')?.replace(/^.*\//, '') ?? null;
    const other = address === null || isFromRegistry(address) || address.includes('@npm:') ? null : address;
    found.push({ spec: aliased(alias, field('version') ?? key), detail: detail ?? other, path, exact: false });
  }
  return found;
};

const pnpmEntries = (text: string, path: string): readonly LockEntry[] => {
  const lines = text.split(/\r?\n/);
  const packages = lines.flatMap((line, at): readonly LockEntry[] => {
    const spec = /^\s+['"]?\/?onnxruntime-node[@/](.+?)['"]?:\s*(?:\{\})?\s*$/.exec(line)?.[1]?.replace(/[(_].*$/, '');
    const integrity = /integrity: *([^,}\s]+)/.exec(lines.slice(at + 1, at + 3).join(' '))?.[1];
    return spec === undefined ? [] : [{ spec, detail: integrity ?? null, path, exact: false }];
  });
  const direct = lines.flatMap((line, at) => {
    const [, old] = /^\s+['"]?onnxruntime-node['"]?:\s*(\S*)\s*$/.exec(line) ?? [];
    const below =
      old === ''
        ? lines.slice(at + 1, at + 3).map((each) => /^\s+version:\s*(\S+)/.exec(each)?.[1])
        : [/^[\d^~]/.test(old ?? '') ? undefined : old];
    return below.flatMap((each) => (each === undefined ? [] : [unquoted(each).replace(/[(_].*$/, '')]));
  });
  const detailOf = (spec: string): string | null => packages.find((each) => each.spec === spec && each.detail !== null)?.detail ?? null;
  return direct.length === 0 ? packages : direct.map((spec) => ({ spec, detail: detailOf(spec), path, exact: false }));
};

const bunEntries = (text: string, path: string): readonly LockEntry[] =>
  [...text.matchAll(/^[ \t]*"((?:[^"\n]*\/)?onnxruntime-node)":\s*\["([^"\n]*)"([^\n]*)$/gm)].map(([, key = '', spec = '', rest = '']) => ({
    spec: spec.startsWith(`${library}@`) ? spec.slice(library.length + 1) : spec,
    detail: /"(sha\d+-[^"]+)"/.exec(rest)?.[1] ?? null,
    path,
    exact: key === library,
  }));

const readers: Readonly<Record<string, (text: string, path: string, holder: string) => readonly LockEntry[]>> = {
  'package-lock.json': npmEntries,
  'npm-shrinkwrap.json': npmEntries,
  'yarn.lock': yarnEntries,
  'pnpm-lock.yaml': pnpmEntries,
  'bun.lock': bunEntries,
};

export const lockFiles: readonly string[] = Object.keys(readers);

/**
 * The versions that a lock file names for the `node_modules` of a folder; all that it names where it does not tell them apart.
 * @param holder the folder, relative to that of the lock file
 */
export const lockEntries = (path: string, text: string, holder: string): readonly NamedVersion[] => {
  const entries = readers[posix.basename(path)]?.(text, path, holder) ?? [];
  const exact = entries.filter((each) => each.exact);
  return (exact.length > 0 ? exact : entries).map(({ spec, detail }) => ({ spec, detail, path }));
};
