import type { BuildContext, Matrix } from '../../contract/build.ts';
import type { Subject } from '../../contract/optimization.ts';
import { GateError } from '../../errors.ts';
import { packWeight } from '../../onnx/packed-weights.ts';
import type { Experts, Linear } from '../../onnx/recognise/architecture.ts';
import { inStage, layerExperts, layerLinears } from '../../onnx/recognise/layer-weights.ts';
import { initializer, readFloats } from '../../onnx/tensor.ts';
import { deriveSeed, seededRandom } from '../../statistics/random.ts';
import { flipped, matrix } from '../algebra/matrix.ts';
import { dampedMoment } from '../algebra/moment.ts';
import { refittedWeights } from '../algebra/refit.ts';
import { channelEnergy, secondMoments } from '../graph/activations.ts';
import { expertEnergy, expertMoments } from '../graph/expert-activations.ts';
import { momentsInTurns } from '../graph/moments.ts';
import { producerOf, readMatrix, replaceFloats, replaceMatrix, transposed } from '../graph/rewrite.ts';
import { rewriteStages, type StageGraph } from '../graph/stage-graphs.ts';
import { masked } from './mask.ts';
import { densityOf, type SparsityOptions } from './options.ts';

type Context = BuildContext<SparsityOptions>;

/** Squares of the inputs on calibration text by position; null: the weight alone counts. */
type Squares = ArrayLike<number> | null;

/** What calibration never lets through says nothing about weights: then they count alone. */
const informative = (squares: Float64Array | null): Squares => (squares?.some((value) => value > 0) === true ? squares : null);

/**
 * Masks rows of weights [outputs, inputs].
 * @param squareOf where the square of a weight's input stands, by its position and its input
 */
const maskRows = (
  weights: Float32Array,
  inputs: number,
  label: string,
  squares: Squares,
  squareOf: (at: number, input: number) => number,
  { options, seed }: Context,
): Float32Array => {
  const density = densityOf(options);
  if ('zeros' in density && density.zeros === 0) return weights;
  const random = options.importance === 'random' ? seededRandom(deriveSeed(seed, label)) : null;
  const score = (at: number, input: number): number => {
    if (random !== null) return random();
    const size = Math.abs(weights[at] as number);
    return squares === null ? size : size * Math.sqrt(squares[squareOf(at, input)] ?? 0);
  };
  return masked(weights, inputs, density, score);
};

/** Weights [outputs, inputs] that were masked: those that stay make up for those that went, where there is a moment to say how. */
const refitted = async (
  weights: Float32Array,
  sparse: Float32Array,
  inputs: number,
  moment: Matrix | null,
  { products }: Context,
): Promise<Float32Array> => {
  if (moment === null) return sparse;
  const turned = (values: Float32Array): Matrix => flipped(matrix(values.length / inputs, inputs, values));
  return new Float32Array(flipped(await refittedWeights(turned(weights), turned(sparse), moment, products)).data);
};

const maskLinear = async (
  { model }: StageGraph,
  linear: Linear,
  squares: Squares,
  recovery: Recovery,
  context: Context,
): Promise<string> => {
  const { rows, columns } = linear;
  const outputs = transposed(readMatrix(model, linear), rows, columns);
  const sparse = maskRows(outputs, rows, linear.node, squares, (_at, input) => input, context);
  const stored = await refitted(outputs, sparse, rows, await recovery.ofInput(linear.input), context);
  return replaceMatrix(model, linear, rows, transposed(stored, columns, rows));
};

/** Gate and up by the inputs of all tokens, down by what each expert's own channels let through for the tokens routed to it. */
const maskExperts = async (
  { model }: StageGraph,
  experts: Experts,
  squares: { readonly input: Squares; readonly channels: Squares },
  recovery: Recovery,
  context: Context,
): Promise<readonly string[]> => {
  if (experts.quantized)
    throw new GateError(
      'onnx-unsupported',
      `${experts.op} ${experts.node} was to be made sparse. Its weights are quantized: apply this optimization before quantizing.`,
      {
        where: model.graph,
      },
    );
  const node = producerOf(model, experts.node);
  const store = (name: string, values: Float32Array): string =>
    replaceFloats(model, node, name, initializer(model, name).dims.map(Number), values);
  const { up, down, width, count, input } = experts;
  const [ups, downs] = [readFloats(model, up), readFloats(model, down)];
  const hidden = ups.length / (count * experts.fused * width);
  const perExpert = downs.length / count;
  const sparseUps = maskRows(ups, hidden, up, squares.input, (_at, at) => at, context);
  const sparseDowns = maskRows(
    downs,
    width,
    down,
    squares.channels,
    (at, channel) => Math.floor(at / perExpert) * width + channel,
    context,
  );
  const upName = store(up, await refitted(ups, sparseUps, hidden, await recovery.ofInput(input), context));
  for (const [expert, moment] of (await recovery.ofChannels(experts)).entries()) {
    const [from, to] = [expert * perExpert, (expert + 1) * perExpert];
    sparseDowns.set(await refitted(downs.subarray(from, to), sparseDowns.subarray(from, to), width, moment, context), from);
  }
  return [upName, store(down, sparseDowns)];
};

