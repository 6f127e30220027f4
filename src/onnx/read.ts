import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { asSentence, GateError } from '../errors.ts';
import { isLfsPointer, lfsPointer } from '../records/lfs-pointer.ts';
import { decodeModel } from './binary.ts';
import { checkRange, type DataFile, dataFile, externalRange, isExternal } from './external.ts';
import { checkDataflow } from './graph-order.ts';
import { allTensors, mainGraph, type OnnxModel } from './model.ts';
import type { ModelProto } from './proto/onnx_pb.js';
import { checkTensor, tensorByteLength } from './tensor-layout.ts';

export type { OnnxModel } from './model.ts';

/** The largest message that protobuf allows. */
const largestGraph = 2 ** 31 - 1;

const malformed = (where: string, message: string, cause?: unknown): GateError =>
  new GateError('onnx-malformed', asSentence(`The ONNX file was read. It cannot be used: ${message}`), { where, cause });

const readGraphFile = (path: string): Uint8Array => {
  const where = basename(path);
  const descriptor = open(path);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw malformed(where, 'it is not a regular file');
    if (stats.size > largestGraph)
      throw malformed(where, `it has ${stats.size} bytes, and a graph at most 2 GiB; keep large weights in external files`);
    const bytes = new Uint8Array(stats.size);
    for (let at = 0; at < bytes.length; ) {
      const got = readSync(descriptor, bytes, at, bytes.length - at, at);
      if (got === 0) throw malformed(where, 'the file shrank while it was read');
      at += got;
    }
    if (isLfsPointer(bytes)) throw lfsPointer(where);
    return bytes;
  } finally {
    closeSync(descriptor);
  }
};

const open = (path: string): number => {
  try {
    // Without O_NONBLOCK a named pipe would hang the reader; the flag does not exist on Windows.
    return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    throw malformed(basename(path), `the file cannot be opened (${code})`, cause);
  }
};

const decode = (bytes: Uint8Array, where: string): ModelProto => {
  try {
    return decodeModel(bytes);
  } catch (cause) {
    throw malformed(where, `it is not an ONNX model: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
};

const checkTensors = (proto: ModelProto, folder: string): void => {
  const files = new Map<string, DataFile>();
  for (const { tensor, label } of allTensors(proto)) {
    checkTensor(tensor, label);
    if (!isExternal(tensor)) continue;
    const range = externalRange(tensor, tensorByteLength(tensor, label), label);
    const file = files.get(range.written) ?? dataFile(folder, range, label);
    files.set(range.written, file);
    checkRange(file, range, label);
  }
};

/** Everything that `readModel` checks, for a model that is already in memory (after an edit). Sorts nodes where they are not sorted. */
export const checkModel = (model: OnnxModel): void => {
  checkTensors(model.proto, model.folder);
  checkDataflow(model.proto, model.graph);
};

/**
 * Reads a graph and checks it as hostile input; no external weight is read. Weights inside the graph are views of the file's bytes.
 * Nodes that are not in topological order are put into one.
 *
 * Throws `onnx-malformed` (not a model, truncated, over 2 GiB, sizes that do not fit, duplicate names, cycles, unknown types),
 * `onnx-external-data` (outside the folder, not a regular file, ranges behind the end) and `onnx-dangling-input`, naming the tensor or node.
 */
export const readModel = (path: string): OnnxModel => {
  const graph = basename(path);
  const proto = decode(readGraphFile(path), graph);
  mainGraph(proto, graph);
  const model = { proto, folder: dirname(path), graph };
  checkModel(model);
  return model;
};
