import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuildContext, BuildResult } from '../../contract/build.ts';
import type { Subject } from '../../contract/optimization.ts';
import { GateError } from '../../errors.ts';
import type { Experts, Linear } from '../../onnx/recognise/architecture.ts';
import { inStage, layerExperts, layerLinears } from '../../onnx/recognise/layer-weights.ts';
import { deriveSeed, seededRandom } from '../../statistics/random.ts';
import { matrix } from '../algebra/matrix.ts';
import { channelEnergy, secondMoments } from '../graph/activations.ts';
import { expertEnergy } from '../graph/expert-activations.ts';
import { readMatrix } from '../graph/rewrite.ts';
import { rewriteStages, type StageGraph } from '../graph/stage-graphs.ts';
import { expertBasis, expertElements, replaceExperts } from './experts.ts';
import { randomisedSvd } from './factorisation.ts';
import { factorsOf, replaceLinear, unweighed, type Weighing, weighingBy, weighingByEnergy, widestMoment } from './linear.ts';
import type { DecompositionOptions } from './options.ts';
import { savingRank, wantedRank } from './rank.ts';
import { type LastFactor, refitFactors } from './refit.ts';

type Context = BuildContext<DecompositionOptions>;

const factorLinear = async (
  { stage, model }: StageGraph,
  linear: Linear,
  weighing: Weighing,
  { options, seed, products }: Context,
): Promise<LastFactor | null> => {
  const weights = matrix(linear.rows, linear.columns, readMatrix(model, linear));
  const full = Math.min(linear.rows, linear.columns);
  const most = Math.min(full, savingRank(linear.rows * linear.columns, linear.rows + linear.columns, options.multiple));
  if (most < 1) return null;
  const singular = await randomisedSvd(await weighing.weigh(weights), most, seededRandom(deriveSeed(seed, linear.node)), products);
  const rank = wantedRank(options, singular.values, singular.energy, full);
  if (rank === null || rank > most) return null;
  return { stage, ...replaceLinear(model, linear, await factorsOf(singular, rank, weighing)) };
};

const factorExperts = async (
  { stage, model }: StageGraph,
  experts: Experts,
  weighing: Weighing,
  energy: Float64Array | null,
  { options, seed, products }: Context,
): Promise<LastFactor | null> => {
  if (experts.quantized || experts.extras.length > 0)
    throw new GateError(
      'onnx-unsupported',
      `${experts.op} ${experts.node} was to be factored. Only experts of floats without biases can be.`,
      {
        where: model.graph,
      },
    );
  const hidden = experts.router.linear.rows;
  const { dense, perRank } = expertElements(experts, hidden);
  const most = Math.min(hidden, savingRank(dense, perRank, options.multiple));
  if (most < 1) return null;
  const basis = await expertBasis(model, experts, most, weighing, energy, seededRandom(deriveSeed(seed, experts.node)), products);
  const ranks = [basis.input.singular, basis.output.singular].map((singular) =>
    wantedRank(options, singular.values, singular.energy, hidden),
  );
  const [into, outOf] = ranks;
  if (into === null || into === undefined || outOf === null || outOf === undefined || Math.max(into, outOf) > most) return null;
  return { stage, ...(await replaceExperts(model, experts, basis, Math.max(into, outOf), products)) };
};

/** How to weigh by each input, from one sweep of the calibration per kind; the triangle of the input asked for last is kept. */
const weighingsOf = async (
  inputs: readonly { readonly name: string; readonly width: number }[],
  stage: string,
  { options, calibration, products }: Context,
): Promise<(input: string) => Promise<Weighing>> => {
  if (!options.aware) return async () => unweighed;
  const named = (wide: boolean): readonly string[] => inputs.filter(({ width }) => width > widestMoment === wide).map(({ name }) => name);
  const moments = await secondMoments(calibration, stage, named(false), products);
  const energies = await channelEnergy(calibration, stage, named(true));
  let last: { readonly input: string; readonly weighing: Weighing } | null = null;
  return async (input) => {
    if (last?.input === input) return last.weighing;
    const [moment, energy] = [moments.get(input), energies.get(input)];
    const weighing =
      moment !== undefined ? await weighingBy(moment, products) : energy !== undefined ? weighingByEnergy(energy) : unweighed;
    last = { input, weighing };
    return weighing;
  };
};

