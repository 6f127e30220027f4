import { create } from '@bufbuild/protobuf';
import type { AttributeProto, ModelProto } from './proto/onnx_pb.js';
import { AttributeProtoSchema, ModelProtoSchema, NodeProtoSchema, TensorProtoSchema } from './proto/onnx_pb.js';
import { type Dimension, tensorInfo } from './value-info.ts';

const elementTypes = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 } as const;
export type BuilderType = keyof typeof elementTypes;
export type { Dimension } from './value-info.ts';

export type AttributeValue =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly text: string };

export interface NodeOptions {
  readonly domain?: 'com.microsoft';
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** Output names; default: the one output `NAME/output_0`. An empty string is an output that is not wanted. */
  readonly outputs?: readonly string[];
}

const attributeProto = (name: string, value: AttributeValue): AttributeProto => {
  if ('int' in value) return create(AttributeProtoSchema, { name, type: 2, i: BigInt(value.int) });
  if ('ints' in value) return create(AttributeProtoSchema, { name, type: 7, ints: value.ints.map(BigInt) });
  if ('float' in value) return create(AttributeProtoSchema, { name, type: 1, f: value.float });
  return create(AttributeProtoSchema, { name, type: 3, s: new TextEncoder().encode(value.text) });
};

/** Little-endian bytes of numbers, as ONNX stores them. */
const bytesOf = (array: Float32Array | BigInt64Array): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/**
 * Writes an ONNX graph node by node, in order: a node may read only what stands above it.
 * Nothing is checked here that `readModel` checks; equal calls give equal models.
 */
export interface GraphBuilder {
  input(name: string, type: BuilderType, dims: readonly Dimension[]): string;
  output(name: string, type: BuilderType, dims: readonly Dimension[]): void;
  /** A weight: row-major float32; `read` is called when its turn to be written comes. */
  weight(name: string, dims: readonly number[], read: () => Float32Array): string;
  /** An int64 constant; `dims` defaults to a vector. Equal constants are one initializer. */
  integers(values: readonly number[], dims?: readonly number[]): string;
  /** A float32 constant; `dims` defaults to a vector. Equal constants are one initializer. */
  floats(values: readonly number[], dims?: readonly number[]): string;
  /** Adds a node and returns the name of its first output. Missing optional inputs are empty strings. */
  node(operator: string, name: string, inputs: readonly string[], options?: NodeOptions): string;
  /** The graph without weights, and the bytes of the weights by initializer name, as `writeModel` takes them. */
  finish(): { readonly proto: ModelProto; readonly data: ReadonlyMap<string, () => Uint8Array> };
}

/** @param name name of the graph inside the file; @param opset version of the standard operators, 23 at most for the oldest runtime served. */
export const graphBuilder = (name: string, opset = 21): GraphBuilder => {
  const proto = create(ModelProtoSchema, {
    irVersion: 10n,
    producerName: 'optimization-gate',
    opsetImport: [
      { domain: '', version: BigInt(opset) },
      { domain: 'com.microsoft', version: 1n },
    ],
    graph: { name },
  });
  const graph = proto.graph;
  const readers = new Map<string, () => Uint8Array>();
  const initializer = (tensor: string, type: BuilderType, dims: readonly number[], read: () => Uint8Array): string => {
    if (!readers.has(tensor)) {
      graph?.initializer.push(create(TensorProtoSchema, { name: tensor, dataType: elementTypes[type], dims: dims.map(BigInt) }));
      readers.set(tensor, read);
    }
    return tensor;
  };
  return {
    input: (tensor, type, dims) => {
      graph?.input.push(tensorInfo(tensor, elementTypes[type], dims));
      return tensor;
    },
    output: (tensor, type, dims) => {
      graph?.output.push(tensorInfo(tensor, elementTypes[type], dims));
    },
    weight: (tensor, dims, read) => initializer(tensor, 'float32', dims, () => bytesOf(read())),
    integers: (values, dims = [values.length]) =>
      initializer(`/constants/int64/${dims.join('x')}/${values.join(',')}`, 'int64', dims, () =>
        bytesOf(BigInt64Array.from(values, BigInt)),
      ),
    floats: (values, dims = [values.length]) =>
      initializer(`/constants/float32/${dims.join('x')}/${values.join(',')}`, 'float32', dims, () => bytesOf(Float32Array.from(values))),
    node: (operator, node, inputs, options = {}) => {
      const outputs = options.outputs ?? [`${node}/output_0`];
      graph?.node.push(
        create(NodeProtoSchema, {
          name: node,
          opType: operator,
          domain: options.domain ?? '',
          input: [...inputs],
          output: [...outputs],
          attribute: Object.entries(options.attributes ?? {}).map(([key, value]) => attributeProto(key, value)),
        }),
      );
      return outputs[0] ?? '';
    },
    finish: () => ({ proto, data: readers }),
  };
};
