import { GateError } from '../errors.ts';
import { bfloat16ToFloat, halfToFloat } from '../onnx/half.ts';
import { openSafetensors, type SafetensorsEntry, type SafetensorsType } from './safetensors.ts';

/** Weights by their name on the model hub, read one at a time and never kept: the source of a graph builder. */
export interface WeightSource {
  /** Dimensions of a tensor, or null when there is none of that name. */
  dims(name: string): readonly number[] | null;
  /** Row-major float32 values. Throws `model-invalid` when the tensor is missing or has other dimensions than `dims`. */
  read(name: string, dims: readonly number[]): Float32Array;
}

/** Little-endian tensor bytes as float32. Throws `model-invalid` for types that are no weights. */
const floatsOf = (type: SafetensorsType, bytes: Uint8Array, where: string): Float32Array => {
  switch (type) {
    case 'F32':
      return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    case 'F16':
      return halfToFloat(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2));
    case 'BF16':
      return bfloat16ToFloat(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2));
    default:
      throw new GateError('model-invalid', `A weight was read. Expected floats, got type ${type}.`, { where });
  }
};

/** The weights of one or more safetensors files, and a way to close them. Throws `model-invalid` when two files hold the same name. */
export const openWeights = (paths: readonly string[]): WeightSource & { close(): void } => {
  const files: { close(): void }[] = [];
  const close = (): void => {
    for (const file of files) file.close();
  };
  const tensors = new Map<string, { readonly entry: SafetensorsEntry; readonly path: string; read(name: string): Uint8Array }>();
  try {
    for (const path of paths) {
      const file = openSafetensors(path);
      files.push(file);
      for (const [name, entry] of file.entries) {
        if (tensors.has(name))
          throw new GateError('model-invalid', `The weights were read. Tensor ${JSON.stringify(name)} stands in two files.`, {
            where: path,
          });
        tensors.set(name, { entry, path, read: file.read });
      }
    }
  } catch (thrown) {
    close();
    throw thrown;
  }
  return {
    close,
    dims: (name) => tensors.get(name)?.entry.dims ?? null,
    read: (name, dims) => {
      const tensor = tensors.get(name);
      if (tensor === undefined)
        throw new GateError('model-invalid', `The weights were read. Expected a weight ${JSON.stringify(name)}, found none.`, {
          where: paths[0] ?? 'weights',
        });
      if (tensor.entry.dims.join() !== dims.join())
        throw new GateError(
          'model-invalid',
          `The weight ${JSON.stringify(name)} was read. Expected [${dims}], as config.json says, got [${tensor.entry.dims}].`,
          { where: tensor.path },
        );
      return floatsOf(tensor.entry.type, tensor.read(name), tensor.path);
    },
  };
};

/** [rows, columns] → [columns, rows]. */
export const transposed = (values: Float32Array, rows: number, columns: number): Float32Array => {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) out[column * rows + row] = values[row * columns + column] ?? 0;
  }
  return out;
};

/** The rows of a [rows, columns] matrix in another order. */
export const reordered = (values: Float32Array, columns: number, order: readonly number[]): Float32Array => {
  const out = new Float32Array(order.length * columns);
  order.forEach((row, at) => {
    out.set(values.subarray(row * columns, (row + 1) * columns), at * columns);
  });
  return out;
};
