import { join } from 'node:path';
import { GateError } from '../errors.ts';
import { readWindows } from '../models/evaluation.ts';
import { openModelSource } from '../models/model-source.ts';
import { digestOf } from '../records/decode.ts';
import type { OperatingPoint } from '../records/metric.ts';
import type { LaunchRequest } from '../records/protocol.ts';
import { evaluationRecord } from '../records/stored.ts';
import type { EvaluationWindows } from '../records/serving.ts';
import type { ArmId } from '../records/words.ts';
import type { LoadedModel } from '../runtime/decoder.ts';
import { blindNll, scoreArms, type WindowScore } from '../runtime/scoring.ts';
import { quantile } from '../statistics/describe.ts';
import { armArtefact, forArm } from './arm.ts';
import type { LaunchTools } from './launch-tools.ts';

type EvaluationPoint = Extract<OperatingPoint, { kind: 'evaluation' }>;
type Series = Record<string, number[]>;

/** Perplexity above this share of the vocabulary: the model has learnt nothing that an optimization could take away. */
const untrainedShare = 0.5;

/**
 * Teacher-forced quality of every arm on the held-out windows against the untouched model. The same bytes on the same text
 * always score the same, so a score is kept in the store under the digests that it rests on and not computed twice.
 *
 * Series per window: `nll` (nats per token), `kl` (nats per token, from the reference), `top1` (share of agreeing
 * predictions), for vision-language models `blind-nll` (image zeroed); `kl-p99` once, over all tokens.
 * Throws `untrained-reference` for a model that knows nothing, `non-finite-output` naming the arm.
 */
export const evaluateArms = async (point: EvaluationPoint, request: LaunchRequest, tools: LaunchTools): Promise<{ values: Record<string, Series>; warnings: string[] }> => {
  const reference = armArtefact(request, 'reference');
  const source = openModelSource(request.model);
  const keyOf = (arm: ArmId): string =>
    digestOf(JSON.stringify(['evaluation', 1, source.digest, request.runtime.digest, reference.digest, armArtefact(request, arm).digest, point.windows]));
  const values: Record<string, Series> = {};
  const missing: ArmId[] = [];
  for (const arm of point.arms) {
    const known = await tools.store.record('evaluation', keyOf(arm), evaluationRecord);
    if (known === null) missing.push(arm);
    else values[arm] = Object.fromEntries(Object.entries(known).map(([name, series]) => [name, [...series]]));
  }
  if (missing.length === 0) return { values, warnings: [] };
  const windows = readWindows(join(source.folder, 'evaluation.safetensors'), source.config);
  const base = await forArm('reference', () => tools.openModel(reference));
  try {
    for (const arm of missing) {
      const model = armArtefact(request, arm).digest === reference.digest ? base : await forArm(arm, () => tools.openModel(armArtefact(request, arm)));
      const series = await forArm(arm, () => scoreOne(base, model, windows, point, () => tools.beat(point.id)));
      if (arm === 'reference') checkTrained(series, base.face.vocabulary, request.model);
      if (model !== base) await model.release();
      await tools.store.putRecord('evaluation', keyOf(arm), series);
      values[arm] = series;
    }
  } finally {
    await base.release();
  }
  return { values, warnings: [] };
};

const scoreOne = async (reference: LoadedModel, model: LoadedModel, windows: EvaluationWindows, point: EvaluationPoint, beat: () => void): Promise<Series> => {
  const scores: WindowScore[] = [];
  await scoreArms(reference, { arm: model }, windows, { limit: point.windows }, (_window, score) => {
    if (score['arm'] !== undefined) scores.push(score['arm']);
    beat();
  });
  const series: Series = {
    nll: scores.map(({ nll }) => nll),
    kl: scores.map(({ kl }) => kl),
    top1: scores.map(({ top1 }) => top1),
    'kl-p99': [quantile(scores.flatMap(({ kls }) => [...kls]), 0.99)],
  };
  if (windows.images !== null) {
    const blind: number[] = [];
    for (let window = 0; window < scores.length; window++) blind.push(await blindNll(model, windows, window));
    series['blind-nll'] = blind;
  }
  return series;
};

const checkTrained = (series: Series, vocabulary: number | null, model: string): void => {
  const nll = series['nll'] ?? [];
  const perplexity = Math.exp(nll.reduce((sum, value) => sum + value, 0) / Math.max(1, nll.length));
  if (vocabulary !== null && perplexity >= untrainedShare * vocabulary)
    throw new GateError('untrained-reference', `perplexity ${perplexity.toFixed(1)} with a vocabulary of ${vocabulary}`, { where: model });
};