/** The moments by which weights are refitted, damped: of what goes into a linear, and of the channels of each expert. */
interface Recovery {
  readonly ofInput: (input: string) => Promise<Matrix | null>;
  readonly ofChannels: (experts: Experts) => Promise<readonly Matrix[]>;
}

const recoveryOf = (
  inputs: readonly { readonly name: string; readonly width: number }[],
  all: readonly Experts[],
  { stage, model }: StageGraph,
  context: Context,
): Recovery => {
  const { options, calibration, products } = context;
  if (!options.refit) return { ofInput: async () => null, ofChannels: async () => [] };
  const momentOf = momentsInTurns(
    inputs.map(({ name, width }) => ({ key: name, elements: width ** 2 })),
    (turn) => secondMoments(calibration, stage, turn, products),
  );
  const channelsOf = momentsInTurns(
    all.map((each) => ({ key: each, elements: each.count * each.width ** 2 })),
    (turn) => expertMoments(model, turn, context, stage),
  );
  return {
    ofInput: async (input) => {
      const moment = await momentOf(input);
      return moment === undefined ? null : dampedMoment(moment);
    },
    ofChannels: async (experts) => ((await channelsOf(experts)) ?? []).map(dampedMoment),
  };
};

const sparsifyStage = async (graph: StageGraph, context: Context): Promise<Readonly<Record<string, number>>> => {
  const { stage, model, architecture } = graph;
  const { options, calibration } = context;
  const linears = layerLinears(architecture.layers, options.target);
  const experts = layerExperts(architecture.layers, options.target);
  if (linears.length + experts.length === 0)
    throw new GateError(
      'onnx-unsupported',
      `Weights of target ${options.target} were looked for. None is recognised in ${architecture.layers.length} layers.`,
      {
        where: model.graph,
      },
    );
  const aware = options.importance === 'activation';
  const energies = aware
    ? await channelEnergy(
        calibration,
        stage,
        [...linears, ...experts].map((each) => each.input),
      )
    : new Map<string, Float64Array>();
  const channels = aware ? await expertEnergy(model, experts, context, stage) : null;
  const squaresOf = (input: string): Squares => informative(energies.get(input) ?? null);
  const recovery = recoveryOf(
    [
      ...linears.map(({ input, rows }) => ({ name: input, width: rows })),
      ...experts.map(({ input, router }) => ({ name: input, width: router.linear.rows })),
    ],
    experts,
    graph,
    context,
  );
  const names: string[] = [];
  for (const linear of linears) names.push(await maskLinear(graph, linear, squaresOf(linear.input), recovery, context));
  for (const each of experts) {
    const squares = { input: squaresOf(each.input), channels: informative(channels?.get(each) ?? null) };
    names.push(...(await maskExperts(graph, each, squares, recovery, context)));
  }
  const packed = options.storage === 'packed' ? names.filter((name) => packWeight(model, name)).length : 0;
  return { 'masked-matrices': names.length, 'packed-matrices': packed };
};

/**
 * Builds the sparse model: masks by weight × norm of its input (Wanda), weight, or chance, and weights that stay refitted.
 * Facts: `masked-matrices` and `packed-matrices` (stacked experts count twice: up and down).
 * @throws GateError onnx-unsupported for quantized weights, or where nothing of the target is recognised.
 */
export const sparseNetwork: Subject<SparsityOptions> = {
  build: async (context) => {
    const { target } = context.options;
    if (!context.input.stages.some(({ id }) => inStage(target, id)))
      throw new GateError(
        'onnx-unsupported',
        `The ${target === 'vision' ? 'vision tower' : 'decoder'} was to be rewritten. The model has no ONNX file of that name.`,
      );
    return rewriteStages(
      context,
      (stage) => inStage(target, stage),
      (graph) => sparsifyStage(graph, context),
      'open',
    );
  },
};
