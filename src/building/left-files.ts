/** Paths relative to the root of head's checkout. */
export interface LeftFiles {
  /**
   * What git ignores and repositories that are no submodules. Where a commit is under review, all
   * that git does not track, and what lies beside the checkout in the folder of the job.
   */
  readonly stray: readonly string[];
  /** Where a commit is under review, its files that are others on disk. */
  readonly edited: readonly string[];
}

/** A tree in which nothing lies but what is under review, its setup and the programs put there. */
export interface FreshTree {
  readonly root: string;
  /** Working directory of the programs. */
  readonly folder: string;
  /** Its stray files now. */
  stray(): Promise<readonly string[]>;
}
