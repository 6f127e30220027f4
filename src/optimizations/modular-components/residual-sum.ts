import { create } from '@bufbuild/protobuf';
import { GateError } from '../../errors.ts';
import { freshName } from '../../onnx/edit.ts';
import { findAttribute, mainGraph, type OnnxModel } from '../../onnx/model.ts';
import { AttributeProtoSchema, type NodeProto, NodeProtoSchema } from '../../onnx/proto/onnx_pb.js';
import type { ResidualWrite } from '../../onnx/recognise/architecture.ts';
import { producerOf } from '../graph/rewrite.ts';

/** Sum and norm in one operator: which input holds the bias of the sum, and the operator that norms alone. */
const fusedNorms: Readonly<Record<string, { readonly bias: number; readonly norm: string }>> = {
  SkipSimplifiedLayerNormalization: { bias: 3, norm: 'SimplifiedLayerNormalization' },
  SkipLayerNormalization: { bias: 4, norm: 'LayerNormalization' },
};

const add = (left: string, right: string, output: string): NodeProto =>
  create(NodeProtoSchema, { name: `${output}/Add`, opType: 'Add', input: [left, right], output: [output] });

/**
 * The tensor that a block leaves in the residual stream. Where sum and norm are one operator it is taken apart, in place: the sum belongs to
 * the module that made it, the norm to the one that reads it. Throws `onnx-unsupported` for a norm whose statistics are read.
 */
export const residualSum = (model: OnnxModel, write: ResidualWrite): string => {
  const node = producerOf(model, write.node);
  const fused = fusedNorms[node.opType];
  if (fused === undefined) return write.output;
  const [stream = '', delta = '', gamma = ''] = node.input;
  const [normed = '', mean = '', deviation = '', given = ''] = node.output;
  if (mean !== '' || deviation !== '')
    throw new GateError(
      'onnx-unsupported',
      `The graph was to be cut into modules. Something reads the statistics of the norm ${node.opType} ${normed} between two of them.`,
      {
        where: model.graph,
      },
    );
  const sum = given === '' ? freshName(model, `${normed}/sum`) : given;
  const bias = node.input[fused.bias] ?? '';
  const beta = fused.bias === 4 ? (node.input[3] ?? '') : '';
  const plain = bias === '' ? sum : freshName(model, `${sum}/plain`);
  const epsilon = findAttribute(node, 'epsilon');
  const parts = [
    add(stream, delta, plain),
    ...(bias === '' ? [] : [add(plain, bias, sum)]),
    create(NodeProtoSchema, {
      name: `${sum}/norm`,
      opType: fused.norm,
      input: [sum, gamma, ...(beta === '' ? [] : [beta])],
      output: [normed],
      attribute: [
        create(AttributeProtoSchema, { name: 'axis', type: 2, i: -1n }),
        ...(epsilon === undefined ? [] : [epsilon]),
        create(AttributeProtoSchema, { name: 'stash_type', type: 2, i: 1n }),
      ],
    }),
  ];
  const nodes = mainGraph(model.proto, model.graph).node;
  nodes.splice(nodes.indexOf(node), 1, ...parts);
  return sum;
};
