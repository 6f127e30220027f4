/**
 * An optimization, built in or a user's: a **Subject** (what a pull request changes) that a **Benchmark** (what stays fixed for all arms) judges.
 * See docs/adr/0002-contract.md.
 */
import type { Json } from '../records/words.js';
import type { Benchmark } from './benchmark.js';
import type { BuildContext, BuildResult } from './build.js';
import type { EpisodeStart, Policy } from './policy.js';
/** Everything that user code can supply; at least one member. It runs only in a subject process of its own arm's tree. */
export interface Subject<Options = Json> {
    /** Deterministic: same model, options, variant and seed give the same bytes. Measures nothing. CPU only. */
    readonly build?: (context: BuildContext<Options>) => Promise<BuildResult>;
    readonly start?: (episode: EpisodeStart) => Promise<Policy>;
}
/** A registry entry. `subject` is loaded only where it runs, so that planning and judging never load the native runtime. */
export interface Optimization<Options = Json> {
    readonly benchmark: Benchmark<Options>;
    readonly subject: () => Promise<Subject<Options>>;
}
