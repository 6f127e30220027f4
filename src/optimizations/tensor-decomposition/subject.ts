import type { BuildContext } from '../../contract/build.ts';
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

type Context = BuildContext<DecompositionOptions>;

const factorLinear = async (
  { model }: StageGraph,
  linear: Linear,
  weighing: Weighing,
  { options, seed, products }: Context,
): Promise<number> => {
  const weights = matrix(linear.rows, linear.columns, readMatrix(model, linear));
  const full = Math.min(linear.rows, linear.columns);
  const most = Math.min(full, savingRank(linear.rows * linear.columns, linear.rows + linear.columns, options.multiple));
  if (most < 1) return 0;
  const singular = await randomisedSvd(await weighing.weigh(weights), most, seededRandom(deriveSeed(seed, linear.node)), products);
  const rank = wantedRank(options, singular.values, singular.energy, full);
  if (rank === null || rank > most) return 0;
  replaceLinear(model, linear, await factorsOf(singular, rank, weighing));
  return 1;
};

const factorExperts = async (
  { model }: StageGraph,
  experts: Experts,
  weighing: Weighing,
  energy: Float64Array | null,
  { options, seed, products }: Context,
): Promise<number> => {
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
  if (most < 1) return 0;
  const basis = await expertBasis(model, experts, most, weighing, energy, seededRandom(deriveSeed(seed, experts.node)), products);
  const ranks = [basis.input.singular, basis.output.singular].map((singular) =>
    wantedRank(options, singular.values, singular.energy, hidden),
  );
  const [into, outOf] = ranks;
  if (into === null || into === undefined || outOf === null || outOf === undefined || Math.max(into, outOf) > most) return 0;
  await replaceExperts(model, experts, basis, Math.max(into, outOf), products);
  return 1;
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

const factorStage = async (graph: StageGraph, context: Context): Promise<Readonly<Record<string, number>>> => {
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
  let factored = 0;
  for (const linear of linears) factored += await factorLinear(graph, linear, await weighingOf(linear.input), context);
  for (const each of experts)
    factored += await factorExperts(graph, each, await weighingOf(each.input), energies?.get(each) ?? null, context);
  return { 'factored-matrices': factored, 'kept-matrices': linears.length + experts.length - factored };
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
    const result = await rewriteStages(
      context,
      (stage) => inStage(target, stage),
      (graph) => factorStage(graph, context),
    );
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
