import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { dataType } from '../../src/onnx/data-type.ts';
import { type NodeProto, NodeProtoSchema } from '../../src/onnx/proto/onnx_pb.js';
import { readModel } from '../../src/onnx/read.ts';
import { halfTensor, readFloats } from '../../src/onnx/tensor.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { testFolder } from '../testkit/folder.ts';
import type { Built } from './tiny-model.ts';

const cast = (from: string, to: string, type: number): NodeProto =>
  create(NodeProtoSchema, {
    name: to,
    opType: 'Cast',
    input: [from],
    output: [to],
    attribute: [{ name: 'to', type: 2, i: BigInt(type) }],
  });

/** The CPU provider adds by ScatterND in float32 only. */
const inFloat = (node: NodeProto): readonly NodeProto[] => {
  const [data = '', indices = '', updates = ''] = node.input;
  const output = node.output[0] ?? '';
  if (node.opType !== 'ScatterND') return [node];
  const [a, b, c] = [`${output}:data`, `${output}:updates`, `${output}:sum`];
  return [
    cast(data, a, dataType.float),
    cast(updates, b, dataType.float),
    { ...node, input: [a, indices, b], output: [c] },
    cast(c, output, dataType.float16),
  ];
};

/** The same graphs in float16: weights, inputs, outputs, caches and casts. */
export const halved = (built: Built): Built => {
  const folder = testFolder();
  for (const { graph } of built.stages) {
    const model = readModel(join(built.folder, graph));
    const { proto } = model;
    if (proto.graph === undefined) throw new Error('no graph');
    proto.graph.initializer = proto.graph.initializer.map((tensor) =>
      tensor.dataType === dataType.float ? halfTensor(tensor.name, tensor.dims.map(Number), readFloats(model, tensor)) : tensor,
    );
    for (const { type } of [...proto.graph.input, ...proto.graph.output])
      if (type?.value.case === 'tensorType' && type.value.value.elemType === dataType.float) type.value.value.elemType = dataType.float16;
    for (const node of proto.graph.node)
      for (const attribute of node.attribute)
        if (node.opType === 'Cast' && attribute.name === 'to' && attribute.i === BigInt(dataType.float))
          attribute.i = BigInt(dataType.float16);
    proto.graph.node = proto.graph.node.flatMap(inFloat);
    writeModel({ proto, sourceFolder: built.folder }, folder, graph, new Map());
  }
  return { ...built, folder };
};
