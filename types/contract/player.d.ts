/** Episodes: what plays them against the policy or the serving of an arm, and with which tools. */
import type { CountedWeights, OperatingPoint } from '../records/metric.js';
import type { ModelFacts } from '../records/serving.js';
import type { ArmId, Json, Values, VariantName } from '../records/words.js';
import type { GenerationSession, Prompt, SessionOptions } from './generation.js';
import type { Policy } from './policy.js';
/** Worker side of a benchmark with episodes. */
export interface Player {
    /**
     * Once per cell and runner class: sweeps such as the best fixed batch, on base's builds (head's where there is no base), with no
     * policy. Recorded, then fixed: samples never choose their own comparator. `options` are the judge's.
     */
    tune?(tools: Tools, options: Json): Promise<Json>;
    /** One arm, one point, one round. Arms take turns in a drawn order; all arms of a round get the same seed. */
    play(turn: Turn, tools: Tools): Promise<Observation>;
}
export interface Turn {
    readonly arm: ArmId;
    readonly point: Extract<OperatingPoint, {
        kind: 'episode';
    }>;
    readonly round: number;
    /** The same for every arm and launch of this point and round. */
    readonly seed: number;
    /** What `tune` gave; null for a player that does not tune. */
    readonly tuned: Json;
    /** The options that the judge's side (base, where there is one) gives the benchmark. */
    readonly options: Json;
}
/** The one thing that is ever measured: named finite numbers, and a trace for the plots. */
export interface Observation {
    readonly values: Values;
    /** Columns of equal length (`time`, `queue`, `batch`, `latency`, `set-point` …). Long ones are thinned evenly. */
    readonly trace?: Readonly<Record<string, readonly number[]>>;
    /**
     * `no-meter: SERIES: …` and the like (`absenceText`): why a series is not among the values. `warning: SERIES: …` (`seriesWarningText`): a warning about
     * one that is. Other words are shown beside all metrics of the point.
     */
    readonly warnings?: readonly string[];
}
/** All that a player may touch: no file system, no process, no clock but this one. Everything is the arm's own. */
export interface Tools {
    readonly model: ModelFacts;
    /** The arm's variants that were built. The reference has every name of the workload. */
    readonly variants: readonly VariantName[];
    /** Those of them that base and head both have, as other bytes; all where the launch has only one of the two. */
    readonly differing: readonly VariantName[];
    /**
     * A session on a variant. A model that is open already is used again, so only the first call loads; throws a coded error for one that
     * does not load.
     */
    session(variant: VariantName, sessionOptions?: SessionOptions): Promise<GenerationSession>;
    /** Mean over the first `windows` held-out windows of (variant NLL − reference NLL), nats per token. Exact; outside the clock. */
    nllDelta(variant: VariantName, windows: number): Promise<number>;
    /**
     * Multiply-adds of one decode step, bytes and parameters of a variant (null: of the reference model), and a
     * number `module:ID` for each module of a pipeline that changes with its bytes; from its files alone. With `weights` also `sparsity` and
     * `pattern-conformity` of these, in percent, where they can be counted.
     */
    inspect(variant: VariantName | null, weights?: CountedWeights | null): Promise<Values>;
    /** Rows of one length; the same rows for the same turn. At most the model's context. */
    prompt(batch: number, length: number): Prompt;
    /**
     * Starts an episode of the arm's policy; a second call starts anew. Only base and head have one. Another arm gets a process of base's (head's where there
     * is no base): it may be asked so that all arms meet what asking costs, and its answers are to decide nothing.
     */
    policy(setting: Json): Promise<Policy>;
    /** Milliseconds: of the clock on the wall, of processor time of the whole process, and of the thread that runs the model where one thread does all. */
    readonly clock: {
        wall(): number;
        cpu(): number;
        thread(): number;
    };
    /** Uniform in [0, 1), the same sequence for every arm of a turn. */
    random(): number;
    /** The same in a run, and other numbers in the next: no code under test can foresee them. For what would be known by heart. */
    unforeseen(): number;
}
