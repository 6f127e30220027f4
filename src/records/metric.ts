import { z } from 'zod';
import { armId, type Immutable, jsonValue } from './words.ts';

const arms = z.array(armId);
const point = z.string();

/** Which weights of an artefact are counted, and the pattern that is claimed for them: `kept` of every `of` inputs of an output. */
const countedWeights = z.strictObject({
  target: z.enum(['ffn', 'attention', 'all', 'vision']),
  pattern: z.strictObject({ kept: z.int().positive(), of: z.int().positive() }).nullable(),
  tokens: z.int().positive(),
});
export type CountedWeights = Immutable<z.infer<typeof countedWeights>>;

/** A timed point ends early by its seconds, but never before so many rounds are in. */
export const minimumRounds = 15;

/** A point of draws is content with so many where programs answer slowly. */
export const fewestDraws = 8;

/** How a point is run says what its samples can prove; `launching/` and `worker/` switch on `kind`, never on an optimization's id. */
export const operatingPoint = z.discriminatedUnion('kind', [
  /** One prefill of `length` tokens, or one decode step after `length` past tokens, at `batch`. A round runs every arm once. */
  z.strictObject({
    id: point,
    kind: z.literal('call'),
    phase: z.enum(['prefill', 'decode']),
    length: z.int().positive(),
    batch: z.int().positive(),
    rounds: z.int().positive(),
    warmUp: z.int().nonnegative(),
    arms,
  }),
  /** A trace, a drift or a trial budget, played by the benchmark against the arm's policy. */
  z.strictObject({
    id: point,
    kind: z.literal('episode'),
    setting: jsonValue,
    /** Numbers that do not rest on a clock (a replay of recorded times, a count): played once, like an evaluation. */
    exact: z.boolean(),
    rounds: z.int().positive(),
    /**
     * Each round is a draw of what may happen, the same for all arms, and there are enough of them before `rounds`: from `least` on,
     * once the mean difference between head and base in each of these series is known to within its share, half of its 95 % interval.
     */
    enough: z.strictObject({ within: z.record(z.string(), z.number().positive()), least: z.int().min(2) }).optional(),
    warmUp: z.int().nonnegative(),
    arms,
  }),
  /** A user's own program measures each arm: a round asks every arm's process once. */
  z.strictObject({
    id: point,
    kind: z.literal('external'),
    /** What each answer must hold, and nothing else. */
    series: z.array(z.string()).min(1),
    rounds: z.int().positive(),
    warmUp: z.int().nonnegative(),
    arms,
  }),
  /** Teacher-forced scoring: round = held-out window; once per artefact digest. */
  z.strictObject({ id: point, kind: z.literal('evaluation'), windows: z.int().positive(), arms }),
  /**
   * Teacher-forced as texts are generated: the first windows as one batch, read as their artefact is served, and their last `steps` tokens one by one
   * behind the cache. Round = window; once per artefact digest.
   */
  z.strictObject({ id: point, kind: z.literal('generation'), windows: z.int().positive(), steps: z.int().positive(), arms }),
  /**
   * From the files alone; once per artefact digest. `sparse`: zeros of weights are counted too, and the multiply-adds of a prefill that they spare.
   * `compressed`: head claims to be smaller than the reference, and fails where its files are not.
   */
  z.strictObject({ id: point, kind: z.literal('inspection'), arms, sparse: countedWeights.optional(), compressed: z.boolean().optional() }),
  /** One arm per process: peak resident set, energy. `of` names the call point that is repeated. */
  z.strictObject({ id: point, kind: z.literal('solo'), of: point, seconds: z.number().positive(), launches: z.int().positive(), arms }),
  /** What building the artefact cost. */
  z.strictObject({ id: point, kind: z.literal('build'), arms }),
]);
export type OperatingPoint = Immutable<z.infer<typeof operatingPoint>>;
export type CallPoint = Extract<OperatingPoint, { kind: 'call' }>;

const over = z.enum(['median', 'mean', 'max', 'last']);

