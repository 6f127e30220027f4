import type { BuildContext, BuildResult, ModelView } from '../../contract/build.ts';
import { graphIndex } from '../../onnx/edit.ts';
import { initializer, readFloats } from '../../onnx/tensor.ts';
import { matrix } from '../algebra/matrix.ts';
import { refittedTo } from '../algebra/refit.ts';
import { momentsInTurns } from '../graph/moments.ts';
import { pairedMoments, type TensorPair } from '../graph/paired-moments.ts';
import { replaceFloats } from '../graph/rewrite.ts';
import { rewriteStages, type StageGraph } from '../graph/stage-graphs.ts';

/** A factor that was put in, the last one before the output of what it took the place of. */
export interface LastFactor {
  readonly stage: string;
  /** Initializer [rank, columns]. */
  readonly name: string;
  readonly rank: number;
  readonly columns: number;
  /** What the factor reads in the factored model, and what the matrix made in the model as it came. */
  readonly pair: TensorPair;
}

const refitStage = async (
  { stage, model }: StageGraph,
  factors: readonly LastFactor[],
  factored: ModelView,
  { calibration, products }: BuildContext<unknown>,
): Promise<void> => {
  const momentsOf = momentsInTurns(
    factors.map(({ pair, rank, columns }) => ({ key: pair, elements: rank * (rank + columns) })),
    (turn) => pairedMoments(calibration, factored, stage, turn, products),
  );
  for (const { name, pair, rank, columns } of factors) {
    const moments = await momentsOf(pair);
    const [reader] = graphIndex(model).consumers.get(name) ?? [];
    if (moments === undefined || reader === undefined) continue;
    const weights = matrix(rank, columns, readFloats(model, name));
    const { data } = await refittedTo(weights, moments.moment, moments.cross, products);
    replaceFloats(model, reader.node, name, initializer(model, name).dims.map(Number), new Float32Array(data));
  }
};

/**
 * Writes the factored model with its last factors refitted: least squares between what the factored model feeds them and what the
 * matrices made in the model as it came (the update of SVD-LLM: Wang, Zheng, Wan and Zhang 2024, arXiv 2403.07378).
 * @throws GateError non-finite-output for activations that are not finite.
 */
export const refitFactors = (factored: ModelView, factors: readonly LastFactor[], context: BuildContext<unknown>): Promise<BuildResult> =>
  rewriteStages(
    { ...context, input: factored },
    (stage) => factors.some((each) => each.stage === stage),
    async (graph) => {
      await refitStage(
        graph,
        factors.filter(({ stage }) => stage === graph.stage),
        factored,
        context,
      );
      return {};
    },
  );
