import { posix } from 'node:path';
import type { Json } from '../../records/words.ts';
import { jsonMap, jsonOf, yamlOf } from './json-map.ts';
import { library, type NamedVersion } from './named-version.ts';

/** A spec that a manifest names; `of`: what part it plays there. */
export interface ManifestEntry extends NamedVersion {
  readonly of: 'direct' | 'peer' | 'override';
}

const direct = ['dependencies', 'devDependencies', 'optionalDependencies'];

/** Manifests that stand for a folder, and files beside them that say what their specs mean. */
export const manifestFiles = ['package.json', 'pnpm-workspace.yaml', '.yarnrc.yml'];

/** The key of an override: the name alone, with a range, or below the package that needs it. */
const overridden = /^(?!@[^/>]+\/onnxruntime-node)(?:.*[>/])?onnxruntime-node(?:@[^>/]*)?$/;
const deepest = 8;

/** Specs of the package below a map of overrides, which npm nests. */
const overridesIn = (value: Json | undefined, depth = 0): readonly string[] =>
  depth > deepest
    ? []
    : Object.entries(jsonMap(value)).flatMap(([key, each]) => {
        const specs = typeof each === 'string' ? [each] : [jsonMap(each)['.']].filter((own) => typeof own === 'string');
        // `$NAME` is the spec of the direct dependency.
        return [...(overridden.test(key) ? specs.filter((spec) => !spec.startsWith('$')) : []), ...overridesIn(each, depth + 1)];
      });

const dataOf = (path: string, text: string): Json => (path.endsWith('.json') ? jsonOf(text) : yamlOf(text, path));

/** Catalogs of a workspace: name → spec of the package. */
const catalogsIn = (data: Json): ReadonlyMap<string, string> => {
  const found = new Map<string, string>();
  for (const holder of [jsonMap(data), jsonMap(jsonMap(data)['workspaces']), jsonMap(jsonMap(data)['pnpm'])])
    for (const [name, catalog] of [['default', holder['catalog']] as const, ...Object.entries(jsonMap(holder['catalogs']))]) {
      const spec = jsonMap(catalog)[library];
      if (typeof spec === 'string') found.set(name, spec);
    }
  return found;
};

/** What the manifests of one side say, catalogs put in. */
export const manifestEntries = (manifests: ReadonlyMap<string, string>): readonly ManifestEntry[] => {
  const read = [...manifests].map(([path, text]) => ({ path, data: dataOf(path, text) }));
  const catalogs = new Map(read.flatMap(({ path, data }) => [...catalogsIn(data)].map(([name, spec]) => [name, { spec, path }] as const)));
  return read.flatMap(({ path, data }) => {
    const map = jsonMap(data);
    const entry = (of: ManifestEntry['of'], spec: Json | undefined): readonly ManifestEntry[] => {
      if (typeof spec !== 'string') return [];
      const from = spec.startsWith('catalog:') ? catalogs.get(spec.slice('catalog:'.length).trim() || 'default') : undefined;
      return [{ of, path: from?.path ?? path, spec: (from?.spec ?? spec).trim().slice(0, 200), detail: null }];
    };
    const overrides = [map['overrides'], map['resolutions'], jsonMap(map['pnpm'])['overrides']].flatMap((each) => overridesIn(each));
    return [
      ...direct.flatMap((section) => entry('direct', jsonMap(map[section])[library])),
      ...entry('peer', jsonMap(map['peerDependencies'])[library]),
      ...overrides.flatMap((spec) => entry('override', spec)),
    ];
  });
};

/** The path in the repository of what a spec takes from a folder of it; null for other specs. */
export const localPath = (spec: string, manifest: string): string | null => {
  const written = /^(?:file:|link:|portal:)(?:\/\/)?(.*)$/.exec(spec)?.[1] ?? (/^\.\.?\//.test(spec) ? spec : null);
  if (written === null || written.startsWith('/') || written.startsWith('~')) return null;
  const path = posix.join(posix.dirname(manifest), written).replace(/\/+$/, '');
  return path.startsWith('..') ? null : path;
};
