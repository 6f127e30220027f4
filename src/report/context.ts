/** What a report says besides the verdict. All of it is shown only; none of it decides. */
export interface ReportContext {
  /** Which of several projects of a repository it is about; null: the only one. */
  readonly project: string | null;
  readonly headCommit: string;
  readonly baseCommit: string | null;
  readonly runUrl: string | null;
  readonly durationSeconds: number | null;
  /** How old the stored baselines are; null where none were used or known. */
  readonly staleness: StalenessShown | null;
}

export interface StalenessShown {
  /** Days since the oldest stored value that counts here was measured. */
  readonly oldestDays: number;
  /** Commit of that value. */
  readonly oldestCommit: string;
  /** Cells without a stored value. */
  readonly without: readonly string[];
}
