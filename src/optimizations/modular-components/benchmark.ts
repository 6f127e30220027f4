import type { Benchmark, BuildSpec } from '../../contract/benchmark.ts';
import { againstReference, ofSeries, sharedMetrics, sharedPoints } from '../../contract/shared-metrics.ts';
import type { MetricSpec, OperatingPoint } from '../../records/metric.ts';
import type { ModelFacts } from '../../records/serving.ts';
import { type ModularOptions, modularOptions } from './options.ts';
import { cutVariant, pairsOf, pairVariant, passesOf } from './passes.ts';

/** Every call of a pipeline is a call of each module, so what composing costs shows most where a call is short: decoding. */
const timed = (point: string): readonly MetricSpec[] => [
  {
    id: 'pipeline-latency',
    unit: 'ms',
    better: 'lower',
    kind: 'timing',
    role: 'gate',
    scale: 'log',
    from: ofSeries(point, 'wall-ms', 'median'),
    identity: 'artefact',
    tolerance: 0.02,
  },
  {
    id: 'composition-overhead',
    unit: '%',
    better: 'lower',
    kind: 'timing',
    role: 'described',
    scale: 'linear',
    from: againstReference(point, 'wall-ms', 'median', 'percent-added'),
    identity: 'artefact',
    tolerance: 2,
  },
];

const exact = { kind: 'exact', scale: 'linear', identity: 'artefact' } as const;

/** A pipeline computes what one session does, in the same order but where sum and norm are taken apart: logits differ by roundings alone. */
const sameness: MetricSpec = {
  ...exact,
  id: 'lost-bits',
  unit: 'bits',
  better: 'lower',
  role: 'gate',
  from: ofSeries('evaluation', 'lost-bits', 'mean'),
  tolerance: 1,
};

/** Counted from the files, without noise: how even the cut is, and what passes between modules, decide. */
const structure: readonly MetricSpec[] = [
  {
    ...exact,
    id: 'modularity-score',
    unit: 'share',
    better: 'higher',
    role: 'described',
    from: ofSeries('inspection', 'modularity-score', 'last'),
    tolerance: 0.001,
  },
  {
    ...exact,
    id: 'newman-q',
    unit: 'Q',
    better: 'higher',
    role: 'described',
    from: ofSeries('inspection', 'newman-q', 'last'),
    tolerance: 0.001,
  },
  {
    ...exact,
    id: 'interface-tensors',
    unit: 'tensors/module',
    better: 'lower',
    role: 'gate',
    from: ofSeries('inspection', 'interface-tensors', 'last'),
    tolerance: 0,
  },
  {
    ...exact,
    id: 'largest-module',
    unit: '%',
    better: 'lower',
    role: 'gate',
    from: ofSeries('inspection', 'largest-module', 'last'),
    tolerance: 1,
  },
];

/**
 * Which passes fit together. A pair keeps fidelity as long as it loses no more than the sum of what its passes lose one by one, and that sum once
 * again (the option `slack`): losses compound where both cut the same matrices. Effect and loss are also judged as numbers: base's pair may
 * fail already, or have room.
 */
const compositions = (nats: string): readonly MetricSpec[] => [
  {
    ...exact,
    id: 'interoperability',
    unit: '%',
    better: 'higher',
    role: 'gate',
    from: ofSeries('composition', 'interoperability', 'last'),
    tolerance: 0,
  },
  {
    ...exact,
    id: 'composition-effect',
    unit: '%',
    better: 'higher',
    role: 'gate',
    from: ofSeries('composition', 'composition-effect', 'last'),
    tolerance: 0.5,
  },
  {
    ...exact,
    id: 'composed-nll-delta',
    unit: nats,
    better: 'lower',
    role: 'gate',
    from: ofSeries('composition', 'composed-nll-delta', 'last'),
    tolerance: 0.005,
  },
  {
    ...exact,
    id: 'modules-touched',
    unit: 'modules',
    better: 'lower',
    role: 'described',
    from: ofSeries('composition', 'modules-touched', 'last'),
    tolerance: 0,
  },
];

/** Two timed calls of half the usual rounds, and few windows: a pipeline computes what one session does, so what is wrong with it shows at once. */
const points: readonly OperatingPoint[] = sharedPoints().flatMap((point): OperatingPoint[] => {
  if (point.kind === 'call') return point.batch === 1 ? [{ ...point, rounds: 30 }] : [];
  if (point.kind === 'evaluation') return [{ ...point, windows: 8 }];
  return point.kind === 'inspection' || point.kind === 'generation' ? [point] : [];
});
/** Of the shared metrics, what a cut could change; it removes nothing, so sizes and counts other than the bytes stay. */
const kept = new Set([
  'nll-delta',
  'cached-nll-delta',
  'prefill-decode-agreement',
  'unread-cache',
  'perplexity-ratio',
  'kl-divergence',
  'kl-p99',
  'top1-agreement',
  'model-size',
]);

const variantsOf = (model: ModelFacts, options: ModularOptions): Readonly<Record<string, BuildSpec>> => {
  const cut = { options: { modules: options.modules, repeat: options.repeat } };
  const passes = passesOf(model, options.passes);
  const specs = new Map(passes.map(({ id, spec }) => [id, spec]));
  const pairs = pairsOf(passes.map(({ id }) => id)).flatMap(([first, then]) => {
    const spec = specs.get(then);
    return spec === undefined ? [] : [[pairVariant(first, then), { ...spec, on: first, mayFail: 'always' }]];
  });
  return {
    main: cut,
    ...Object.fromEntries([
      ...passes.map(({ id, spec }) => [id, { ...spec, mayFail: 'always' }]),
      ...passes.map(({ id }) => [cutVariant(id), { ...cut, on: id, mayFail: 'always' }]),
      ...pairs,
    ]),
  };
};

/**
 * Modular components: the decoder as a pipeline of modules with typed interfaces, against the same decoder in one session; and every
 * two passes over the model, composed in both orders.
 */
export const modularComponentsBenchmark: Benchmark<ModularOptions> = {
  id: 'modular-components',
  title: 'Modular components',
  does: 'cuts the decoder at the residual stream into modules with typed interfaces, run as a pipeline; composes every two passes over the model in both orders',
  comparedWith: 'the same decoder in one session; for a composition, what its parts lose and shrink alone',
  options: modularOptions,
  needs: ['build'],
  applies: (model, { modules }) =>
    model.layers < modules
      ? { status: 'not-applicable', reason: `${model.layers} layers cannot make ${modules} groups: lower the option \`modules\`` }
      : true,
  workload: (model, options) => ({
    variants: variantsOf(model, options),
    points: [...points, { id: 'composition', kind: 'episode', setting: null, exact: true, rounds: 1, warmUp: 0, arms: ['base', 'head'] }],
    metrics: [
      ...timed('prefill-256'),
      ...timed('decode-b1'),
      ...sharedMetrics(model).filter(({ id }) => kept.has(id)),
      sameness,
      ...compositions(model.vision ? 'nats/character' : 'nats/token'),
      ...structure,
    ],
    headline: ['pipeline-latency', 'interoperability', 'composition-effect', 'interface-tensors'],
  }),
  player: async () => (await import('./play.ts')).compositionPlayer,
};
