import { GateError } from '../errors.ts';
import { weightSparsity } from '../models/weight-sparsity.ts';
import type { OperatingPoint } from '../records/metric.ts';
import type { ArtefactRef } from '../records/protocol.ts';
import type { ArmId } from '../records/words.ts';

type Asked = NonNullable<Extract<OperatingPoint, { kind: 'inspection' }>['sparse']>;

/**
 * Series `sparsity` and `pattern-conformity` in percent, and `nonzero-multiply-adds`, counted in the files of an arm. What cannot be counted is
 * left out, and a warning that the gate reads as its reason says why. Throws the coded errors of reading ONNX.
 */
export const sparsitySeries = (
  { target, pattern, tokens }: Asked,
  { folder, stages }: ArtefactRef,
  arm: ArmId,
): { readonly values: Readonly<Record<string, number[]>>; readonly warnings: readonly string[] } => {
  try {
    const found = weightSparsity(folder, stages, target, pattern, tokens);
    if (found.eligible === 0) return { values: {}, warnings: [`unsupported-export: nothing of target ${target} recognised in arm ${arm}`] };
    const products = found.multiplyAdds;
    return {
      values: {
        sparsity: [(100 * found.zeros) / found.eligible],
        ...(pattern === null ? {} : { 'pattern-conformity': [(100 * found.conforming) / found.groups] }),
        ...(products === null ? {} : { 'nonzero-multiply-adds': [products.nonZero] }),
      },
      warnings: products === null ? [`unsupported-export: multiply-adds of arm ${arm} cannot be counted`] : [],
    };
  } catch (thrown) {
    if (!(thrown instanceof GateError) || thrown.code !== 'onnx-unsupported') throw thrown;
    return { values: {}, warnings: [`unsupported-export: weights of arm ${arm}: ${thrown.message}`] };
  }
};
