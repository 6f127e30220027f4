import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { afterAll } from 'vitest';
import { type GateError, GateError as GateErrorClass } from '../../src/errors.ts';
import { encodeModel } from '../../src/onnx/binary.ts';
import { type ModelProto, ModelProtoSchema, type NodeProtoSchema, type TensorProto } from '../../src/onnx/proto/onnx_pb.js';
import type { OnnxModel } from '../../src/onnx/read.ts';

export const oracles = join(import.meta.dirname, '..', 'oracles', 'onnx');

/** A folder of this test file, removed at its end. */
export const scratch = (): ((name: string) => string) => {
  const root = mkdtempSync(join(tmpdir(), 'onnx-test-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  return (name) => join(root, name);
};

export const value = (name: string, dims: readonly (number | string)[], elemType = 1) => ({
  name,
  type: {
    value: {
      case: 'tensorType' as const,
      value: {
        elemType,
        shape: {
          dim: dims.map((dim) => ({
            value: typeof dim === 'string' ? { case: 'dimParam' as const, value: dim } : { case: 'dimValue' as const, value: BigInt(dim) },
          })),
        },
      },
    },
  },
});

export type Value = ReturnType<typeof value>;
export type NodeInit = MessageInitShape<typeof NodeProtoSchema>;

export interface Parts {
  readonly nodes: readonly NodeInit[];
  readonly initializers?: readonly TensorProto[];
  readonly inputs?: readonly Value[];
  readonly outputs?: readonly Value[];
}

export const proto = (parts: Parts): ModelProto =>
  create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [
      { domain: '', version: 21n },
      { domain: 'com.microsoft', version: 1n },
    ],
    producerName: 'tests',
    graph: {
      name: 'g',
      node: [...parts.nodes],
      initializer: [...(parts.initializers ?? [])],
      input: [...(parts.inputs ?? [])],
      output: [...(parts.outputs ?? [])],
    },
  });

export const inMemory = (parts: Parts, folder = '/nowhere'): OnnxModel => ({ proto: proto(parts), folder, graph: 'model.onnx' });

export const bytesOf = (model: ModelProto): Uint8Array => encodeModel(model);

export const integerAttribute = (name: string, i: number) => ({ name, type: 2, i: BigInt(i) });
export const integersAttribute = (name: string, ints: readonly number[]) => ({ name, type: 7, ints: ints.map(BigInt) });

/** The coded error that an action throws; anything else fails the test. */
export const thrown = (action: () => unknown): GateError => {
  try {
    action();
  } catch (error) {
    if (error instanceof GateErrorClass) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

/** Deterministic numbers in [-1, 1). */
export const noise = (length: number, seed = 1): Float32Array => {
  let state = seed >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
};
