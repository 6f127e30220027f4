import { clearField, create } from '@bufbuild/protobuf';
import { GateError } from '../errors.ts';
import { dataType, dataTypeName } from './data-type.ts';
import { externalRange, isExternal, readRange } from './external.ts';
import { bfloat16ToFloat, floatToHalf, halfToFloat } from './half.ts';
import { mainGraph, type OnnxModel } from './model.ts';
import { type TensorProto, TensorProtoSchema } from './proto/onnx_pb.js';
import { checkTensor, elementCount, tensorByteLength } from './tensor-layout.ts';

/** An initializer of the main graph by name, or undefined. */
export const findInitializer = (model: OnnxModel, name: string): TensorProto | undefined =>
  mainGraph(model.proto, model.graph).initializer.find((tensor) => tensor.name === name);

/** An initializer of the main graph by name. Throws `onnx-dangling-input` when there is none. */
export const initializer = (model: OnnxModel, name: string): TensorProto => {
  const found = findInitializer(model, name);
  if (found === undefined)
    throw new GateError('onnx-dangling-input', `The weights of the graph were read. No initializer is called ${JSON.stringify(name)}.`, {
      where: model.graph,
    });
  return found;
};

const viewBytes = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

const typedBytes = (tensor: TensorProto): Uint8Array => {
  switch (tensor.dataType) {
    case dataType.float:
    case dataType.complex64:
      return viewBytes(Float32Array.from(tensor.floatData));
    case dataType.double:
    case dataType.complex128:
      return viewBytes(Float64Array.from(tensor.doubleData));
    case dataType.int64:
      return viewBytes(BigInt64Array.from(tensor.int64Data));
    case dataType.uint64:
      return viewBytes(BigUint64Array.from(tensor.uint64Data));
    case dataType.uint32:
      return viewBytes(Uint32Array.from(tensor.uint64Data, Number));
    case dataType.int32:
      return viewBytes(Int32Array.from(tensor.int32Data));
    case dataType.uint16:
    case dataType.int16:
    case dataType.float16:
    case dataType.bfloat16:
      return viewBytes(Uint16Array.from(tensor.int32Data));
    case dataType.bool:
      // The runtime takes every number but 0 as true; its low byte may be 0.
      return Uint8Array.from(tensor.int32Data, (value) => (value === 0 ? 0 : 1));
    default:
      return Uint8Array.from(tensor.int32Data);
  }
};

/**
 * The elements as little-endian row-major bytes, whatever their encoding (raw, typed field, external); sub-byte types stay packed,
 * low bits first. Treat the result as read-only: raw data is not copied. Throws `onnx-malformed`, `onnx-external-data`, and
 * `onnx-unsupported` for strings.
 */
export const tensorBytes = (model: OnnxModel, tensor: TensorProto): Uint8Array => {
  checkTensor(tensor);
  if (tensor.dataType === dataType.string)
    throw new GateError('onnx-unsupported', `The tensor ${JSON.stringify(tensor.name)} was read. Expected numbers, got strings.`);
  if (isExternal(tensor)) return readRange(model.folder, externalRange(tensor, tensorByteLength(tensor)), tensor.name);
  return tensor.rawData.length > 0 ? tensor.rawData : typedBytes(tensor);
};

/** An aligned copy, for typed arrays. */
const aligned = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

const unpack = (bytes: Uint8Array, elements: number, bits: 2 | 4, signed: boolean): Int32Array => {
  const values = new Int32Array(elements);
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  const sign = 1 << (bits - 1);
  for (let i = 0; i < elements; i++) {
    const value = ((bytes[Math.floor(i / perByte)] ?? 0) >>> ((i % perByte) * bits)) & mask;
    values[i] = signed && value >= sign ? value - 2 * sign : value;
  }
  return values;
};

type Integers = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array;

const integersOf = (type: number, bytes: Uint8Array, elements: number): Integers | undefined => {
  switch (type) {
    case dataType.int8:
      return new Int8Array(aligned(bytes));
    case dataType.uint8:
    case dataType.bool:
      return new Uint8Array(aligned(bytes));
    case dataType.int16:
      return new Int16Array(aligned(bytes));
    case dataType.uint16:
      return new Uint16Array(aligned(bytes));
    case dataType.int32:
      return new Int32Array(aligned(bytes));
    case dataType.uint32:
      return new Uint32Array(aligned(bytes));
    case dataType.int64:
      return new BigInt64Array(aligned(bytes));
    case dataType.uint64:
      return new BigUint64Array(aligned(bytes));
    case dataType.uint4:
    case dataType.int4:
      return unpack(bytes, elements, 4, type === dataType.int4);
    case dataType.uint2:
    case dataType.int2:
      return unpack(bytes, elements, 2, type === dataType.int2);
    default:
      return undefined;
  }
};

