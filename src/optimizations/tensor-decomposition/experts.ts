import { create } from '@bufbuild/protobuf';
import type { Matrix, Products } from '../../contract/build.ts';
import { freshName } from '../../onnx/edit.ts';
import type { OnnxModel } from '../../onnx/model.ts';
import { NodeProtoSchema } from '../../onnx/proto/onnx_pb.js';
import type { Experts } from '../../onnx/recognise/architecture.ts';
import { readFloats } from '../../onnx/tensor.ts';
import { flipped, matrix, topRows } from '../algebra/matrix.ts';
import { addFloats, insertAfter, insertBefore, producerOf, replaceFloats } from '../graph/rewrite.ts';
import { randomisedSvd, type Singular } from './factorisation.ts';
import type { Weighing } from './linear.ts';
import type { LastFactor } from './refit.ts';

/** Tucker-2 of stacked experts on the hidden side: one way in and one way out for all of them, and a smaller core each. */
export interface ExpertBasis {
  readonly hidden: number;
  readonly input: { readonly singular: Singular; readonly weighing: Weighing };
  readonly output: { readonly singular: Singular };
  /** Gate and up unfolded to [hidden, rows] and weighed; down as it is, unfolded to [hidden, experts · width]. */
  readonly weighedUp: Matrix;
  readonly down: Matrix;
}

/** [experts, hidden, width] → [hidden, experts · width] */
const unfoldDown = (stored: Float32Array, count: number, hidden: number, width: number): Matrix => {
  const out = matrix(hidden, count * width);
  for (let expert = 0; expert < count; expert += 1)
    for (let row = 0; row < hidden; row += 1)
      out.data.set(
        stored.subarray((expert * hidden + row) * width, (expert * hidden + row + 1) * width),
        row * count * width + expert * width,
      );
  return out;
};

/**
 * Directions of the hidden side that matter: for what goes in, weighed by the inputs; for what comes out, by the energy of each
 * expert's channels.
 */
export const expertBasis = async (
  model: OnnxModel,
  experts: Experts,
  rank: number,
  weighing: Weighing,
  energy: Float64Array | null,
  random: () => number,
  products: Products,
): Promise<ExpertBasis> => {
  const stored = readFloats(model, experts.up);
  const rows = experts.count * experts.fused * experts.width;
  const hidden = stored.length / rows;
  const weighedUp = await weighing.weigh(flipped(matrix(rows, hidden, stored)));
  const down = unfoldDown(readFloats(model, experts.down), experts.count, hidden, experts.width);
  const scales = energy?.map(Math.sqrt) ?? null;
  const weighedDown = scales === null ? down : { ...down, data: down.data.map((value, at) => value * (scales[at % down.columns] ?? 0)) };
  return {
    hidden,
    weighedUp,
    down,
    input: { singular: await randomisedSvd(weighedUp, rank, random, products), weighing },
    output: { singular: await randomisedSvd(weighedDown, rank, random, products) },
  };
};

/** Elements with and without the factorisation: the rank pays while `perRank · rank` is below `dense`. */
export const expertElements = (experts: Experts, hidden: number): { readonly dense: number; readonly perRank: number } => {
  const rows = experts.count * (experts.fused + 1) * experts.width;
  return { dense: rows * hidden, perRank: rows + 2 * hidden };
};

/**
 * x → x·In, the experts on `rank` channels, · Out. The router still reads the whole x.
 * Biases of the second product are refused by the caller: they live on the hidden side.
 * @returns the factor Out
 */
export const replaceExperts = async (
  model: OnnxModel,
  experts: Experts,
  basis: ExpertBasis,
  rank: number,
  products: Products,
): Promise<Omit<LastFactor, 'stage'>> => {
  const node = producerOf(model, experts.node);
  const { input, output, weighedUp, down, hidden } = basis;
  const into = await input.weighing.undoFlipped(topRows(input.singular.left, rank));
  const upCore = flipped(await products.multiply(topRows(input.singular.left, rank), weighedUp));
  const outOf = topRows(output.singular.left, rank);
  const downCore = await products.multiply(outOf, down);
  const { count, width, fused } = experts;
  const folded = new Float32Array(count * rank * width);
  for (let expert = 0; expert < count; expert += 1)
    for (let row = 0; row < rank; row += 1)
      folded.set(
        downCore.data.subarray(row * count * width + expert * width, row * count * width + (expert + 1) * width),
        (expert * rank + row) * width,
      );
  const inName = addFloats(model, `${experts.up}.in`, experts.up, [hidden, rank], new Float32Array(into.data));
  const outName = addFloats(model, `${experts.down}.out`, experts.down, [rank, hidden], new Float32Array(outOf.data));
  replaceFloats(model, node, experts.up, [count, fused * width, rank], new Float32Array(upCore.data));
  replaceFloats(model, node, experts.down, [count, rank, width], folded);
  const narrow = freshName(model, `${experts.node}/narrow`);
  const mixed = freshName(model, `${experts.node}/mixed`);
  insertBefore(
    model,
    node,
    create(NodeProtoSchema, { name: `${node.name}/in`, opType: 'MatMul', input: [experts.input, inName], output: [narrow] }),
  );
  node.input[0] = narrow;
  node.output[0] = mixed;
  insertAfter(
    model,
    node,
    create(NodeProtoSchema, { name: `${node.name}/out`, opType: 'MatMul', input: [mixed, outName], output: [experts.output] }),
  );
  return { name: outName, rank, columns: hidden, pair: { inner: mixed, outer: experts.output, bias: null } };
};
