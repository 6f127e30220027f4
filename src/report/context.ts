/** What a report says besides the verdict. All of it is shown only; none of it decides. */
export interface ReportContext {
  /** Which of several projects of a repository it is about; null: the only one. */
  readonly project: string | null;
  readonly headCommit: string;
  readonly baseCommit: string | null;
  readonly runUrl: string | null;
  /** Null: it is not known. */
  readonly took: TimeTaken | null;
  /** How old the stored baselines are; null where none were used or known. */
  readonly staleness: StalenessShown | null;
}

/** How long a run took, and apart from that how long another run or measurement on the machine kept it waiting. */
export interface TimeTaken {
  readonly seconds: number;
  readonly waitedSeconds: number;
}

export interface StalenessShown {
  /** Days since the oldest stored value that counts here was measured. */
  readonly oldestDays: number;
  /** Commit of that value. */
  readonly oldestCommit: string;
  /** Cells without a stored value. */
  readonly without: readonly string[];
}
