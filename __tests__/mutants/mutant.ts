/** Text that stands once in a file of `src/`, and what takes its place. */
export interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

interface Planted {
  /** Unique in the catalogue, in kebab case. */
  readonly id: string;
  /** What someone did, in a few words. */
  readonly what: string;
  readonly edits: readonly Edit[];
  /** The miniature that it is tried on; `mini-qwen3-dense` where nothing is said. */
  readonly model?: string;
  /** The entry of the mutants' configuration whose code it is in; the optimization's own where nothing is said. */
  readonly entry?: string;
}

/** A mistake that people really make. */
export interface Mutant extends Planted {
  /**
   * Metrics that must notice it: at least one of them regresses. `build`: the build fails, with a code. `other-measure`: base's and head's
   * programs disagree on the reference model, so that head cannot pass.
   */
  readonly noticedBy: readonly [string, ...string[]];
}

/** A rewrite that changes nothing: no metric may be called regressed or improved. */
export type Placebo = Planted;

/** What is planted in the code of one optimization. */
export interface Catalogue {
  readonly optimization: string;
  readonly mutants: readonly Mutant[];
  readonly placebos: readonly Placebo[];
}

/** One edit of one file. */
export const edit = (file: string, from: string, to: string): Edit => ({ file: `src/${file}`, from, to });
