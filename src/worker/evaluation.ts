import { join } from 'node:path';
import { GateError } from '../errors.ts';
import { readWindows } from '../models/evaluation.ts';
import { absenceText } from '../records/absence.ts';
import { digestOf } from '../records/decode.ts';
import type { ScoredArtefact } from '../records/evaluation-record.ts';
import type { OperatingPoint } from '../records/metric.ts';
import type { LaunchRequest } from '../records/protocol.ts';
import { everySeries } from '../records/series-note.ts';
import type { EvaluationWindows, ModelFacts } from '../records/serving.ts';
import { type ArmId, armId } from '../records/words.ts';
import type { LoadedModel } from '../runtime/decoder.ts';
import { scoreGeneration } from '../runtime/generation-scoring.ts';
import { blindNll, scoreArms, type WindowScore } from '../runtime/scoring.ts';
import { quantile } from '../statistics/describe.ts';
import { deriveSeed, seededRandom, shuffled } from '../statistics/random.ts';
import { openScratch } from '../store/scratch.ts';
import { ArmError, armArtefact, forArm } from './arm.ts';
import type { LaunchTools } from './launch-tools.ts';
import { openPlannedModel } from './planned-model.ts';
import { rememberLogits } from './remembered-logits.ts';

type EvaluationPoint = Extract<OperatingPoint, { kind: 'evaluation' }>;
type GenerationPoint = Extract<OperatingPoint, { kind: 'generation' }>;
type Series = Record<string, number[]>;

/** Perplexity above this share of the vocabulary: the model has learnt nothing that an optimization could take away. */
const untrainedShare = 0.5;

/**
 * Teacher-forced quality of every arm on the held-out windows against the reference model. The same bytes on the same text
 * always score the same, so a score is kept under the digests that it rests on and not computed twice.
 *
 * Series per window: `nll` (nats per token), `late-nll` (the same over the last quarter of its targets), `kl` (nats per token, from the
 * reference), `top1` (percentage of agreeing predictions), `lost-bits` (of the logits' precision), for vision-language models `blind-nll` (image zeroed); `kl-p99` once, over all tokens.
 * Of a generation `cached-nll` (nats per token) `agreement` (nats per token from what its steps must come to),
 * and `unread-cache` (percentage of cached positions that a step does not read), once.
 * Throws `untrained-reference` for a model that knows nothing, `non-finite-output` naming the arm.
 */
export const evaluateArms = async (
  point: EvaluationPoint | GenerationPoint,
  request: LaunchRequest,
  tools: LaunchTools,
): Promise<{ values: Record<string, Series>; warnings: string[] }> => {
  const values = await scoredArms(point, request, tools);
  return typeof values === 'string'
    ? { values: {}, warnings: [absenceText({ state: 'refused', series: everySeries, reason: values })] }
    : { values, warnings: [] };
};

/** The same series for whoever cannot go on without them: throws `untrained-reference`, which is no arm's doing but the model's. */
export const requireScores = async (
  point: EvaluationPoint,
  request: LaunchRequest,
  tools: LaunchTools,
): Promise<Record<string, Series>> => {
  const values = await scoredArms(point, request, tools);
  if (typeof values === 'string') throw new ArmError('reference', new GateError('untrained-reference', values));
  return values;
};

