import type { OnnxModel } from '../../onnx/model.ts';
import type { Linear } from '../../onnx/recognise/architecture.ts';
import { matrix } from '../algebra/matrix.ts';
import { refittedRows } from '../algebra/refit.ts';
import { secondMoments } from '../graph/activations.ts';
import { momentsInTurns } from '../graph/moments.ts';
import { cutLinear, readMatrix, replaceMatrix } from '../graph/rewrite.ts';
import type { Choice } from './choice.ts';

/** A way to keep some inputs of a linear. */
export type InputCutter = (linear: Linear, keep: readonly number[]) => Promise<void>;

/**
 * How inputs of these linears are cut, in their order: with `refit` what is left makes up for what goes, on the activations of the
 * model as it came.
 */
export const inputCutter = (
  model: OnnxModel,
  linears: readonly Linear[],
  { options, calibration, stage, products }: Choice,
): InputCutter => {
  if (!options.refit) return async (linear, keep) => cutLinear(model, linear, 'rows', keep);
  const momentOf = momentsInTurns(
    linears.map(({ input, rows }) => ({ key: input, elements: rows ** 2 })),
    (inputs) => secondMoments(calibration, stage, inputs, products),
  );
  return async (linear, keep) => {
    const weights = matrix(linear.rows, linear.columns, readMatrix(model, linear));
    const moment = (await momentOf(linear.input)) ?? new Float64Array(linear.rows ** 2);
    const { data } = await refittedRows(weights, keep, moment, products);
    replaceMatrix(model, linear, keep.length, new Float32Array(data));
  };
};
