import type { BuildContext, BuildResult } from '../../contract/build.ts';
import { GateError } from '../../errors.ts';
import type { Experts } from '../../onnx/recognise/architecture.ts';
import { rewriteStages, type StageGraph } from '../graph/stage-graphs.ts';
import type { Choice } from '../structured-pruning/choice.ts';
import { pruneExpertChannels } from '../structured-pruning/experts.ts';
import { pruneFeedForwards } from '../structured-pruning/feed-forward.ts';
import { pruneLayers } from '../structured-pruning/layers.ts';
import type { PruningOptions } from '../structured-pruning/options.ts';
import type { MemberShape } from './options.ts';

const removing = (target: PruningOptions['target'], share: number): PruningOptions => ({
  target,
  ratio: 1 - share,
  importance: 'activation',
  refit: true,
  multiple: 8,
});

/**
 * One sub-network of a model: the layers that turn the stream most, and in each of them the channels (of experts too) that add most,
 * both on calibration text. Nothing is trained: a sub-network is cut out of the weights as they are, as Once-for-All
 * (arXiv 1908.09791) cuts its own out of a network trained for that, and what follows the channels is refitted.
 */
export const buildShape = async (context: BuildContext<unknown>, { depth, width }: MemberShape): Promise<BuildResult> => {
  const { seed, calibration, products } = context;
  return rewriteStages(
    context,
    (stage) => stage === 'decoder',
    async ({ stage, model, architecture }: StageGraph) => {
      const { layers } = architecture;
      if (layers.length === 0)
        throw new GateError('onnx-unsupported', 'The layers of the graph were looked for. None is recognised.', { where: model.graph });
      const choice = (options: PruningOptions): Choice => ({ stage, options, seed, calibration, products });
      // Widths first: both read the tensors of the model as it came, and no layer that goes needs to be kept in step.
      const narrowed = choice(removing('ffn', width));
      const experts = layers.map((layer) => layer.experts).filter((each): each is Experts => each !== null);
      const channels =
        width === 1
          ? 0
          : (await pruneFeedForwards(
              model,
              layers.flatMap((layer) => layer.feedForwards),
              narrowed,
            )) + (await pruneExpertChannels(model, experts, narrowed));
      const removed = depth === 1 ? 0 : await pruneLayers(model, layers, choice(removing('layers', depth)));
      return { 'removed-channels': channels, 'removed-layers': removed };
    },
  );
};
