import { GateError } from '../errors.ts';
import { type DataTypeFacts, dataType, dataTypeFacts } from './data-type.ts';
import { isExternal } from './external.ts';
import type { TensorProto } from './proto/onnx_pb.js';

const refuse = (label: string, message: string): GateError =>
  new GateError('onnx-malformed', `The tensor ${JSON.stringify(label)} was read. It is not valid: ${message}.`);

const largestElements = 2 ** 48;

/** Dimensions as numbers; `[]` is a scalar. Throws `onnx-malformed` for a negative one or a product beyond 2^48 elements. */
export const tensorDims = (tensor: Pick<TensorProto, 'dims' | 'name'>, label: string = tensor.name): readonly number[] => {
  const dims = tensor.dims.map(Number);
  let elements = 1;
  for (const dim of dims) {
    if (!(dim >= 0)) throw refuse(label, `negative dimension ${dim}`);
    elements *= Math.max(dim, 1);
    if (elements > largestElements) throw refuse(label, `dimensions [${dims.slice(0, 8).join(', ')}] are too large`);
  }
  return dims;
};

/** Number of elements; 1 for a scalar. Same errors as `tensorDims`. */
export const elementCount = (tensor: TensorProto, label: string = tensor.name): number =>
  tensorDims(tensor, label).reduce((product, dim) => product * dim, 1);

/** Facts of a tensor's data type; `onnx-malformed` for one that ONNX does not define. */
const tensorType = (tensor: TensorProto, label: string = tensor.name): DataTypeFacts => {
  const facts = dataTypeFacts(tensor.dataType);
  if (facts === undefined) throw refuse(label, `unknown data type ${tensor.dataType}`);
  return facts;
};

/** Bytes of the elements in raw or external form; for strings the sum of their lengths. */
export const tensorByteLength = (tensor: TensorProto, label: string = tensor.name): number => {
  const type = tensorType(tensor, label);
  if (type.code === dataType.string) return tensor.stringData.reduce((sum, text) => sum + text.length, 0);
  return Math.ceil((elementCount(tensor, label) * type.bits) / 8);
};

const typedFields = ['floatData', 'int32Data', 'stringData', 'int64Data', 'doubleData', 'uint64Data'] as const;

/** Entries of the typed field: sub-byte types are packed into bytes there too, complex numbers take two entries. */
const typedEntries = (type: DataTypeFacts, elements: number): number => {
  if (type.code === dataType.complex64 || type.code === dataType.complex128) return elements * 2;
  return type.bits > 0 && type.bits < 8 ? Math.ceil((elements * type.bits) / 8) : elements;
};

/** Types whose bit patterns stand in entries of more bits; the runtime refuses what does not fit. */
const wordTypes: ReadonlySet<number> = new Set([dataType.float16, dataType.bfloat16]);

/**
 * Refuses (`onnx-malformed`) a tensor whose stored bytes do not fit its shape and type, or that stores them twice.
 * External ranges are checked by `externalRange`, not here.
 */
export const checkTensor = (tensor: TensorProto, label: string = tensor.name): void => {
  const type = tensorType(tensor, label);
  const elements = elementCount(tensor, label);
  if (tensor.segment !== undefined) throw refuse(label, 'segmented tensors are not supported');
  const filled = typedFields.filter((field) => tensor[field].length > 0);
  const stored = filled.length + (tensor.rawData.length > 0 ? 1 : 0);
  if (isExternal(tensor)) {
    if (type.code === dataType.string) throw refuse(label, 'strings cannot be external');
    if (stored > 0) throw refuse(label, 'stored both inside the graph and externally');
    return;
  }
  if (stored > 1) throw refuse(label, 'stored in more than one field');
  const bytes = tensorByteLength(tensor, label);
  if (tensor.rawData.length > 0) {
    if (type.code === dataType.string) throw refuse(label, 'strings cannot be raw');
    if (tensor.rawData.length !== bytes) {
      throw refuse(label, `${tensor.rawData.length} bytes where ${type.name} [${tensor.dims.join(', ')}] needs ${bytes}`);
    }
    return;
  }
  if (filled[0] !== undefined && filled[0] !== type.field) throw refuse(label, `${type.name} elements in ${filled[0]}`);
  const expected = typedEntries(type, elements);
  if (tensor[type.field].length !== expected) {
    throw refuse(label, `${tensor[type.field].length} entries where ${type.name} [${tensor.dims.join(', ')}] needs ${expected}`);
  }
  const word = wordTypes.has(type.code) ? tensor.int32Data.find((entry) => entry < 0 || entry > 0xffff) : undefined;
  if (word !== undefined) throw refuse(label, `the entry ${word} where the bits of a ${type.name} are a number from 0 to 65535`);
};
