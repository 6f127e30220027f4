/** The fixed judge of an optimization: which models, what is built, run and judged, as data. */
import type { Claim } from '../records/claim.js';
import type { MetricSpec, OperatingPoint } from '../records/metric.js';
import type { ModelFacts } from '../records/serving.js';
import type { Json, NotMeasured, VariantName } from '../records/words.js';
import type { Player } from './player.js';
import type { PolicyExchange } from './policy.js';
/** What to build. */
export interface BuildSpec {
    /** Given to the built-in that makes it; one's own code has its own under `with:`. */
    readonly options: Json;
    /** What the judged subject is told as `variant.options`; the options where nothing is said. */
    readonly variant?: Json;
    /**
     * The built-in whose subject makes it, as its own `main`, whoever is judged: comparators and what others compose. The judged subject itself
     * where nothing is said.
     */
    readonly optimization?: string;
    /** The variant that it is built from; the reference model where nothing is said. Compositions are chains of these; a cycle is an error. */
    readonly on?: VariantName;
    /**
     * A build that fails is a finding about this variant, not the end of the cell: the player sees that it is not there. `where-base-does`: of
     * base, and of head where base fails too, or has no such variant.
     */
    readonly mayFail?: 'always' | 'where-base-does';
}
export interface Workload {
    /**
     * Built per arm; the reference has the reference model under every name. Without a `main` they are a pool beside the reference model, which
     * every arm then serves as `main`, and the reference has base's pool (head's where there is no base). Empty: nothing is built.
     */
    readonly variants: Readonly<Record<VariantName, BuildSpec>>;
    /** Comparators measured beside the arms, as `comparator:NAME`: head's build of a variant, or the reference model (null). */
    readonly comparators?: Readonly<Record<string, VariantName | null>>;
    readonly points: readonly OperatingPoint[];
    readonly metrics: readonly MetricSpec[];
    /** Ids of the metrics that it is known by, the most telling first: reports show the first that have numbers. */
    readonly headline: readonly string[];
    /** What it claims to gain; nothing where nothing is said. */
    readonly claims?: readonly Claim[];
}
export interface OptionSchema<Options> {
    /** JSON Schema, for the documentation and the editor. */
    readonly json: Json;
    /** Options with defaults filled in; throws a coded error that names the key and what is allowed. */
    parse(value: unknown, where: string): Options;
}
/** What `like: ID` takes from the built-in. Never taken from the pull request's tree; the same for every arm. */
export interface Benchmark<Options = Json> {
    readonly id: string;
    readonly title: string;
    /** For the documentation: what the subject that ships does, and what that is compared with. */
    readonly does: string;
    readonly comparedWith: string;
    readonly options: OptionSchema<Options>;
    /** What a Subject must supply to stand in for this one. */
    readonly needs: readonly ('build' | 'policy')[];
    /** Pure and cheap: decides from facts alone, so that `plan` runs without the runtime. */
    applies(model: ModelFacts, options: Options): true | NotMeasured;
    /** Pure: all that is to be built, run and judged, as data for plan.json. */
    workload(model: ModelFacts, options: Options): Workload;
    /** The kinds of episodes that a policy is asked in; none where the benchmark asks no policy. */
    readonly exchanges?: readonly PolicyExchange[];
    /** Loads the player of this benchmark's episode points; benchmarks without episodes have none. */
    readonly player?: () => Promise<Player>;
    /**
     * Where the player tunes: nothing of a cell is measured before its one tuning launch. This may run beside other launches, or must be alone where
     * they would decide what it finds.
     */
    readonly tunes?: 'alone' | 'shared';
}
