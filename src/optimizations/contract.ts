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
   * Values are row-major float32; `dims` as the graph produced them. A visit that returns a promise is awaited before the next window.
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

export interface BuildContext<Options = Json> {
  readonly model: ModelFacts;
  readonly input: ModelView;
  /** Validated against the bench's option schema. */
  readonly options: Options;
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
export interface Policy {
  next(observation: Json): Promise<Json>;
}
export interface EpisodeStart {
  readonly point: PointId;
  readonly seed: number;
  readonly options: Json;
  readonly setting: Json;
}

/** Everything that user code can supply; at least one member. It runs only in a subject process of its own arm's tree. */
export interface Subject<Options = Json> {
  /** Deterministic: same model, options and seed give the same bytes. Measures nothing. CPU only. */
  readonly build?: (context: BuildContext<Options>) => Promise<BuildResult>;
  readonly start?: (episode: EpisodeStart) => Promise<Policy>;
}

/** What to build, from the untouched model. */
export interface BuildSpec {
  readonly options: Json;
}

export interface Workload {
  /** Built per arm; the reference has the untouched model under every name. Empty: nothing is built. */
  readonly variants: Readonly<Record<VariantName, BuildSpec>>;
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
  /** Loads the player of this bench's episode points; benches without episodes have none. */
  readonly player?: () => Promise<Player>;
}

/** Worker side of a bench with episodes. */
export interface Player {
  /** Once per cell and runner class: sweeps such as the best fixed batch. Recorded, then fixed: samples never choose their own yardstick. */
  tune?(tools: Tools): Promise<Json>;
  /** One arm, one point, one round. */
  play(turn: Turn, tools: Tools): Promise<Observation>;
}
export interface Turn {
  readonly arm: ArmId;
  readonly point: Extract<OperatingPoint, { kind: 'episode' }>;
  readonly round: number;
  readonly seed: number;
  readonly tuned: Json;
}
/** The one thing that is ever measured: named finite numbers, and a trace for the plots. */
export interface Observation {
  readonly values: Values;
  readonly trace?: readonly Json[];
}
/** All that a player may touch: no file system, no process, no clock but this one. */
export interface Tools {
  readonly model: ModelFacts;
  session(variant: VariantName): Promise<ServingSession>;
  policy(): Promise<Policy>;
  readonly clock: { wall(): number; cpu(): number };
  random(): number;
}
export interface ServingSession {
  prefill(tokens: BigInt64Array, batch: number): Promise<void>;
  decode(steps: number): Promise<void>;
  readonly cacheBytes: number;
  release(): Promise<void>;
}

/** A registry entry. `subject` is loaded only where it runs, so that planning and judging never load the native runtime. */
export interface Optimization<Options = Json> {
  readonly bench: Bench<Options>;
  readonly subject: () => Promise<Subject<Options>>;
}
