import { GateError } from '../errors.ts';
import { inspectArtefact } from '../models/inspection.ts';
import { moduleFingerprints } from '../models/module-structure.ts';
import { absenceText } from '../records/absence.ts';
import type { CountedWeights, OperatingPoint } from '../records/metric.ts';
import type { ArtefactRef, LaunchRequest } from '../records/protocol.ts';
import type { ArmId, Values } from '../records/words.ts';
import { armArtefact, forArm } from './arm.ts';
import type { RoundColumns } from './rounds.ts';
import { sparsitySeries } from './sparsity.ts';

/** The decode step whose multiply-adds are counted: one token after this many. */
const past = 256;
/** Characters of operator names in a warning. */
const longestList = 300;

/**
 * Series of every arm, from its files alone: `bytes`, `parameters`, `multiply-adds`; `modularity-score`, `newman-q`, `interface-tensors` and `largest-module` (percentage
 * of the weights) of the cut into stages; `attention-density` and `kv-bytes-per-token` of the decoder. An arm with operators that cannot be counted has no
 * `multiply-adds`, since a part of them is no number to compare, and one whose attention is not recognised has no numbers of it; a warning
 * that the gate reads as its reason says so. Throws `build-ineffective` for a head that is `compressed` and not smaller than the reference.
 */
export const inspectArms = async (
  point: Extract<OperatingPoint, { kind: 'inspection' }>,
  request: LaunchRequest,
): Promise<{ values: RoundColumns; warnings: string[] }> => {
  const values: RoundColumns = {};
  const warnings: string[] = [];
  const lacks = (reason: string, ...series: readonly string[]): void => {
    warnings.push(...series.map((each) => absenceText({ state: 'unsupported-export', series: each, reason })));
  };
  for (const arm of point.arms) {
    const artefact = armArtefact(request, arm);
    const { folder, stages, serve, spare } = artefact;
    const found = await forArm(arm, () => inspectArtefact(folder, stages, past, serve));
    const { modularityScore, newmanQ, interfaceTensors, largestModule } = found.structure;
    values[arm] = {
      bytes: [found.bytes + spare],
      parameters: [found.parameters],
      'modularity-score': [modularityScore],
      'newman-q': [newmanQ],
      'interface-tensors': [interfaceTensors],
      'largest-module': [100 * largestModule],
    };
    if (typeof found.attention !== 'string') {
      values[arm]['attention-density'] = [found.attention.density];
      values[arm]['kv-bytes-per-token'] = [found.attention.cacheBytesPerToken];
    } else
      lacks(
        `the attention of ${arm} is not recognised: ${found.attention.slice(0, longestList)}`,
        'attention-density',
        'kv-bytes-per-token',
      );
    if (found.unknown.length === 0) values[arm]['multiply-adds'] = [found.multiplyAdds];
    else lacks(`multiply-adds of ${found.unknown.join(', ').slice(0, longestList)} cannot be counted (${arm})`, 'multiply-adds');
    if (point.sparse !== undefined) {
      const zeros = sparsitySeries(point.sparse, artefact, arm);
      Object.assign(values[arm], zeros.values);
      warnings.push(...zeros.warnings);
    }
  }
  if (point.compressed === true) await requireCompressed(values);
  return { values, warnings };
};

/** Base may fail to compress: a head that puts it right is compared with it all the same. */
const requireCompressed = async (values: RoundColumns): Promise<void> => {
  const [head, reference] = [values['head']?.['bytes']?.[0], values['reference']?.['bytes']?.[0]];
  if (head === undefined || reference === undefined || head < reference) return;
  await forArm('head', () => {
    throw new GateError(
      'build-ineffective',
      `The files of the model were counted. The entry claims a compression: expected files of fewer than ${reference} bytes, which the reference model has, got ${head} bytes.`,
    );
  });
};

/** By artefact of a launch, and what is counted in it: every draw of an episode asks anew. */
const inspected = new WeakMap<ArtefactRef, Map<string, Promise<Values>>>();

/** What a player may ask of a variant of an arm, from its files alone. */
export const inspectVariant = (artefact: ArtefactRef, arm: ArmId, weights: CountedWeights | null): Promise<Values> => {
  const known = inspected.get(artefact) ?? new Map<string, Promise<Values>>();
  inspected.set(artefact, known);
  const key = JSON.stringify(weights);
  const found = known.get(key) ?? valuesOf(artefact, arm, weights);
  known.set(key, found);
  return found;
};

const valuesOf = async (artefact: ArtefactRef, arm: ArmId, weights: CountedWeights | null): Promise<Values> => {
  const { folder, stages, spare } = artefact;
  const found = await inspectArtefact(folder, stages, past);
  const counted = found.unknown.length === 0 ? { 'multiply-adds': found.multiplyAdds } : {};
  const modules = stages.some(({ id }) => id === 'decoder') ? {} : await moduleFingerprints(folder, stages);
  const zeros =
    weights === null
      ? {}
      : Object.fromEntries(Object.entries(sparsitySeries(weights, artefact, arm).values).map(([series, [value = 0]]) => [series, value]));
  return { bytes: found.bytes + spare, parameters: found.parameters, ...counted, ...modules, ...zeros };
};
