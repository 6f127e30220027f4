import { statSync } from 'node:fs';
import { asGateError } from '../errors.ts';
import { allTensors, type OnnxModel } from '../onnx/model.ts';
import { readModel } from '../onnx/read.ts';
import type { Port } from '../onnx/recognise/architecture.ts';
import { recogniseParts } from '../onnx/recognise/recognise.ts';
import { isLfsPointerFile } from '../records/lfs-pointer.ts';
import { folderOf, inFolder, isBelow, type RepositoryFiles } from './repository-files.ts';

/** An ONNX file of the repository, by what the gate can do with it. */
export type FoundGraph =
  /** A decoder with a cache, which the gate can drive. */
  | {
      readonly kind: 'decoder';
      readonly path: string;
      /** Files beside it that hold weights, relative to the root of the repository. */
      readonly data: readonly string[];
      readonly vocabulary: number | null;
      /** Names of its inputs, without those of the cache. */
      readonly inputs: readonly string[];
    }
  /**
   * Anything else, and why the gate cannot drive it: the rest of a sentence that begins with its path.
   * `open`: what to do first; null: write a program that runs it.
   */
  | { readonly kind: 'other'; readonly path: string; readonly seen: string; readonly open: string | null };

const mostGraphs = 20;
const largestGraph = 64 * 1024 * 1024;
const cachePart = /^past_key_values\.\d{1,4}\.(key|value)$/;
const wholeNumbers: ReadonlySet<string> = new Set(['input_ids', 'attention_mask', 'position_ids', 'num_logits_to_keep']);

/** Locations of external data, relative to the folder of the graph. */
const locations = (model: OnnxModel): readonly string[] => {
  const found = new Set<string>();
  for (const { tensor } of allTensors(model.proto))
    for (const entry of tensor.externalData) if (entry.key === 'location') found.add(entry.value.replace(/^(\.\/)+/, ''));
  return [...found].sort();
};

const isCache = ({ name, type, dims }: Port): boolean =>
  cachePart.test(name) && /^float(16|32)$/.test(type) && dims.length === 4 && typeof dims[1] === 'number' && typeof dims[3] === 'number';

const isDriven = (port: Port): boolean => isCache(port) || (wholeNumbers.has(port.name) && port.type === 'int64');

/** What one file is. Never throws: what cannot be read is an `other`. */
const graphAt = (path: string, files: RepositoryFiles): FoundGraph => {
  const other = (seen: string, open: string | null = null): FoundGraph => ({ kind: 'other', path, seen, open });
  const place = files.file(path);
  if (place === null) return other('is no regular file');
  if (isLfsPointerFile(place)) return other('is a Git LFS pointer', 'Run `git lfs pull`, then `init` again.');
  if (statSync(place).size > largestGraph) return other('is larger than 64 MiB, so it was not read');
  try {
    const model = readModel(place);
    const { inputs, outputs } = recogniseParts(model);
    const names = inputs.map(({ name }) => name);
    const logits = outputs.find(({ name }) => name === 'logits');
    if (!names.includes('input_ids') || logits === undefined) return other('is a graph without `input_ids` and `logits`');
    if (!names.some((name) => cachePart.test(name))) return other('is a decoder without a cache');
    const written = new Set(outputs.map(({ name }) => name));
    const kept = names.filter((name) => cachePart.test(name)).every((name) => written.has(name.replace('past_key_values', 'present')));
    if (!kept || !inputs.every(isDriven)) return other('is a decoder with inputs or a cache that the gate cannot give it');
    const data = locations(model).map((location) => inFolder(folderOf(path), location));
    if (!data.every((each) => folderOf(each) === folderOf(path) && files.paths.includes(each)))
      return other(
        'has weights that lie in another folder, have an unusual name, or are ignored by git',
        'Commit its weights beside it, then run `init` again.',
      );
    const vocabulary = logits.dims.at(-1);
    return {
      kind: 'decoder',
      path,
      data,
      vocabulary: typeof vocabulary === 'number' ? vocabulary : null,
      inputs: names.filter((name) => !cachePart.test(name)),
    };
  } catch (thrown) {
    return other(`cannot be read (${asGateError(thrown).code})`, 'Export it again, then run `init` again.');
  }
};

/** What the ONNX files of a repository are, as far as the bounds reach, and how many were not read. */
export const onnxGraphs = (files: RepositoryFiles, top: string): { readonly graphs: readonly FoundGraph[]; readonly leftOut: number } => {
  const paths = files.paths.filter((path) => path.endsWith('.onnx') && isBelow(path, top));
  return { graphs: paths.slice(0, mostGraphs).map((path) => graphAt(path, files)), leftOut: Math.max(0, paths.length - mostGraphs) };
};
