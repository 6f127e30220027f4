import { create } from '@bufbuild/protobuf';
import { GateError } from '../errors.ts';
import { encodeModel } from './binary.ts';
import { copyWithoutDescriptions } from './copy.ts';
import { dataType } from './data-type.ts';
import { dataFile, externalRange, isExternal } from './external.ts';
import { allTensors, mainGraph } from './model.ts';
import { createFile, makeFolder, shareFile } from './output-file.ts';
import { type ModelProto, StringStringEntryProtoSchema, type TensorProto } from './proto/onnx_pb.js';
import { clearStorage, tensorBytes } from './tensor.ts';
import { checkTensor, tensorByteLength } from './tensor-layout.ts';

/** Bytes of a tensor (little-endian, row-major), or how to get them when their turn to be written comes. */
export type TensorSource = Uint8Array | (() => Uint8Array);

export interface WritableModel {
  readonly proto: ModelProto;
  /** Folder that the external data of `proto` is relative to; null for a model that has none. */
  readonly sourceFolder: string | null;
}

const alignment = 4096;
const smallest = 1024;
const largestGraph = 2 ** 31 - 1;

const setExternal = (tensor: TensorProto, location: string, offset: number, length: number): void => {
  clearStorage(tensor);
  const entries = Object.entries({ location, offset: String(offset), length: String(length) });
  tensor.externalData = entries.map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }));
  tensor.dataLocation = 1;
};

interface Pending {
  readonly tensor: TensorProto;
  readonly length: number;
  readonly bytes: () => Uint8Array;
}

/** The tensors whose bytes this call writes, in the order of the graph. */
const pendingTensors = (
  proto: ModelProto,
  sourceFolder: string | null,
  graph: string,
  changed: ReadonlyMap<string, TensorSource>,
): readonly Pending[] => {
  const model = { proto, folder: sourceFolder ?? '', graph };
  return mainGraph(proto, graph).initializer.flatMap((tensor): Pending[] => {
    const source = changed.get(tensor.name);
    if (source !== undefined) clearStorage(tensor);
    else if (isExternal(tensor) || tensor.dataType === dataType.string) return [];
    const length = tensorByteLength(tensor);
    if (source === undefined) {
      checkTensor(tensor);
      const stored = tensorBytes(model, tensor);
      return [{ tensor, length, bytes: () => stored }];
    }
    return [{ tensor, length, bytes: () => sized(tensor, typeof source === 'function' ? source() : source, length) }];
  });
};

const sized = (tensor: TensorProto, bytes: Uint8Array, length: number): Uint8Array => {
  if (bytes.length === length) return bytes;
  throw new GateError(
    'onnx-malformed',
    `The tensor ${JSON.stringify(tensor.name)} was written. Expected ${length} bytes for [${tensor.dims.join(', ')}], got ${bytes.length}.`,
  );
};

const checkNames = (proto: ModelProto, graph: string, changed: ReadonlyMap<string, TensorSource>): void => {
  if (!/^[^/\\\0*:]+$/.test(graph) || graph === '.' || graph === '..') {
    throw new GateError('build-failed', `An ONNX file was to be written. Expected a plain file name, got ${JSON.stringify(graph)}.`);
  }
  const names = new Set(mainGraph(proto, graph).initializer.map((tensor) => tensor.name));
  for (const name of changed.keys()) {
    if (!names.has(name))
      throw new GateError('onnx-dangling-input', `The ONNX file was written. No initializer is called ${JSON.stringify(name)}.`, {
        where: graph,
      });
  }
};

/** Links the data files that unchanged tensors live in; returns their locations. */
const shareData = (
  proto: ModelProto,
  sourceFolder: string | null,
  folder: string,
  pending: ReadonlySet<TensorProto>,
): ReadonlySet<string> => {
  const locations = new Set<string>();
  for (const { tensor, label } of allTensors(proto)) {
    if (!isExternal(tensor) || pending.has(tensor)) continue;
    const range = externalRange(tensor, tensorByteLength(tensor, label), label);
    const { location } = range;
    // In the new folder there may be nothing to go up from.
    for (const entry of tensor.externalData) if (entry.key === 'location') entry.value = location;
    if (locations.has(location)) continue;
    if (sourceFolder === null)
      throw new GateError(
        'onnx-external-data',
        `The tensor ${JSON.stringify(label)} was written. Its data lies outside of the graph, but the model has no folder.`,
      );
    shareFile(dataFile(sourceFolder, range, label).path, folder, location);
    locations.add(location);
  }
  return locations;
};

const freeName = (wanted: string, taken: ReadonlySet<string>): string => {
  for (let i = 0; ; i++) {
    const name = i === 0 ? wanted : `${wanted}-${i}`;
    if (!taken.has(name)) return name;
  }
};

const writeData = (pending: readonly Pending[], folder: string, location: string): void => {
  const large = pending.filter((each) => each.length >= smallest);
  for (const each of pending) if (each.length < smallest) setInline(each.tensor, each.bytes());
  if (large.length === 0) return;
  const file = createFile(folder, location);
  try {
    for (const { tensor, length, bytes } of large) {
      file.append(new Uint8Array((alignment - (file.size % alignment)) % alignment));
      const offset = file.size;
      file.append(bytes());
      setExternal(tensor, location, offset, length);
    }
  } finally {
    file.close();
  }
};

const setInline = (tensor: TensorProto, bytes: Uint8Array): void => {
  clearStorage(tensor);
  tensor.rawData = bytes;
};

/**
 * Writes a graph and its weights into `folder` (created where missing); the given model is not modified.
 *
 * Initializers of the main graph named in `changed` get those bytes (their dims and type stand in `proto`); they and the weights that
 * lie inside the graph go to `<graph>.data`, each at a multiple of 4 KiB, in the order of the graph; below 1 KiB they stay inside the
 * graph. A function in `changed` is called once, when its turn comes, so that a model larger than memory can be written.
 * Unchanged external weights keep location, offset and length: their data file is hard-linked from `sourceFolder` (copied where the
 * file system has no links) and may carry ranges that nothing references any more. Doc strings, metadata and stack traces are dropped.
 * The same input gives the same bytes.
 *
 * Never overwrites a file and never writes through a link (`output-exists`). Throws `onnx-malformed` for bytes that do not fit their
 * shape, `onnx-dangling-input` for a name in `changed` that is no initializer, `onnx-external-data`, `disk-full` and `build-failed`.
 * The graph is written last: a folder without it is unfinished.
 */
export const writeModel = (model: WritableModel, folder: string, graph: string, changed: ReadonlyMap<string, TensorSource>): void => {
  checkNames(model.proto, graph, changed);
  const proto = copyWithoutDescriptions(model.proto);
  const pending = pendingTensors(proto, model.sourceFolder, graph, changed);
  makeFolder(folder);
  const locations = shareData(proto, model.sourceFolder, folder, new Set(pending.map((each) => each.tensor)));
  writeData(pending, folder, freeName(`${graph}.data`, locations));
  const bytes = encodeModel(proto);
  if (bytes.length > largestGraph)
    throw new GateError(
      'onnx-malformed',
      `The ONNX file was written. Expected a graph of at most 2 GiB, got ${bytes.length} bytes: keep large weights in external files.`,
      { where: graph },
    );
  const file = createFile(folder, graph);
  try {
    file.append(bytes);
  } finally {
    file.close();
  }
};
