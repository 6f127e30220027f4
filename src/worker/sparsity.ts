import { GateError } from '../errors.ts';
import { weightSparsity } from '../models/weight-sparsity.ts';
import { absenceText } from '../records/absence.ts';
import type { CountedWeights } from '../records/metric.ts';
import type { ArtefactRef } from '../records/protocol.ts';
import type { ArmId } from '../records/words.ts';

const unread = (reason: string, ...series: readonly string[]): readonly string[] =>
  series.map((each) => absenceText({ state: 'unsupported-export', series: each, reason }));

/**
 * Series `sparsity` and `pattern-conformity` in percent, and `nonzero-multiply-adds`, counted in the files of an arm. What cannot be counted is
 * left out, and a warning says why. Throws the coded errors of reading ONNX.
 */
export const sparsitySeries = (
  { target, pattern, tokens }: CountedWeights,
  { folder, stages }: ArtefactRef,
  arm: ArmId,
): { readonly values: Readonly<Record<string, number[]>>; readonly warnings: readonly string[] } => {
  const counted = ['sparsity', ...(pattern === null ? [] : ['pattern-conformity']), 'nonzero-multiply-adds'];
  try {
    const found = weightSparsity(folder, stages, target, pattern, tokens);
    if (found.eligible === 0)
      return { values: {}, warnings: unread(`no weights of target ${target} are recognised in ${arm}`, ...counted) };
    const products = found.multiplyAdds;
    return {
      values: {
        sparsity: [(100 * found.zeros) / found.eligible],
        ...(pattern === null ? {} : { 'pattern-conformity': [(100 * found.conforming) / found.groups] }),
        ...(products === null ? {} : { 'nonzero-multiply-adds': [products.nonZero] }),
      },
      warnings: products === null ? unread(`multiply-adds of ${arm} cannot be counted`, 'nonzero-multiply-adds') : [],
    };
  } catch (thrown) {
    if (!(thrown instanceof GateError) || thrown.code !== 'onnx-unsupported') throw thrown;
    return { values: {}, warnings: unread(`weights of ${arm}. ${thrown.message}`, ...counted) };
  }
};
