import type { Benchmark } from '../../contract/benchmark.ts';
import type { MetricSpec } from '../../records/metric.ts';
import { type BeforeAfterOptions, beforeAfterOptions } from './options.ts';

const described = { kind: 'timing', role: 'described', identity: 'artefact', tolerance: 0.02 } as const;

const improvement = (at: string | null): MetricSpec => ({
  ...described,
  id: 'improvement',
  unit: '×',
  better: 'higher',
  scale: 'log',
  from: { of: 'improvement', at },
});

const regressionDetection = (figure: 'false-alarms' | 'smallest-detectable', unit: string): MetricSpec => ({
  ...described,
  id: 'regression-detection',
  unit,
  better: 'lower',
  scale: 'linear',
  from: { of: 'run', figure },
});

/**
 * What all optimizations of a model are worth, before against after: figures over its other cells, which only say in one number what those say
 * one by one. Nothing is built, run or judged for it. `improvement`: geometric mean of the gain over the reference model, with the interval
 * that the noise of launches leaves, over all points and at each; `regression-detection`: whether the self-check of base against itself would have
 * been called a regression, and the smallest change that every tested metric of the model could have shown; `break-even-tokens` and
 * `roi`: when, and how far at the declared volume, the time saved pays for that of building.
 */
export const beforeAfterBenchmark: Benchmark<BeforeAfterOptions> = {
  id: 'before-after',
  title: 'Before and after',
  does: 'nothing of its own: figures over the other cells of the model',
  comparedWith: 'each of these cells before and after',
  options: beforeAfterOptions,
  needs: [],
  applies: () => true,
  workload: (_model, { tokens, points, saving }) => ({
    variants: {},
    points: [],
    metrics: [
      improvement(null),
      ...[...new Set(points)].map(improvement),
      regressionDetection('false-alarms', 'alarms'),
      regressionDetection('smallest-detectable', '%'),
      {
        ...described,
        id: 'break-even-tokens',
        unit: 'tokens',
        better: 'lower',
        scale: 'log',
        from: { of: 'break-even', saving },
      },
      { ...described, id: 'roi', unit: '%', better: 'higher', scale: 'linear', from: { of: 'roi', saving, tokens } },
    ],
    headline: ['improvement', 'regression-detection', 'break-even-tokens', 'roi'],
  }),
};