const named = (model: OnnxModel, tensor: string | TensorProto): TensorProto =>
  typeof tensor === 'string' ? initializer(model, tensor) : tensor;

/**
 * The elements as float32, row-major, a fresh array: float, float16, bfloat16, double and every integer type (rounded to the nearest
 * float32). `onnx-unsupported` for strings, complex and 8-bit float types.
 */
export const readFloats = (model: OnnxModel, tensor: string | TensorProto): Float32Array => {
  const found = named(model, tensor);
  const bytes = tensorBytes(model, found);
  switch (found.dataType) {
    case dataType.float:
      return new Float32Array(aligned(bytes));
    case dataType.float16:
      return halfToFloat(new Uint16Array(aligned(bytes)));
    case dataType.bfloat16:
      return bfloat16ToFloat(new Uint16Array(aligned(bytes)));
    case dataType.double:
      return Float32Array.from(new Float64Array(aligned(bytes)));
    default: {
      const integers = integersOf(found.dataType, bytes, elementCount(found));
      if (integers === undefined) throw unreadable(found, 'floats');
      return integers instanceof BigInt64Array || integers instanceof BigUint64Array
        ? Float32Array.from(integers, Number)
        : Float32Array.from(integers);
    }
  }
};

const clamped = (value: number | bigint): number => Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(value)));

/**
 * The elements of an integer tensor (bool too) as numbers, row-major. Values beyond ±(2^53 − 1) become that bound: exporters write the
 * largest int64 for "to the end". `onnx-unsupported` for other types.
 */
export const readIntegers = (model: OnnxModel, tensor: string | TensorProto): readonly number[] => {
  const found = named(model, tensor);
  const integers = integersOf(found.dataType, tensorBytes(model, found), elementCount(found));
  if (integers === undefined) throw unreadable(found, 'integers');
  return Array.from(integers as ArrayLike<number | bigint>, clamped);
};

const unreadable = (tensor: TensorProto, kind: string): GateError =>
  new GateError(
    'onnx-unsupported',
    `The tensor ${JSON.stringify(tensor.name)} was read. Expected ${kind}, got ${dataTypeName(tensor.dataType)}.`,
  );

/** A tensor over given bytes (little-endian, not copied). Throws `onnx-malformed` when they do not fit the shape. */
export const rawTensor = (name: string, type: number, dims: readonly number[], bytes: Uint8Array): TensorProto => {
  const tensor = create(TensorProtoSchema, { name, dataType: type, dims: dims.map((dim) => BigInt(dim)), rawData: bytes });
  checkTensor(tensor);
  return tensor;
};

/** A float32 tensor over `values` (not copied). */
export const floatTensor = (name: string, dims: readonly number[], values: Float32Array): TensorProto =>
  rawTensor(name, dataType.float, dims, viewBytes(values));

/** A float16 tensor; values are rounded to nearest even. */
export const halfTensor = (name: string, dims: readonly number[], values: Float32Array): TensorProto =>
  rawTensor(name, dataType.float16, dims, viewBytes(floatToHalf(values)));

/** An int64 tensor: shapes, axes, indices. */
export const integerTensor = (name: string, dims: readonly number[], values: readonly number[]): TensorProto =>
  rawTensor(name, dataType.int64, dims, viewBytes(BigInt64Array.from(values, BigInt)));

const fields = TensorProtoSchema.field;
const storageFields = [
  fields.externalData,
  fields.dataLocation,
  fields.rawData,
  fields.floatData,
  fields.int32Data,
  fields.stringData,
  fields.int64Data,
  fields.doubleData,
  fields.uint64Data,
];

/** Empties a tensor in place: every storage field and the external reference; name, type and dims stay. */
export const clearStorage = (tensor: TensorProto): void => {
  for (const field of storageFields) clearField(tensor, field);
};
