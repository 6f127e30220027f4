import { createHash } from 'node:crypto';
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { clearField, create, toBinary } from '@bufbuild/protobuf';
import { GateError } from '../errors.ts';
import { encodeModel } from './binary.ts';
import { copyWithoutDescriptions } from './copy.ts';
import { dataType } from './data-type.ts';
import { graphIndex } from './edit.ts';
import { dataFile, externalRange, isExternal, visitRange } from './external.ts';
import { allNodes, allTensors, graphsOf, integerAttribute, mainGraph, nodeLabel, type OnnxModel } from './model.ts';
import {
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from './proto/onnx_pb.js';
import { readModel } from './read.ts';
import { clearStorage, tensorBytes } from './tensor.ts';
import { tensorByteLength } from './tensor-layout.ts';

const contentHash = (model: OnnxModel, tensor: TensorProto, label: string, known: Map<string, Uint8Array>): Uint8Array => {
  const hash = createHash('sha256');
  if (tensor.dataType === dataType.string) {
    for (const text of tensor.stringData) hash.update(`${text.length}:`).update(text);
    return hash.digest();
  }
  if (!isExternal(tensor)) return hash.update(tensorBytes(model, tensor)).digest();
  const range = externalRange(tensor, tensorByteLength(tensor, label), label);
  const key = JSON.stringify(range);
  const earlier = known.get(key);
  if (earlier !== undefined) return earlier;
  visitRange(model.folder, range, label, (piece) => hash.update(piece));
  const digest = hash.digest();
  known.set(key, digest);
  return digest;
};

/** A copy without what never computes: doc strings, metadata, producer, version, and names of nodes and graphs. */
const computingPart = (model: ModelProto): ModelProto => {
  const proto = copyWithoutDescriptions(model);
  const { producerName, producerVersion, modelVersion, domain } = ModelProtoSchema.field;
  for (const field of [producerName, producerVersion, modelVersion, domain]) clearField(proto, field);
  for (const node of allNodes(proto)) clearField(node, NodeProtoSchema.field.name);
  for (const graph of graphsOf(proto)) clearField(graph, GraphProtoSchema.field.name);
  return proto;
};

/** Compiled contexts in files of their own: what they compute cannot be told from the graph. */
const refuseContextFiles = (proto: ModelProto, where: string): void => {
  for (const node of allNodes(proto))
    if (node.opType === 'EPContext' && integerAttribute(node, 'embed_mode', 1) === 0)
      throw new GateError(
        'onnx-unsupported',
        `The graph was read. ${nodeLabel(node)} refers to a compiled file outside of it: embed that (embed_mode 1).`,
        { where },
      );
};

/**
 * sha256 (lower-case hex) of all that a graph computes: nodes, attributes, names of tensors, types, shapes and the bytes of every tensor,
 * those of branches, loops, local functions and constants included. Doc strings, metadata, producer, names of nodes and graphs, and
 * where the bytes lie (inside, in which data file, at which offset, raw or typed) do not count. Weights are hashed in pieces of 1 MiB.
 * Errors as `readModel`; `onnx-unsupported` for a node that refers to a compiled file.
 */
export const graphDigest = (folder: string, graph: string): string => {
  const model = readModel(join(folder, graph));
  refuseContextFiles(model.proto, graph);
  const proto = computingPart(model.proto);
  const known = new Map<string, Uint8Array>();
  for (const { tensor, label } of allTensors(proto)) {
    const digest = contentHash(model, tensor, label, known);
    clearStorage(tensor);
    tensor.rawData = digest;
  }
  return createHash('sha256').update(encodeModel(proto)).digest('hex');
};

/** Exporters begin the tensors of a data file at multiples of up to this, so that they can be mapped. */
const mostPadding = 65_536;

/** Bytes that a list of half-open ranges covers, counting overlaps once. */
const coveredBytes = (ranges: readonly (readonly [number, number])[]): number => {
  let covered = 0;
  let end = 0;
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    covered += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return covered;
};

/** Bytes of a file outside of these ranges, without what may be padding. */
const gapBytes = (ranges: readonly (readonly [number, number])[], size: number): number => {
  let gaps = 0;
  let end = 0;
  for (const [from, to] of [...ranges.toSorted((a, b) => a[0] - b[0]), [size, size] as const]) {
    if (from - end >= mostPadding) gaps += from - end;
    end = Math.max(end, to);
  }
  return gaps;
};

/** Bytes that the elements take inside the graph's file, as they are written there; 0 for external ones. */
const inlineBytes = (tensor: TensorProto): number => {
  if (tensor.rawData.length > 0) return tensor.rawData.length;
  const { floatData, int32Data, stringData, int64Data, doubleData, uint64Data } = tensor;
  const typed = create(TensorProtoSchema, { floatData, int32Data, stringData, int64Data, doubleData, uint64Data });
  return toBinary(TensorProtoSchema, typed).length;
};

/** What the graphs of one folder use. */
interface Use {
  /** Bytes of the graphs, without descriptions and external data. */
  readonly graphs: number;
  /** Data file, as its links resolve → the ranges of it that are read. */
  readonly ranges: ReadonlyMap<string, readonly (readonly [number, number])[]>;
}

const useOf = (folder: string, graphs: readonly string[]): Use => {
  const ranges = new Map<string, [number, number][]>();
  let bytes = 0;
  for (const graph of graphs) {
    const model = readModel(join(folder, graph));
    const index = graphIndex(model);
    const unused = new Set(
      mainGraph(model.proto).initializer.filter((tensor) => !index.consumers.has(tensor.name) && !index.outputs.has(tensor.name)),
    );
    for (const { tensor, label } of allTensors(model.proto)) {
      bytes += inlineBytes(tensor);
      if (!isExternal(tensor) || unused.has(tensor)) continue;
      const range = externalRange(tensor, tensorByteLength(tensor, label), label);
      const { offset, length } = range;
      const file = dataFile(folder, range, label).path;
      const known = ranges.get(file);
      if (known === undefined) ranges.set(file, [[offset, offset + length]]);
      else known.push([offset, offset + length]);
    }
    const proto = computingPart(model.proto);
    for (const { tensor } of allTensors(proto)) clearStorage(tensor);
    bytes += encodeModel(proto).length;
  }
  return { graphs: bytes, ranges };
};

/** Bytes in use by the graphs of one folder, by where they lie. */
export interface StoredBytes {
  /** In the files of the graphs: what `graphDigest` covers of each, and the elements that are stored there. */
  readonly inside: number;
  /** In data files: the elements of every tensor that is read there, those of several tensors or graphs once. */
  readonly outside: number;
}

/** Descriptions, padding and ranges that nothing references do not count. Errors as `readModel`. */
export const storedBytes = (folder: string, ...graphs: readonly string[]): StoredBytes => {
  const use = useOf(folder, graphs);
  return { inside: use.graphs, outside: [...use.ranges.values()].reduce((sum, ranges) => sum + coveredBytes(ranges), 0) };
};

/** The same, wherever they lie. */
export const usedBytes = (folder: string, ...graphs: readonly string[]): number => {
  const { inside, outside } = storedBytes(folder, ...graphs);
  return inside + outside;
};

/** A file with bytes that no graph uses. */
export interface Unused {
  /** Absolute, behind links. */
  readonly path: string;
  readonly bytes: number;
  /** Whether some graph refers to it. */
  readonly used: boolean;
}

/**
 * The files of a folder that hold bytes which its graphs do not use, each with their number: data
 * files with ranges that nothing references, and files that no graph refers to. What is shorter than
 * 64 KiB between the tensors of a file is padding. Errors as `readModel`.
 */
export const unusedBytes = (folder: string, graphs: readonly string[]): readonly Unused[] => {
  const { ranges } = useOf(folder, graphs);
  const own = new Set(graphs.map((graph) => realpathSync.native(join(folder, graph))));
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.flatMap((entry) => {
    const path = realpathSync.native(join(entry.parentPath, entry.name));
    if (own.has(path)) return [];
    const { size } = statSync(path);
    const used = ranges.get(path);
    const bytes = used === undefined ? size : gapBytes(used, size);
    return bytes > 0 ? [{ path, bytes, used: used !== undefined }] : [];
  });
};
