/** Code of each ONNX element type, as in `TensorProto.DataType` (onnx.proto; 24 to 26 are newer than the schema in `proto/`). */
export const dataType = {
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8e4m3fn: 17,
  float8e4m3fnuz: 18,
  float8e5m2: 19,
  float8e5m2fnuz: 20,
  uint4: 21,
  int4: 22,
  float4e2m1: 23,
  float8e8m0: 24,
  uint2: 25,
  int2: 26,
} as const;

export type DataTypeName = keyof typeof dataType;

/** The field of TensorProto that holds the elements when they are stored neither raw nor externally. */
export type TypedField = 'floatData' | 'int32Data' | 'stringData' | 'int64Data' | 'doubleData' | 'uint64Data';

export interface DataTypeFacts {
  readonly code: number;
  readonly name: DataTypeName;
  /** Bits of one element in raw and external data (sub-byte types are packed, low bits first); 0 for strings, which have no fixed size. */
  readonly bits: number;
  readonly field: TypedField;
}

const bitsOf: Readonly<Record<DataTypeName, number>> = {
  float: 32,
  uint8: 8,
  int8: 8,
  uint16: 16,
  int16: 16,
  int32: 32,
  int64: 64,
  string: 0,
  bool: 8,
  float16: 16,
  double: 64,
  uint32: 32,
  uint64: 64,
  complex64: 64,
  complex128: 128,
  bfloat16: 16,
  float8e4m3fn: 8,
  float8e4m3fnuz: 8,
  float8e5m2: 8,
  float8e5m2fnuz: 8,
  uint4: 4,
  int4: 4,
  float4e2m1: 4,
  float8e8m0: 8,
  uint2: 2,
  int2: 2,
};

const fieldOf: Readonly<Partial<Record<DataTypeName, TypedField>>> = {
  float: 'floatData',
  complex64: 'floatData',
  double: 'doubleData',
  complex128: 'doubleData',
  int64: 'int64Data',
  uint32: 'uint64Data',
  uint64: 'uint64Data',
  string: 'stringData',
};

const facts = new Map<number, DataTypeFacts>(
  (Object.keys(dataType) as DataTypeName[]).map((name) => [
    dataType[name],
    { code: dataType[name], name, bits: bitsOf[name], field: fieldOf[name] ?? 'int32Data' },
  ]),
);

/** Facts of a data type by its code, or undefined for a code that ONNX does not define (0 included). */
export const dataTypeFacts = (code: number): DataTypeFacts | undefined => facts.get(code);

/** Name for messages: `float16`, or `type 99` for an unknown code. */
export const dataTypeName = (code: number): string => facts.get(code)?.name ?? `type ${code}`;