/** How a number comes from samples: a closed set, interpreted by `gate/`. A metric is data: no function crosses a phase. */
export const reduction = z.discriminatedUnion('of', [
  /** Reduce one series of one arm over the rounds of a launch. `last`: a property of the whole point, carried by its last round. */
  z.strictObject({ of: z.literal('series'), point, series: z.string(), over }),
  /**
   * The arm against another arm, paired round by round, then reduced:
   * `difference` arm − other; `speed-up` other ÷ arm; `ratio` arm ÷ other;
   * `percent-removed` 100·(1 − arm ÷ other); `percent-added` 100·(arm ÷ other − 1); `percent-kept` 100·exp(−(arm − other)).
   */
  z.strictObject({
    of: z.literal('against'),
    arm: armId,
    point,
    series: z.string(),
    over,
    as: z.enum(['difference', 'speed-up', 'ratio', 'percent-removed', 'percent-added', 'percent-kept']),
  }),
  /**
   * Over the cells of the model (before-after): geometric mean of what the timing metrics that gate have gained over the reference model,
   * at one point (null: at all), each cell counting once.
   */
  z.strictObject({ of: z.literal('improvement'), at: z.string().nullable() }),
  /** Seconds of building ÷ seconds saved per token, over the cells of the model; null without a saving. `saving` is a time per token. */
  z.strictObject({ of: z.literal('break-even'), saving: z.string() }),
  /** 100 · (seconds saved over so many tokens ÷ seconds of building − 1). */
  z.strictObject({ of: z.literal('roi'), saving: z.string(), tokens: z.number().positive() }),
  /**
   * (measured − 1) ÷ (possible − 1), of two speed-ups of the own cell by their metrics' names, at least 0 and at most 1: 0 where nothing has become
   * faster, 1 where all of it has; null where nothing could.
   */
  z.strictObject({ of: z.literal('realized'), measured: z.string(), possible: z.string() }),
  /** A figure of this very run: A/A self-checks called a regression; the smallest change in percent that every tested metric of the model could show. */
  z.strictObject({ of: z.literal('run'), figure: z.enum(['false-alarms', 'smallest-detectable']) }),
]);
export type Reduction = Immutable<z.infer<typeof reduction>>;

/** The columns of a report that optimizations of a model share. */
export const reportColumn = z.enum(['prefill', 'decode', 'quality', 'size', 'memory']);
export type ReportColumn = z.infer<typeof reportColumn>;

/** A bound that head's number must hold, in the metric's unit, whatever base has. */
export const requirement = z.strictObject({ must: z.enum(['at-most', 'at-least']), bound: z.number() });
export type Requirement = Immutable<z.infer<typeof requirement>>;

export const metricSpec = z.strictObject({
  id: z.string(),
  unit: z.string(),
  better: z.enum(['lower', 'higher']),
  /** `timing` is noisy and tested; `exact` is deterministic and compared with its tolerance. */
  kind: z.enum(['timing', 'exact']),
  /** `gate` decides; `described` is shown; `advisory` is shown with a warning when it moves. */
  role: z.enum(['gate', 'described', 'advisory']),
  /** `log` compares logarithms and needs values > 0; `linear` is for what can be 0 or negative. */
  scale: z.enum(['log', 'linear']),
  from: reduction,
  /** What must be identical for `unchanged`: the artefacts served, or also the code that made them (build times). */
  identity: z.enum(['artefact', 'code']),
  /** `log`: a fraction (0.02 = 2 %); `linear`: in the metric's unit. */
  tolerance: z.number().nonnegative(),
  /** The column of a report that it stands in; left out: none, so it is a figure of its own. */
  column: reportColumn.optional(),
  /** The metric at the same point whose rounds ran both arms side by side: the gain over the reference is read from it. */
  pairedWith: z.string().optional(),
  /** Left out: nothing is required of it. */
  require: requirement.optional(),
});
export type MetricSpec = Immutable<z.infer<typeof metricSpec>>;

/** Whether launches measure it; else it is a figure over other metrics. */
export const isSampled = ({ from }: Pick<MetricSpec, 'from'>): boolean => from.of === 'series' || from.of === 'against';
