import type { Claim } from '../records/claim.ts';
import type { MetricSpec, OperatingPoint, Reduction } from '../records/metric.ts';
import type { ModelFacts } from '../records/serving.ts';
import type { ArmId } from '../records/words.ts';

const everyArm: readonly ArmId[] = ['reference', 'base', 'head'];

/** Eight held-out windows that are generated as one batch: their last 128 tokens are steps. */
export const generationPoint = (arms: readonly ArmId[]): OperatingPoint => ({
  id: 'generation',
  kind: 'generation',
  windows: 8,
  steps: 128,
  arms,
});

/**
 * The operating points that every optimization of a model shares: prefill of 256 tokens, one decode step after 256 tokens at
 * batch 1 and 8, held-out windows (an upper bound: as many as the data has) as a whole and as they are generated, the files, one arm alone, the build.
 */
export const sharedPoints = (arms: readonly ArmId[] = everyArm): readonly OperatingPoint[] => [
  { id: 'prefill-256', kind: 'call', phase: 'prefill', length: 256, batch: 1, rounds: 60, warmUp: 10, arms },
  { id: 'decode-b1', kind: 'call', phase: 'decode', length: 256, batch: 1, rounds: 60, warmUp: 10, arms },
  { id: 'decode-b8', kind: 'call', phase: 'decode', length: 256, batch: 8, rounds: 60, warmUp: 10, arms },
  { id: 'evaluation', kind: 'evaluation', windows: 32, arms },
  generationPoint(arms),
  { id: 'inspection', kind: 'inspection', arms },
  { id: 'solo', kind: 'solo', of: 'decode-b1', seconds: 5, launches: 3, arms },
  { id: 'build', kind: 'build', arms },
];

type Over = Extract<Reduction, { of: 'series' }>['over'];
type Comparison = Extract<Reduction, { of: 'against' }>['as'];

/** One series of one point, reduced. */
export const ofSeries = (point: string, series: string, over: Over): Reduction => ({ of: 'series', point, series, over });
/** One series of one point against the reference model. */
export const againstReference = (point: string, series: string, over: Over, as: Comparison): Reduction => ({
  of: 'against',
  arm: 'reference',
  point,
  series,
  over,
  as,
});

/** Latency and speed-up of a call point. */
export const latencyMetrics = (phase: 'prefill' | 'decode', point: string): readonly MetricSpec[] => [
  {
    id: `${phase}-latency`,
    unit: 'ms',
    better: 'lower',
    kind: 'timing',
    role: 'gate',
    scale: 'log',
    from: ofSeries(point, 'wall-ms', 'median'),
    identity: 'artefact',
    tolerance: 0.02,
    column: phase,
    pairedWith: `${phase}-speedup`,
  },
  {
    id: `${phase}-speedup`,
    unit: '×',
    better: 'higher',
    kind: 'timing',
    role: 'described',
    scale: 'log',
    from: againstReference(point, 'wall-ms', 'median', 'speed-up'),
    identity: 'artefact',
    tolerance: 0.02,
  },
];

const latency = [
  ...latencyMetrics('prefill', 'prefill-256'),
  ...latencyMetrics('decode', 'decode-b1'),
  ...latencyMetrics('decode', 'decode-b8'),
];

const exact = { kind: 'exact', identity: 'artefact' } as const;

const quality = (unit: string): readonly MetricSpec[] => [
  {
    ...exact,
    id: 'nll-delta',
    unit,
    better: 'lower',
    role: 'gate',
    scale: 'linear',
    from: againstReference('evaluation', 'nll', 'mean', 'difference'),
    tolerance: 0.005,
    column: 'quality',
  },
  {
    ...exact,
    id: 'cached-nll-delta',
    unit,
    better: 'lower',
    role: 'gate',
    scale: 'linear',
    from: againstReference('generation', 'cached-nll', 'mean', 'difference'),
    tolerance: 0.01,
  },
  {
    ...exact,
    id: 'prefill-decode-agreement',
    unit,
    better: 'lower',
    role: 'gate',
    scale: 'linear',
    from: ofSeries('generation', 'agreement', 'mean'),
    tolerance: 0.005,
  },
  {
    ...exact,
    id: 'unread-cache',
    unit: '%',
    better: 'lower',
    role: 'gate',
    scale: 'linear',
    from: ofSeries('generation', 'unread-cache', 'last'),
    tolerance: 0.5,
  },
  {
    ...exact,
    id: 'perplexity-ratio',
    unit: '%',
    better: 'higher',
    role: 'described',
    scale: 'log',
    from: againstReference('evaluation', 'nll', 'mean', 'percent-kept'),
    tolerance: 0.005,
  },
  {
    ...exact,
    id: 'kl-divergence',
    unit,
    better: 'lower',
    role: 'described',
    scale: 'linear',
    from: ofSeries('evaluation', 'kl', 'mean'),
    tolerance: 0.005,
  },
  {
    ...exact,
    id: 'kl-p99',
    unit,
    better: 'lower',
    role: 'described',
    scale: 'linear',
    from: ofSeries('evaluation', 'kl-p99', 'last'),
    tolerance: 0.05,
  },
  {
    ...exact,
    id: 'top1-agreement',
    unit: '%',
    better: 'higher',
    role: 'described',
    scale: 'linear',
    from: ofSeries('evaluation', 'top1', 'mean'),
    tolerance: 0.5,
  },
];

