import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { clearField, toBinary } from '@bufbuild/protobuf';
import { copyWithoutDescriptions } from './copy.ts';
import { dataType } from './data-type.ts';
import { graphIndex } from './edit.ts';
import { dataFile, externalRange, isExternal, visitRange } from './external.ts';
import { allTensors, mainGraph, type OnnxModel } from './model.ts';
import { ModelProtoSchema, type TensorProto } from './proto/onnx_pb.js';
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

/**
 * sha256 (lower-case hex) of all that a graph computes: nodes, attributes, names, types, shapes and the bytes of every tensor.
 * Doc strings, metadata, producer fields and where the bytes lie (inside, in which data file, at which offset, raw or typed) do not
 * count. Weights are hashed in pieces of 1 MiB. Errors as `readModel`.
 */
export const graphDigest = (folder: string, graph: string): string => {
  const model = readModel(join(folder, graph));
  const proto = copyWithoutDescriptions(model.proto);
  clearField(proto, ModelProtoSchema.field.producerName);
  clearField(proto, ModelProtoSchema.field.producerVersion);
  const known = new Map<string, Uint8Array>();
  for (const { tensor, label } of allTensors(proto)) {
    const digest = contentHash(model, tensor, label, known);
    clearStorage(tensor);
    tensor.rawData = digest;
  }
  return createHash('sha256').update(toBinary(ModelProtoSchema, proto)).digest('hex');
};

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

/**
 * Bytes in use by the graphs of one folder: their files, and the external bytes of every tensor that is read (bytes shared by several
 * tensors or graphs count once; padding and ranges that nothing references do not count). Errors as `readModel`.
 */
export const usedBytes = (folder: string, ...graphs: readonly string[]): number => {
  const files = new Map<string, [number, number][]>();
  let bytes = 0;
  for (const graph of graphs) {
    const path = join(folder, graph);
    const model = readModel(path);
    const index = graphIndex(model);
    const unused = new Set(
      mainGraph(model.proto).initializer.filter((tensor) => !index.consumers.has(tensor.name) && !index.outputs.has(tensor.name)),
    );
    bytes += statSync(path).size;
    for (const { tensor, label } of allTensors(model.proto)) {
      if (!isExternal(tensor) || unused.has(tensor)) continue;
      const { location, offset, length } = externalRange(tensor, tensorByteLength(tensor, label), label);
      const file = dataFile(folder, location, label).path;
      const ranges = files.get(file);
      if (ranges === undefined) files.set(file, [[offset, offset + length]]);
      else ranges.push([offset, offset + length]);
    }
  }
  return bytes + [...files.values()].reduce((sum, ranges) => sum + coveredBytes(ranges), 0);
};
