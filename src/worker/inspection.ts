import { inspectArtefact } from '../models/inspection.ts';
import type { OperatingPoint } from '../records/metric.ts';
import type { LaunchRequest } from '../records/protocol.ts';
import { armArtefact, forArm } from './arm.ts';
import type { Columns } from './rounds.ts';

/** The decode step whose multiply-adds are counted: one token after this many. */
const past = 256;

/** Series `bytes`, `parameters` and `multiply-adds` of every arm, from its files alone; operators that cannot be counted are named. */
export const inspectArms = async (
  point: Extract<OperatingPoint, { kind: 'inspection' }>,
  request: LaunchRequest,
): Promise<{ values: Columns; warnings: string[] }> => {
  const values: Columns = {};
  const unknown = new Set<string>();
  for (const arm of point.arms) {
    const { folder, stages } = armArtefact(request, arm);
    const found = await forArm(arm, () => inspectArtefact(folder, stages, past));
    values[arm] = { bytes: [found.bytes], parameters: [found.parameters], 'multiply-adds': [found.multiplyAdds] };
    for (const operator of found.unknown) unknown.add(operator);
  }
  return { values, warnings: unknown.size === 0 ? [] : [`multiply-adds of ${[...unknown].join(', ')} are not counted`] };
};
