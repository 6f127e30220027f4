import type { Benchmark } from '../../contract/benchmark.ts';
import { noOptions } from '../../contract/option-schema.ts';
import { sharedClaims, sharedHeadline, sharedMetrics, sharedPoints } from '../../contract/shared-metrics.ts';

/** Any change of a model that is none of the others (`like: model`), such as a user's quantization: the shared metrics against the reference model. */
export const modelChangeBenchmark: Benchmark<Readonly<Record<string, never>>> = {
  id: 'model',
  title: 'Any other change of a model',
  does: 'nothing of its own: it judges what your code makes',
  comparedWith: 'the reference model',
  options: noOptions,
  needs: ['build'],
  applies: () => true,
  workload: (model, options) => ({
    variants: { main: { options } },
    points: sharedPoints(),
    metrics: sharedMetrics(model),
    headline: sharedHeadline(model),
    claims: sharedClaims,
  }),
};
