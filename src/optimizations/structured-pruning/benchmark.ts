import type { Benchmark } from '../../contract/benchmark.ts';
import { sharedClaims, sharedHeadline, sharedMetrics, sharedPoints } from '../../contract/shared-metrics.ts';
import { type PruningOptions, pruningOptions } from './options.ts';

/** Structured pruning: matrices really shrink. Judged by the shared metrics against the dense model, same type and provider. */
export const structuredPruningBenchmark: Benchmark<PruningOptions> = {
  id: 'structured-pruning',
  title: 'Structured pruning',
  does: 'removes feed-forward channels (of experts and the vision tower too), query heads with their key-value group, layers or experts, by activations on calibration text, and refits what follows channels and heads; the matrices really shrink',
  comparedWith: 'the reference model',
  options: pruningOptions,
  needs: ['build'],
  applies: (model, { target }) => {
    if (target === 'experts' && model.experts === 0) return { status: 'not-applicable', reason: 'a dense model has no experts to prune' };
    if (target === 'vision' && !model.vision) return { status: 'not-applicable', reason: 'the model has no vision tower' };
    if (target === 'heads' && model.kvHeads < 2)
      return { status: 'not-applicable', reason: 'one key-value group is the least that attention needs' };
    if (target === 'layers' && model.layers < 2) return { status: 'not-applicable', reason: 'one layer is the least that a model needs' };
    if (model.quantized && target !== 'layers')
      return { status: 'unsupported-export', reason: 'quantized blocks cannot be cut; prune before quantizing' };
    return true;
  },
  workload: (model, options) => ({
    variants: { main: { options } },
    points: sharedPoints(),
    metrics: sharedMetrics(model),
    headline: sharedHeadline(model),
    claims: sharedClaims,
  }),
};
