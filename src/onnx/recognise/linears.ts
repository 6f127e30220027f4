import { findAttribute, integerAttribute } from '../model.ts';
import type { NodeProto } from '../proto/onnx_pb.js';
import type { Linear, Slice } from './architecture.ts';
import { type Dataflow, nodeId } from './dataflow.ts';

const biasOf = (flow: Dataflow, output: string, columns: number): { readonly bias: string; readonly output: string } | null => {
  const [only, ...others] = flow.consumers(output);
  if (only?.opType !== 'Add' || others.length > 0 || flow.isOutput(output)) return null;
  const other = only.input.find((name) => name !== output);
  const constant = other === undefined ? null : flow.constant(other);
  const sum = only.output[0];
  if (constant === null || sum === undefined || constant.reshaped) return null;
  return constant.dims.length === 1 && constant.dims[0] === columns ? { bias: constant.name, output: sum } : null;
};

const byBlocks = (flow: Dataflow, node: NodeProto): Linear | null => {
  const [input, weight] = node.input;
  const output = node.output[0];
  if (input === undefined || weight === undefined || output === undefined || flow.initializer(weight) === undefined) return null;
  const rows = integerAttribute(node, 'K', 0);
  const columns = integerAttribute(node, 'N', 0);
  const own = node.input[5];
  const added = own === undefined || own === '' ? biasOf(flow, output, columns) : { bias: own, output };
  return {
    op: 'MatMulNBits',
    node: nodeId(node),
    input,
    output: added?.output ?? output,
    weight,
    orientation: 'out-in',
    rows,
    columns,
    bias: added?.bias ?? null,
    quantized: true,
  };
};

const linearOf = (flow: Dataflow, node: NodeProto): Linear | null => {
  if (node.opType === 'MatMulNBits') return byBlocks(flow, node);
  const op = node.opType;
  if (op !== 'MatMul' && op !== 'Gemm' && op !== 'MatMulInteger') return null;
  const [input, weight, third] = node.input;
  const output = node.output[0];
  if (input === undefined || weight === undefined || output === undefined || flow.constant(input) !== null) return null;
  const constant = flow.constant(weight);
  if (constant === null || constant.reshaped || constant.dims.length !== 2) return null;
  if (
    op === 'Gemm' &&
    (integerAttribute(node, 'transA', 0) !== 0 ||
      (findAttribute(node, 'alpha')?.f ?? 1) !== 1 ||
      (findAttribute(node, 'beta')?.f ?? 1) !== 1)
  )
    return null;
  const flipped = op === 'Gemm' && integerAttribute(node, 'transB', 0) === 1;
  const [rows = 0, columns = 0] = flipped ? [...constant.dims].reverse() : constant.dims;
  const gemmBias = op === 'Gemm' && third !== undefined && third !== '' ? flow.constant(third) : null;
  const added = gemmBias === null ? biasOf(flow, output, columns) : { bias: gemmBias.name, output };
  return {
    op,
    node: nodeId(node),
    input,
    output: added?.output ?? output,
    weight: constant.name,
    orientation: constant.transposed !== flipped ? 'out-in' : 'in-out',
    rows,
    columns,
    bias: added?.bias ?? null,
    quantized: constant.quantized || op === 'MatMulInteger',
  };
};

/** All products of activations with a constant matrix, in graph order. A product whose constant comes first (rotary frequencies) is none. */
export const findLinears = (flow: Dataflow): readonly Linear[] =>
  flow.nodes.map((node) => linearOf(flow, node)).filter((linear) => linear !== null);

/** The whole of a linear as a slice. */
export const whole = (linear: Linear): Slice => ({ linear, offset: 0, size: linear.columns });

/**
 * Columns of `linear` that `output` of a Split carries; null where sizes are not constant or the Split is not on the last axis.
 */
export const splitSlice = (
  flow: Dataflow,
  split: NodeProto,
  output: string,
  width: number,
): { readonly offset: number; readonly size: number } | null => {
  const axis = integerAttribute(split, 'axis', 0);
  const sizes =
    findAttribute(split, 'split')?.ints.map(Number) ??
    flow.integers(split.input[1] ?? '') ??
    split.output.map(() => width / split.output.length);
  const at = split.output.indexOf(output);
  const size = sizes[at];
  if (size === undefined || axis === 0 || sizes.some((each) => !(each >= 0)) || sizes.reduce((sum, each) => sum + each, 0) !== width)
    return null;
  return { offset: sizes.slice(0, at).reduce((sum, each) => sum + each, 0), size };
};
