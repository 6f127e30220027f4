/**
 * The one contract for every optimization, built in or a user's: a **Subject** (what a pull request changes) judged by a
 * **Bench** (what stays fixed for all arms). See docs/adr/0002-contract.md.
 */
import type { MetricSpec, OperatingPoint } from '../records/metric.ts';
import type { ModelFacts, ServeHints, Stage } from '../records/serving.ts';
import type { ArmId, Json, NotMeasured, PointId, Sha256, Values, VariantName } from '../records/words.ts';

export type { ModelFacts, ServeHints, Stage };

/** What an optimization made: a folder of files named by their digest. */
export interface Artefact {
  readonly digest: Sha256;
  /** Bytes in use: graphs plus the external data they reference. */
  readonly bytes: number;
  readonly stages: readonly Stage[];
  readonly serve: ServeHints;
  /** Exact numbers that only the builder knows. */
  readonly facts: Values;
}

export interface ModelView {
  /** Folder that holds the graphs and their data; read-only. */
  readonly folder: string;
  readonly stages: readonly Stage[];
}

/** Activations of the input model on calibration text, never on evaluation text. */
export interface Calibration {
  /**
   * Runs the calibration windows and hands over named intermediate tensors of one stage, window by window.
   * Values are row-major float32, to be left as they are; `dims` as the graph produced them. A visit that returns a promise is awaited before the
   * next window.
   */
  observe(
    stage: string,
    tensors: readonly string[],
    visit: (values: Readonly<Record<string, { readonly dims: readonly number[]; readonly data: Float32Array }>>) => unknown,
  ): Promise<void>;
}

/** A dense matrix: `rows · columns` values, row-major. */
export interface Matrix<Values extends Float32Array | Float64Array = Float64Array> {
  readonly rows: number;
  readonly columns: number;
  readonly data: Values;
}

/** Products of matrices in the native runtime, on one thread of the CPU: many times as fast as loops in JavaScript. */
export interface Products {
  /**
   * left · right, one of them taken as its transpose where `transposed` says so. Computed in the type of the values, the same for both.
   * @throws GateError option-invalid for shapes that do not fit or values of two types.
   */
  multiply<Values extends Float32Array | Float64Array>(
    left: Matrix<Values>,
    right: Matrix<Values>,
    transposed?: 'left' | 'right',
  ): Promise<Matrix<Values>>;
}

/** Which of the builds of an arm this is, and what the bench says of it. */
export interface BuildVariant {
  /** `main`, or the bench's name for one of several, such as a member of a pool. */
  readonly name: VariantName;
  /** Of the bench that judges, never the code's own: the shape of a member of a pool; else the options of the built-in. */
  readonly options: Json;
}

export interface BuildContext<Options = Json> {
  readonly model: ModelFacts;
  readonly input: ModelView;
  /** What stands under `with:`; of a built-in, validated against the bench's option schema. */
  readonly options: Options;
  /** One subject makes all variants of its arm, each in a build of its own: this says which. */
  readonly variant: BuildVariant;
  /** Empty folder; the files of the artefact are written here, nothing else is kept. */
  readonly output: string;
  readonly seed: number;
  readonly calibration: Calibration;
  readonly products: Products;
  readonly signal: AbortSignal;
}
export interface BuildResult {
  readonly stages: readonly Stage[];
  readonly serve?: ServeHints;
  readonly facts?: Values;
}

/** Ask and tell: a batcher, a window, a variant controller and a search differ only in observation and action. */
export interface Policy<Observation = Json, Action = Json> {
  next(observation: Observation): Promise<Action>;
}
export interface EpisodeStart<Setting = Json> {
  readonly point: PointId;
  readonly seed: number;
  readonly options: Json;
  readonly setting: Setting;
}

/** Everything that user code can supply; at least one member. It runs only in a subject process of its own arm's tree. */
export interface Subject<Options = Json> {
  /** Deterministic: same model, options, variant and seed give the same bytes. Measures nothing. CPU only. */
  readonly build?: (context: BuildContext<Options>) => Promise<BuildResult>;
  readonly start?: (episode: EpisodeStart) => Promise<Policy>;
}

/** What to build. */
export interface BuildSpec {
  /** Given to the built-in that makes it; one's own code has its own under `with:`. */
  readonly options: Json;
  /** What the judged subject is told as `variant.options`; the options where nothing is said. */
  readonly variant?: Json;
  /**
   * The built-in whose subject makes it, as its own `main`, whoever is judged: yard-sticks and what others compose. The judged subject itself
   * where nothing is said.
   */
  readonly optimization?: string;
  /** The variant that it is built from; the untouched model where nothing is said. Compositions are chains of these; a cycle is an error. */
  readonly on?: VariantName;
  /** A build that fails is a finding about this variant, not the end of the cell: the player sees that it is not there. */
  readonly mayFail?: boolean;
}

export interface Workload {
  /**
   * Built per arm; the reference has the untouched model under every name. Without a `main` they are a pool beside the untouched model, which
   * every arm then serves as `main`, and the reference has base's pool (head's where there is no base). Empty: nothing is built.
   */
  readonly variants: Readonly<Record<VariantName, BuildSpec>>;
  /** Yard-sticks measured beside the arms, as `control:NAME`: head's build of a variant, or the untouched model (null). */
  readonly controls?: Readonly<Record<string, VariantName | null>>;
  readonly points: readonly OperatingPoint[];
  readonly metrics: readonly MetricSpec[];
}

export interface OptionSchema<Options> {
  /** JSON Schema, for the documentation and the editor. */
  readonly json: Json;
  /** Options with defaults filled in; throws a coded error that names the key and what is allowed. */
  parse(value: unknown, where: string): Options;
}