/** Captions are spelled in bytes, so a token is a character; the blind score is the comparator: the same captions without the image. */
const captions: readonly MetricSpec[] = [
  {
    ...exact,
    id: 'nll-per-character',
    unit: 'nats/character',
    better: 'lower',
    role: 'described',
    scale: 'linear',
    from: ofSeries('evaluation', 'nll', 'mean'),
    tolerance: 0.005,
  },
  {
    ...exact,
    id: 'blind-nll-per-character',
    unit: 'nats/character',
    better: 'lower',
    role: 'described',
    scale: 'linear',
    from: ofSeries('evaluation', 'blind-nll', 'mean'),
    tolerance: 0.005,
  },
];

/** What the files alone tell, from the point `inspection`. */
export const sizeMetrics: readonly MetricSpec[] = [
  {
    ...exact,
    id: 'model-size',
    unit: 'bytes',
    better: 'lower',
    role: 'gate',
    scale: 'log',
    from: ofSeries('inspection', 'bytes', 'last'),
    tolerance: 0.001,
    column: 'size',
  },
  {
    ...exact,
    id: 'size-reduction',
    unit: '%',
    better: 'higher',
    role: 'described',
    scale: 'linear',
    from: againstReference('inspection', 'bytes', 'last', 'percent-removed'),
    tolerance: 0.1,
  },
  {
    ...exact,
    id: 'macs-per-token',
    unit: 'multiply-adds',
    better: 'lower',
    role: 'gate',
    scale: 'log',
    from: ofSeries('inspection', 'multiply-adds', 'last'),
    tolerance: 0.001,
  },
  {
    ...exact,
    id: 'parameters',
    unit: 'count',
    better: 'lower',
    role: 'described',
    scale: 'log',
    from: ofSeries('inspection', 'parameters', 'last'),
    tolerance: 0.001,
  },
];

/** Memory and energy of one arm alone, from the point `solo`. */
export const soloMetrics: readonly MetricSpec[] = [
  {
    ...exact,
    id: 'peak-memory',
    unit: 'bytes',
    better: 'lower',
    role: 'gate',
    scale: 'log',
    from: ofSeries('solo', 'peak-bytes', 'median'),
    tolerance: 0.01,
    column: 'memory',
  },
  {
    id: 'energy',
    unit: 'J/token',
    better: 'lower',
    kind: 'timing',
    role: 'advisory',
    scale: 'log',
    from: ofSeries('solo', 'joules-per-token', 'mean'),
    identity: 'artefact',
    tolerance: 0.05,
  },
];

/** Held-out text against the reference model, from the point `evaluation`; per character where the model describes pictures. */
export const qualityMetrics = (model: Pick<ModelFacts, 'vision'>): readonly MetricSpec[] =>
  model.vision ? [...quality('nats/character'), ...captions] : quality('nats/token');

/** The metrics that every optimization of a model shares. */
export const sharedMetrics = (model: Pick<ModelFacts, 'vision'>): readonly MetricSpec[] => [
  ...latency,
  ...qualityMetrics(model),
  ...sizeMetrics,
  ...soloMetrics,
];

/** By which speeds an optimization of a model is known, and by which costs. */
export const [speedHeadline, costHeadline] = [
  ['prefill-latency', 'decode-latency'],
  ['model-size', 'peak-memory', 'nll-delta'],
] as const;

/** Scores of captions, by which an optimization of a model that describes pictures is known too. */
export const captionHeadline = ({ vision }: Pick<ModelFacts, 'vision'>): readonly string[] => (vision ? captions.map(({ id }) => id) : []);

/** What the optimizations that share these metrics are known by. */
export const sharedHeadline = (model: Pick<ModelFacts, 'vision'>): readonly string[] => [
  ...speedHeadline,
  ...costHeadline,
  ...captionHeadline(model),
];

type Removed = Extract<Claim, { of: 'faster' }>['removed'];

/** Whatever makes a model smaller: by the multiply-adds and the parameters that are gone. */
export const smaller: Removed = ['macs-per-token', 'parameters'].map((metric) => ({ metric, word: 'smaller' }));

/** What every optimization of a model claims: a model that computes less, or has less, is faster. */
export const sharedClaims: readonly Claim[] = [{ of: 'faster', removed: smaller, possible: null }];
