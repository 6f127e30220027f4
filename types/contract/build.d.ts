/** Building: what the code of an optimization is given, and what it returns. */
import type { ModelFacts, ServeHints, Stage } from '../records/serving.js';
import type { Json, Sha256, Values, VariantName } from '../records/words.js';
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
    observe(stage: string, tensors: readonly string[], visit: (values: Readonly<Record<string, {
        readonly dims: readonly number[];
        readonly data: Float32Array;
    }>>) => unknown): Promise<void>;
    /** The same windows, in the same order, through another model: one that the build has written. */
    through(view: ModelView): Calibration;
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
    multiply<Values extends Float32Array | Float64Array>(left: Matrix<Values>, right: Matrix<Values>, transposed?: 'left' | 'right'): Promise<Matrix<Values>>;
}
/** Which of the builds of an arm this is, and what the benchmark says of it. */
export interface BuildVariant {
    /** `main`, or the benchmark's name for one of several, such as a member of a pool. */
    readonly name: VariantName;
    /** Of the benchmark that judges, never the code's own: the shape of a member of a pool; else the options of the built-in. */
    readonly options: Json;
}
export interface BuildContext<Options = Json> {
    readonly model: ModelFacts;
    readonly input: ModelView;
    /** What stands under `with:`; of a built-in, validated against the benchmark's option schema. */
    readonly options: Options;
    /** One subject makes all variants of its arm, each in a build of its own: this says which. */
    readonly variant: BuildVariant;
    /** Empty folder; the files of the artefact are written here, nothing else is kept. */
    readonly output: string;
    readonly seed: number;
    readonly calibration: Calibration;
    readonly products: Products;
}
export interface BuildResult {
    readonly stages: readonly Stage[];
    readonly serve?: ServeHints;
    readonly facts?: Values;
}
