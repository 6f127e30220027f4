import { lstatSync, readdirSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { filesBelow } from './file-watch.ts';

/** Where the loader looks in a folder, besides the folder itself, for what this processor can run. */
const variants = ['glibc-hwcaps', 'tls', 'haswell', 'avx512_1', 'x86_64', 'aarch64'] as const;

/** Parts of ONNX Runtime, and those that look up names of users and hosts, whenever that is asked for first. */
const loadedByName = /^lib(onnxruntime|nss_)/;

/**
 * The libraries in the folders of the search path `LD_LIBRARY_PATH` that a process of Node with ONNX
 * Runtime would load from there, in the place of the system's. Others are none of the gate's business:
 * a `setup` may make them.
 * @param needed names of those that the runtime is linked with
 */
export const searchedLibraries = (searchPath: string, needed: readonly string[]): readonly string[] => {
  // The loader takes both for the end of a folder.
  const folders = searchPath.split(/[:;]/).filter((folder) => isAbsolute(folder));
  if (folders.length === 0) return [];
  const ours = new Set([...loaded(), ...needed]);
  const there = folders.flatMap((folder) => [...filesIn(folder), ...variants.flatMap((name) => filesBelow(join(folder, name)))]);
  return there.filter((file) => ours.has(basename(file)) || loadedByName.test(basename(file)));
};

const filesIn = (folder: string): readonly string[] =>
  lstatSync(join(folder, '.'), { throwIfNoEntry: false })?.isDirectory() === true
    ? readdirSync(folder).map((name) => join(folder, name))
    : [];

let names: ReadonlySet<string> | null = null;

/** The names of the libraries that Node is made of. */
const loaded = (): ReadonlySet<string> => {
  if (names !== null) return names;
  // Its part on the network would ask for the names of addresses.
  const told: object = Object.assign(process.report, { excludeNetwork: true }).getReport();
  const objects = 'sharedObjects' in told && Array.isArray(told.sharedObjects) ? told.sharedObjects : [];
  names = new Set(objects.filter((each) => typeof each === 'string').map((each: string) => basename(each)));
  return names;
};