const factorStage = async (
  graph: StageGraph,
  context: Context,
): Promise<{ readonly factors: readonly LastFactor[]; readonly matrices: number }> => {
  const { stage, model, architecture } = graph;
  const { options } = context;
  const linears = layerLinears(architecture.layers, options.target);
  const experts = layerExperts(architecture.layers, options.target);
  if (linears.length + experts.length === 0)
    throw new GateError(
      'onnx-unsupported',
      `Matrices of target ${options.target} were looked for. None is recognised in ${architecture.layers.length} layers.`,
      {
        where: model.graph,
      },
    );
  const inputs = [
    ...linears.map(({ input, rows }) => ({ name: input, width: rows })),
    ...experts.map(({ input, router }) => ({ name: input, width: router.linear.rows })),
  ];
  const weighingOf = await weighingsOf(inputs, stage, context);
  const energies = options.aware ? await expertEnergy(model, experts, context, stage) : null;
  const factors: (LastFactor | null)[] = [];
  for (const linear of linears) factors.push(await factorLinear(graph, linear, await weighingOf(linear.input), context));
  for (const each of experts)
    factors.push(await factorExperts(graph, each, await weighingOf(each.input), energies?.get(each) ?? null, context));
  return { factors: factors.filter((factor) => factor !== null), matrices: factors.length };
};

/** Writes the model with factors as they come, and names those that can be refitted. */
const factored = async (context: Context): Promise<{ readonly result: BuildResult; readonly factors: readonly LastFactor[] }> => {
  const factors: LastFactor[] = [];
  const result = await rewriteStages(
    context,
    (stage) => inStage(context.options.target, stage),
    async (graph) => {
      const found = await factorStage(graph, context);
      factors.push(...found.factors);
      return { 'factored-matrices': found.factors.length, 'kept-matrices': found.matrices - found.factors.length };
    },
  );
  return { result, factors };
};

/** Factors into a folder that is removed again, runs the calibration through what is there, and writes the refitted factors. */
const refitted = async (context: Context): Promise<BuildResult> => {
  const folder = mkdtempSync(join(tmpdir(), 'factored-'));
  try {
    const { result, factors } = await factored({ ...context, output: folder });
    const { stages } = await refitFactors({ folder, stages: result.stages }, factors, context);
    return { ...result, stages };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/**
 * Builds the factored model. A matrix is replaced only where its factors have fewer elements; facts: `factored-matrices` and
 * `kept-matrices` (stacked experts count once).
 * @throws GateError build-ineffective when no matrix of the target can be replaced at the asked rank or energy.
 */
export const tensorDecomposition: Subject<DecompositionOptions> = {
  build: async (context) => {
    const { target } = context.options;
    if (!context.input.stages.some(({ id }) => inStage(target, id)))
      throw new GateError(
        'onnx-unsupported',
        `The ${target === 'vision' ? 'vision tower' : 'decoder'} was to be rewritten. The model has no ONNX file of that name.`,
      );
    const result = context.options.refit ? await refitted(context) : (await factored(context)).result;
    if ((result.facts?.['factored-matrices'] ?? 0) === 0) {
      const asked =
        context.options.rank.by === 'energy' ? `energy ${context.options.rank.keep}` : `rank-ratio ${context.options.rank.share}`;
      throw new GateError('build-ineffective', `The matrices of target ${target} were factored. At ${asked} none becomes smaller.`, {
        where: 'options',
      });
    }
    return result;
  },
};
