import { join } from 'node:path';
import { GateError } from '../errors.ts';
import { readWindows } from '../models/evaluation.ts';
import { digestOf } from '../records/decode.ts';
import type { OperatingPoint } from '../records/metric.ts';
import type { LaunchRequest } from '../records/protocol.ts';
import type { EvaluationWindows } from '../records/serving.ts';
import { evaluationRecord } from '../records/stored.ts';
import { type ArmId, armId } from '../records/words.ts';
import type { LoadedModel } from '../runtime/decoder.ts';
import { blindNll, scoreArms, type WindowScore } from '../runtime/scoring.ts';
import { quantile } from '../statistics/describe.ts';
import { deriveSeed, seededRandom, shuffled } from '../statistics/random.ts';
import { openScratch } from '../store/scratch.ts';
import { ArmError, armArtefact, forArm } from './arm.ts';
import type { LaunchTools } from './launch-tools.ts';
import { openPlannedModel } from './planned-model.ts';
import { rememberLogits } from './remembered-logits.ts';

type EvaluationPoint = Extract<OperatingPoint, { kind: 'evaluation' }>;
type Series = Record<string, number[]>;

/** Perplexity above this share of the vocabulary: the model has learnt nothing that an optimization could take away. */
const untrainedShare = 0.5;

/**
 * Teacher-forced quality of every arm on the held-out windows against the untouched model. The same bytes on the same text
 * always score the same, so a score is kept in the store under the digests that it rests on and not computed twice.
 *
 * Series per window: `nll` (nats per token), `late-nll` (the same over the last quarter of its targets), `kl` (nats per token, from the
 * reference), `top1` (share of agreeing predictions), for vision-language models `blind-nll` (image zeroed); `kl-p99` once, over all tokens.
 * Throws `untrained-reference` for a model that knows nothing, `non-finite-output` naming the arm.
 */
export const evaluateArms = async (
  point: EvaluationPoint,
  request: LaunchRequest,
  tools: LaunchTools,
): Promise<{ values: Record<string, Series>; warnings: string[] }> => {
  const reference = armArtefact(request, 'reference');
  const source = openPlannedModel(request.model, request.modelDigest);
  const keyOf = (arm: ArmId): string =>
    digestOf(
      JSON.stringify([
        'evaluation',
        3,
        source.digest,
        request.runtime.digest,
        reference.digest,
        armArtefact(request, arm).digest,
        point.windows,
      ]),
    );
  const values: Record<string, Series> = {};
  const missing: ArmId[] = [];
  for (const arm of point.arms) {
    const known = await tools.store.record('evaluation', keyOf(arm), evaluationRecord);
    if (known === null) missing.push(arm);
    else values[arm] = Object.fromEntries(Object.entries(known).map(([name, series]) => [name, [...series]]));
  }
  if (missing.length === 0) return { values, warnings: [] };
  const windows = readWindows(join(source.folder, 'evaluation.safetensors'), source.config);
  const models = new Map<ArmId, LoadedModel>();
  const opened = new Map<string, LoadedModel>();
  const open = async (arm: ArmId): Promise<LoadedModel> => {
    const artefact = armArtefact(request, arm);
    const model = opened.get(artefact.digest) ?? (await forArm(arm, () => tools.openModel(artefact)));
    opened.set(artefact.digest, model);
    return model;
  };
  try {
    const key = digestOf(JSON.stringify(['logits', 1, source.digest, request.runtime.digest, reference.digest]));
    const base = rememberLogits(await open('reference'), openScratch(tools.store.root, key), point.windows);
    for (const arm of missing) models.set(arm, armArtefact(request, arm).digest === reference.digest ? base : await open(arm));
    // Launches side by side begin at different windows: each finds what the other has computed.
    const random = seededRandom(deriveSeed(request.seed, request.launch, point.id));
    const scored = await scoreAll(base, models, windows, point, random, () => tools.beat(point.id));
    for (const [arm, series] of scored) {
      if (arm === 'reference') checkTrained(series, base.face.vocabulary, request.model);
      await tools.store.putRecord('evaluation', keyOf(arm), series);
      values[arm] = series;
    }
  } finally {
    for (const model of opened.values()) await model.release();
  }
  return { values, warnings: [] };
};

/** One pass over the windows: the reference's logits are computed once for all arms. */
const scoreAll = async (
  reference: LoadedModel,
  models: ReadonlyMap<ArmId, LoadedModel>,
  windows: EvaluationWindows,
  point: EvaluationPoint,
  random: () => number,
  beat: () => void,
): Promise<Map<ArmId, Series>> => {
  const scores = new Map<ArmId, WindowScore[]>([...models.keys()].map((arm) => [arm, []]));
  const named = Object.fromEntries([...models].map(([arm, model]) => [arm, model === reference ? model : blaming(arm, model)]));
  await blamingScores(() =>
    scoreArms(reference, named, windows, { limit: point.windows, arrange: (starts) => shuffled(starts, random) }, (window, score) => {
      for (const [arm, list] of scores) {
        const one = score[arm];
        if (one !== undefined) list[window] = one;
      }
      beat();
    }),
  );
  const series = new Map<ArmId, Series>();
  for (const [arm, list] of scores) {
    const model = models.get(arm);
    const blind: number[] = [];
    if (windows.images !== null && model !== undefined)
      for (let window = 0; window < list.length; window++) blind.push(await blindNll(model, windows, window));
    series.set(arm, {
      nll: list.map(({ nll }) => nll),
      'late-nll': list.map(({ lateNll }) => lateNll),
      kl: list.map(({ kl }) => kl),
      top1: list.map(({ top1 }) => top1),
      'kl-p99': [
        quantile(
          list.flatMap(({ kls }) => [...kls]),
          0.99,
        ),
      ],
      ...(windows.images === null ? {} : { 'blind-nll': blind }),
    });
  }
  return series;
};

/** What goes wrong while a model runs is its arm's doing. */
const blaming = (arm: ArmId, model: LoadedModel): LoadedModel => ({
  ...model,
  score: (...window) => forArm(arm, () => model.score(...window)),
});

/** Scoring names the arm whose logits are not numbers. */
const blamingScores = async (score: () => Promise<void>): Promise<void> => {
  try {
    await score();
  } catch (thrown) {
    if (thrown instanceof GateError && thrown.code === 'non-finite-output') {
      const arm = armId.safeParse(thrown.where);
      if (arm.success) throw new ArmError(arm.data, thrown);
    }
    throw thrown;
  }
};

const checkTrained = (series: Series, vocabulary: number | null, model: string): void => {
  const nll = series['nll'] ?? [];
  const perplexity = Math.exp(nll.reduce((sum, value) => sum + value, 0) / Math.max(1, nll.length));
  if (vocabulary !== null && perplexity >= untrainedShare * vocabulary)
    throw new GateError('untrained-reference', `perplexity ${perplexity.toFixed(1)} with a vocabulary of ${vocabulary}`, { where: model });
};
