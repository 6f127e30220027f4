import { inspectArtefact } from '../models/inspection.ts';
import type { OperatingPoint } from '../records/metric.ts';
import type { LaunchRequest } from '../records/protocol.ts';
import { armArtefact, forArm } from './arm.ts';
import type { Columns } from './rounds.ts';

/** The decode step whose multiply-adds are counted: one token after this many. */
export const past = 256;
/** Characters of operator names in a warning. */
const longestList = 300;

/**
 * Series `bytes`, `parameters`, `multiply-adds`, and `modularity-score`, `newman-q` and `interface-tensors` of the cut into stages, of every
 * arm, from its files alone. An arm with operators that cannot be counted
 * has no `multiply-adds`, since a part of them is no number to compare; a warning that the gate reads as its reason names them.
 */
export const inspectArms = async (
  point: Extract<OperatingPoint, { kind: 'inspection' }>,
  request: LaunchRequest,
): Promise<{ values: Columns; warnings: string[] }> => {
  const values: Columns = {};
  const warnings: string[] = [];
  for (const arm of point.arms) {
    const { folder, stages } = armArtefact(request, arm);
    const found = await forArm(arm, () => inspectArtefact(folder, stages, past));
    const { modularityScore, newmanQ, interfaceTensors } = found.structure;
    values[arm] = {
      bytes: [found.bytes],
      parameters: [found.parameters],
      'modularity-score': [modularityScore],
      'newman-q': [newmanQ],
      'interface-tensors': [interfaceTensors],
    };
    if (found.unknown.length === 0) values[arm]['multiply-adds'] = [found.multiplyAdds];
    else
      warnings.push(
        `unsupported-export: multiply-adds of ${found.unknown.join(', ').slice(0, longestList)} (arm ${arm}) cannot be counted`,
      );
  }
  return { values, warnings };
};