/** What `like: ID` takes from the built-in. Never taken from the pull request's tree; the same for every arm. */
export interface Bench<Options = Json> {
  readonly id: string;
  readonly title: string;
  readonly options: OptionSchema<Options>;
  /** What a Subject must supply to stand in for this one. */
  readonly needs: readonly ('build' | 'policy')[];
  /** Pure and cheap: decides from facts alone, so that `plan` runs without the runtime. */
  applies(model: ModelFacts, options: Options): true | NotMeasured;
  /** Pure: all that is to be built, run and judged, as data for plan.json. */
  workload(model: ModelFacts, options: Options): Workload;
  /**
   * For each kind of episode of a policy a start and what it could be asked first: to see a
   * policy's code run, not to measure it.
   */
  readonly rehearsals?: readonly { readonly setting: Json; readonly observation: Json }[];
  /** Loads the player of this bench's episode points; benches without episodes have none. */
  readonly player?: () => Promise<Player>;
  /**
   * Where the player tunes: nothing of a cell is measured before its one tuning launch. This may run beside other launches, or must be alone where
   * they would decide what it finds.
   */
  readonly tunes?: 'alone' | 'shared';
}

/** Worker side of a bench with episodes. */
export interface Player {
  /**
   * Once per cell and runner class: sweeps such as the best fixed batch, on base's builds (head's where there is no base), with no
   * policy. Recorded, then fixed: samples never choose their own yardstick. `options` are the judge's.
   */
  tune?(tools: Tools, options: Json): Promise<Json>;
  /** One arm, one point, one round. Arms take turns in a drawn order; all arms of a round get the same seed. */
  play(turn: Turn, tools: Tools): Promise<Observation>;
}
export interface Turn {
  readonly arm: ArmId;
  readonly point: Extract<OperatingPoint, { kind: 'episode' }>;
  readonly round: number;
  /** The same for every arm and launch of this point and round. */
  readonly seed: number;
  /** What `tune` gave; null for a player that does not tune. */
  readonly tuned: Json;
  /** The options that the judge's side (base, where there is one) gives the bench. */
  readonly options: Json;
}
/** The one thing that is ever measured: named finite numbers, and a trace for the plots. */
export interface Observation {
  readonly values: Values;
  /** Columns of equal length (`time`, `queue`, `batch`, `latency`, `set-point` …). Long ones are thinned evenly. */
  readonly trace?: Readonly<Record<string, readonly number[]>>;
  /**
   * `no-meter: SERIES: …` and the like (`absenceText`): why a series is not among the values. `doubt: SERIES: …` (`doubtText`): what is doubtful about
   * one that is. Other words are shown beside all metrics of the point.
   */
  readonly warnings?: readonly string[];
}

/** Rows of tokens that a session is fed with; drawn by `Tools.prompt`, from calibration text (and images, for models that see). */
export interface Prompt {
  readonly batch: number;
  readonly length: number;
  /** batch × length */
  readonly tokens: Uint32Array;
  /** The window whose image stands in each row; null: text only. */
  readonly windows: readonly number[] | null;
}

/** Settings of the native runtime that a trial may change; whatever is left out is the run's own. */
export interface SessionTuning {
  readonly threads?: number;
  readonly graphOptimization?: 'disabled' | 'basic' | 'extended' | 'all';
  readonly executionMode?: 'sequential' | 'parallel';
  readonly spinning?: boolean;
  readonly memoryPattern?: boolean;
  readonly arena?: boolean;
}

/** All that a player may touch: no file system, no process, no clock but this one. Everything is the arm's own. */
export interface Tools {
  readonly model: ModelFacts;
  /** The arm's variants that were built. The reference has every name of the workload. */
  readonly variants: readonly VariantName[];
  /**
   * A session on a variant. A model that is open already is used again, so only the first call loads; throws a coded error for one that
   * does not load.
   */
  session(variant: VariantName, tuning?: SessionTuning): Promise<ServingSession>;
  /** Mean over the first `windows` held-out windows of (variant NLL − reference NLL), nats per token. Exact; outside the clock. */
  nllDelta(variant: VariantName, windows: number): Promise<number>;
  /**
   * Multiply-adds of one decode step, bytes and parameters of a variant, how modular its cut into stages is, and a number `module:ID` for each
   * module of a pipeline that changes with its bytes; from its files alone.
   */
  inspect(variant: VariantName): Promise<Values>;
  /** Rows of one length; the same rows for the same turn. At most the model's context. */
  prompt(batch: number, length: number): Prompt;
  /** Starts an episode of the arm's own policy; only base and head have one. A second call starts anew. */
  policy(setting: Json): Promise<Policy>;
  /** Milliseconds: of the clock on the wall, of processor time of the whole process, and of the thread that runs the model where one thread does all. */
  readonly clock: { wall(): number; cpu(): number; thread(): number };
  /** Uniform in [0, 1), the same sequence for every arm of a turn. */
  random(): number;
}
export interface ServingSession {
  /** Starts a conversation anew, as the artefact's serving hints say (whole, or in chunks). Throws `option-invalid` for a prompt that does not fit. */
  prefill(prompt: Prompt): Promise<void>;
  /** Greedy steps after the last prefill. */
  decode(steps: number): Promise<void>;
  /** Bytes of the keys and values held now. */
  readonly cacheBytes: number;
  /** Ends the session; the model is unloaded with its last session. */
  release(): Promise<void>;
}

/** A registry entry. `subject` is loaded only where it runs, so that planning and judging never load the native runtime. */
export interface Optimization<Options = Json> {
  readonly bench: Bench<Options>;
  readonly subject: () => Promise<Subject<Options>>;
}
