import type { BuildContext } from '../../contract/build.ts';
import type { Subject } from '../../contract/optimization.ts';
import { GateError } from '../../errors.ts';
import { packWeight } from '../../onnx/packed-weights.ts';
import type { Experts, Linear } from '../../onnx/recognise/architecture.ts';
import { inStage, layerExperts, layerLinears } from '../../onnx/recognise/layer-weights.ts';
import { initializer, readFloats } from '../../onnx/tensor.ts';
import { deriveSeed, seededRandom } from '../../statistics/random.ts';
import { channelEnergy } from '../graph/activations.ts';
import { expertEnergy } from '../graph/expert-activations.ts';
import { producerOf, readMatrix, replaceFloats, transposed } from '../graph/rewrite.ts';
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

const maskLinear = ({ model }: StageGraph, linear: Linear, squares: Squares, context: Context): string => {
  const { rows, columns, orientation } = linear;
  const outputs = transposed(readMatrix(model, linear), rows, columns);
  const sparse = maskRows(outputs, rows, linear.node, squares, (_at, input) => input, context);
  const stored = orientation === 'out-in' ? sparse : transposed(sparse, columns, rows);
  return replaceFloats(model, producerOf(model, linear.node), linear.weight, initializer(model, linear.weight).dims.map(Number), stored);
};

/** Gate and up by the inputs of all tokens, down by what each expert's own channels let through for the tokens routed to it. */
const maskExperts = (
  { model }: StageGraph,
  experts: Experts,
  squares: { readonly input: Squares; readonly channels: Squares },
  context: Context,
): readonly string[] => {
  if (experts.quantized)
    throw new GateError(
      'onnx-unsupported',
      `${experts.op} ${experts.node} was to be made sparse. Its weights are quantized: apply this optimization before quantizing.`,
      {
        where: model.graph,
      },
    );
  const node = producerOf(model, experts.node);
  const mask = (name: string, by: Squares, squareOf: (at: number, input: number) => number): string => {
    const dims = initializer(model, name).dims.map(Number);
    return replaceFloats(model, node, name, dims, maskRows(readFloats(model, name), dims.at(-1) ?? 1, name, by, squareOf, context));
  };
  const { up, down, width, count } = experts;
  const perExpert = readFloats(model, down).length / count;
  return [
    mask(up, squares.input, (_at, input) => input),
    mask(down, squares.channels, (at, input) => Math.floor(at / perExpert) * width + input),
  ];
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
  const names = [
    ...linears.map((linear) => maskLinear(graph, linear, squaresOf(linear.input), context)),
    ...experts.flatMap((each) =>
      maskExperts(graph, each, { input: squaresOf(each.input), channels: informative(channels?.get(each) ?? null) }, context),
    ),
  ];
  const packed = options.storage === 'packed' ? names.filter((name) => packWeight(model, name)).length : 0;
  return { 'masked-matrices': names.length, 'packed-matrices': packed };
};

/**
 * Builds the sparse model: masks without retraining or update, by weight × norm of its input (Wanda), weight, or chance.
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
