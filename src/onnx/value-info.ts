import { create } from '@bufbuild/protobuf';
import { TensorShapeProto_DimensionSchema, type ValueInfoProto, ValueInfoProtoSchema } from './proto/onnx_pb.js';

/** A number, or the name of a symbolic dimension. */
export type Dimension = number | string;

/** Declares a tensor: `type` is a code of `dataType`; `dims` null says nothing of the shape, not even the rank. */
export const tensorInfo = (name: string, type: number, dims: readonly Dimension[] | null): ValueInfoProto => {
  const shape =
    dims === null
      ? {}
      : {
          shape: {
            dim: dims.map((dim) =>
              create(TensorShapeProto_DimensionSchema, {
                value: typeof dim === 'number' ? { case: 'dimValue', value: BigInt(dim) } : { case: 'dimParam', value: dim },
              }),
            ),
          },
        };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value: { elemType: type, ...shape } } } });
};