/** Known scores, or new ones; or in words why the model can carry none. */
const scoredArms = async (
  point: EvaluationPoint | GenerationPoint,
  request: LaunchRequest,
  tools: LaunchTools,
): Promise<Record<string, Series> | string> => {
  const reference = armArtefact(request, 'reference');
  const { modelDigest } = request;
  if (modelDigest === null) throw new GateError('internal', 'Quality was to be measured in a launch without a model.');
  const scoredOf = (arm: ArmId): ScoredArtefact => ({
    model: modelDigest,
    runtime: request.runtime.digest,
    reference: reference.digest,
    artefact: armArtefact(request, arm).digest,
    windows: point.windows,
    steps: point.kind === 'generation' ? point.steps : 0,
  });
  const values: Record<string, Series> = {};
  const missing: ArmId[] = [];
  for (const arm of point.arms) {
    const known = tools.scores.known(scoredOf(arm));
    if (known === null) missing.push(arm);
    else values[arm] = Object.fromEntries(Object.entries(known).map(([name, series]) => [name, [...series]]));
  }
  const refusedBefore = untrained(values['reference'], tools.facts);
  if (refusedBefore !== null) return refusedBefore;
  if (missing.length === 0) return values;
  const source = openPlannedModel(request.model, modelDigest);
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
    const key = digestOf(JSON.stringify(['logits', 3, source.digest, request.runtime.digest, reference.digest]));
    const base = rememberLogits(await open('reference'), openScratch(tools.scratch, key), point.windows);
    for (const arm of missing) models.set(arm, armArtefact(request, arm).digest === reference.digest ? base : await open(arm));
    const beat = (): void => tools.beat(point.id);
    // Launches side by side begin at different windows: each finds what the other has computed.
    const random = seededRandom(deriveSeed(request.seed, request.launch, point.id));
    const scored =
      point.kind === 'generation'
        ? await generateAll(base, models, windows, point, beat)
        : await scoreAll(base, models, windows, point, random, beat);
    const refused = untrained(scored.get('reference'), tools.facts);
    for (const [arm, series] of scored) {
      if (refused !== null && arm !== 'reference') continue;
      tools.scores.keep({ of: scoredOf(arm), series });
      values[arm] = series;
    }
    return refused ?? values;
  } finally {
    for (const model of opened.values()) await model.release();
  }
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
      top1: list.map(({ top1 }) => 100 * top1),
      'kl-p99': [
        quantile(
          list.flatMap(({ kls }) => [...kls]),
          0.99,
        ),
      ],
      'lost-bits': list.map((score) => score.lostBits),
      ...(windows.images === null ? {} : { 'blind-nll': blind }),
    });
  }
  return series;
};

/** Each arm on its own: nothing is kept of one for another. */
const generateAll = async (
  reference: LoadedModel,
  models: ReadonlyMap<ArmId, LoadedModel>,
  windows: EvaluationWindows,
  { windows: count, steps }: GenerationPoint,
  beat: () => void,
): Promise<Map<ArmId, Series>> => {
  const series = new Map<ArmId, Series>();
  for (const [arm, model] of models) {
    const scores = await forArm(arm, () =>
      scoreGeneration(reference, model, windows, { count: Math.min(count, windows.count), steps, beat }),
    );
    const unread = await forArm(arm, () => model.unreadCache(windows, 0, steps));
    series.set(arm, {
      'cached-nll': scores.map(({ nll }) => nll),
      agreement: scores.map(({ apart }) => apart),
      'unread-cache': [100 * unread],
    });
  }
  return series;
};

/** What goes wrong while a model runs is its arm's doing. */
const blaming = (arm: ArmId, model: LoadedModel): LoadedModel => ({
  ...model,
  score: (...window) => forArm(arm, () => model.score(...window)),
});

/** Scoring names the arm that cannot be scored: its logits are not numbers, or not those of the reference's tokens. */
const blamingScores = async (score: () => Promise<void>): Promise<void> => {
  try {
    await score();
  } catch (thrown) {
    if (thrown instanceof GateError) {
      const arm = armId.safeParse(thrown.where);
      if (arm.success) throw new ArmError(arm.data, new GateError(thrown.code, thrown.message, { cause: thrown }));
    }
    throw thrown;
  }
};

/** Why the reference model can carry no quality metric, by its name; null where it can, or where nothing is known of it. */
const untrained = (series: Series | undefined, { id, vocabulary }: ModelFacts): string | null => {
  const nll = series?.['nll'] ?? series?.['cached-nll'] ?? [];
  if (nll.length === 0) return null;
  const perplexity = Math.exp(nll.reduce((sum, value) => sum + value, 0) / nll.length);
  if (perplexity < untrainedShare * vocabulary) return null;
  return `Quality was to be measured. The reference model ${id} is untrained: its perplexity is ${perplexity.toFixed(1)}, with a vocabulary of ${vocabulary}.`;
};
