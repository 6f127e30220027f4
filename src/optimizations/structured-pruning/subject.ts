import type { Subject } from '../../contract/optimization.ts';
import { GateError } from '../../errors.ts';
import type { Experts } from '../../onnx/recognise/architecture.ts';
import { rewriteStages, type StageGraph } from '../graph/stage-graphs.ts';
import type { Choice } from './choice.ts';
import { pruneExpertChannels, pruneExperts } from './experts.ts';
import { pruneFeedForwards } from './feed-forward.ts';
import { pruneHeads } from './heads.ts';
import { pruneLayers } from './layers.ts';
import type { PruningOptions } from './options.ts';

const nothingFound = (graph: StageGraph, what: string): GateError =>
  new GateError('onnx-unsupported', `The graph was to be pruned. No ${what} is recognised in ${graph.architecture.layers.length} layers.`, {
    where: graph.model.graph,
  });

const prune = async (graph: StageGraph, choice: Choice): Promise<Readonly<Record<string, number>>> => {
  const { model, architecture } = graph;
  const { layers } = architecture;
  const experts = layers.map((layer) => layer.experts).filter((each): each is Experts => each !== null);
  switch (choice.options.target) {
    case 'ffn':
    case 'vision': {
      const dense = layers.flatMap((layer) => layer.feedForwards);
      if (dense.length + experts.length === 0) throw nothingFound(graph, 'feed-forward');
      return { 'removed-channels': (await pruneFeedForwards(model, dense, choice)) + (await pruneExpertChannels(model, experts, choice)) };
    }
    case 'heads':
      if (layers.length === 0) throw nothingFound(graph, 'attention');
      return {
        'removed-heads': await pruneHeads(
          model,
          layers.map((layer) => layer.attention),
          choice,
        ),
      };
    case 'layers':
      if (layers.length === 0) throw nothingFound(graph, 'layer');
      return { 'removed-layers': await pruneLayers(model, layers, choice) };
    case 'experts':
      if (experts.length === 0) throw nothingFound(graph, 'expert');
      return { 'removed-experts': await pruneExperts(model, experts, choice) };
  }
};

/** Builds the pruned model. Facts: `removed-channels`, `removed-heads`, `removed-layers` or `removed-experts`. */
export const structuredPruning: Subject<PruningOptions> = {
  build: async (context) => {
    const { options, seed, calibration, products } = context;
    const wanted = options.target === 'vision' ? 'vision' : 'decoder';
    if (!context.input.stages.some((stage) => stage.id === wanted))
      throw new GateError('onnx-unsupported', `The part "${wanted}" was to be pruned. The model has no ONNX file of that name.`);
    return rewriteStages(
      context,
      (stage) => stage === wanted,
      (graph) => prune(graph, { stage: graph.stage, options, seed, calibration, products }),
    );
  },
};
