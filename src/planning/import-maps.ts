import { posix } from 'node:path';
import type { Json } from '../records/words.ts';

/** A name of modules, with at most one `*`, and what may stand in its place. */
interface MappedName {
  readonly name: string;
  /** Paths from the root of the tree, or names of packages. */
  readonly targets: readonly string[];
}

/** Where some manifest leads the names of modules. */
export interface ImportMap {
  readonly names: readonly MappedName[];
  /** Manifests that it takes more from, as paths from the root of the tree. */
  readonly further: readonly string[];
}

const nowhere: ImportMap = { names: [], further: [] };

type JsonMap = { readonly [key: string]: Json };

const isMap = (value: Json | undefined): value is JsonMap => typeof value === 'object' && value !== null && !Array.isArray(value);
const mapOf = (value: Json | undefined): JsonMap => (isMap(value) ? value : {});

/** The strings in a value, however deep: targets stand below conditions. */
const stringsIn = (value: Json | undefined): readonly string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
};

const strings = /("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

/** JSON with comments and trailing commas; empty where it cannot be read. */
export const looseJson = (text: string): JsonMap => {
  try {
    return mapOf(JSON.parse(text.replace(strings, '$1').replace(/,(?=\s*[}\]])/g, '')) as Json);
  } catch {
    return {};
  }
};

const isPath = (target: string): boolean => /^\.{0,2}\//.test(target);

/** Targets that are no paths are names. */
const mapped = (entries: JsonMap, folder: string): readonly MappedName[] =>
  Object.entries(entries).map(([name, value]) => {
    // A folder of an import map stands for all that is below it.
    const star = name.endsWith('/') ? '*' : '';
    const targets = stringsIn(value).map((target) => (isPath(target) ? posix.join(folder, target) : target));
    return { name: `${name}${star}`, targets: targets.map((target) => `${target}${star}`) };
  });

const ofPackage = ({ name, imports, exports }: JsonMap, folder: string): ImportMap => {
  const entries = isMap(exports) && Object.keys(exports).some((key) => key.startsWith('.')) ? exports : { '.': exports ?? null };
  const own = Object.entries(typeof name === 'string' ? entries : {}).map(([key, value]) => [`${String(name)}${key.slice(1)}`, value]);
  return { names: [...mapped(mapOf(imports), folder), ...mapped(Object.fromEntries(own) as JsonMap, folder)], further: [] };
};

const ofTypeScript = (config: JsonMap, folder: string): ImportMap => {
  const { baseUrl, paths } = mapOf(config['compilerOptions']);
  const from = posix.join(folder, typeof baseUrl === 'string' ? baseUrl : '.');
  const names = Object.entries(mapOf(paths)).map(([name, value]) => ({
    name,
    targets: stringsIn(value).map((target) => posix.join(from, target)),
  }));
  const bare = typeof baseUrl === 'string' ? [{ name: '*', targets: [`${from}/*`] }] : [];
  const further = stringsIn(config['extends']).flatMap((each) =>
    isPath(each) ? [posix.join(folder, each), posix.join(folder, `${each}.json`)] : [],
  );
  return { names: [...names, ...bare], further };
};

const ofDeno = ({ imports, scopes, importMap }: JsonMap, folder: string): ImportMap => ({
  names: [...mapped(mapOf(imports), folder), ...Object.values(mapOf(scopes)).flatMap((scope) => mapped(mapOf(scope), folder))],
  further: typeof importMap === 'string' ? [posix.join(folder, importMap)] : [],
});

/** Manifests that lead names of modules elsewhere, for the scripts of their folder and those below. */
export const mappingNames: readonly string[] = [
  'package.json',
  'tsconfig.json',
  'tsconfig.base.json',
  'jsconfig.json',
  'deno.json',
  'deno.jsonc',
  'import_map.json',
];

/**
 * Where a manifest leads the names of modules: `imports` and `exports` of a package.json, `paths`
 * and `baseUrl` of a configuration of TypeScript, import maps of Deno.
 */
export const importMap = (path: string, text: string): ImportMap => {
  const [folder, name] = [posix.dirname(path), posix.basename(path)];
  if (!name.includes('.json')) return nowhere;
  const document = looseJson(text);
  if (name === 'package.json') return ofPackage(document, folder);
  return /^(deno\.jsonc?|import_map\.json)$/.test(name) ? ofDeno(document, folder) : ofTypeScript(document, folder);
};

/** What a name stands for by some maps. */
export const targetsOf = (names: readonly MappedName[], specifier: string): readonly string[] =>
  names.flatMap(({ name, targets }) => {
    const [before = '', after] = name.split('*');
    if (after === undefined) return name === specifier ? targets : [];
    if (!specifier.startsWith(before) || !specifier.endsWith(after) || specifier.length < before.length + after.length) return [];
    const rest = specifier.slice(before.length, specifier.length - after.length);
    return targets.map((target) => target.replace('*', () => rest));
  });
