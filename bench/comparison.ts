/** What a number should be: at most or at least this. */
export interface Target {
  readonly bound: 'most' | 'least';
  readonly value: number;
}

/** One measured number. */
export interface Row {
  /** What was measured, in a few words. */
  readonly what: string;
  readonly value: number;
  /** `×` for ratios; bytes are given in `MB` of 10⁶. */
  readonly unit: '×' | 's' | 'MB' | 'kB' | 'MB/s' | 'steps' | '%';
  /** Null: shown, not judged. */
  readonly target: Target | null;
  /** How sure it is and what it is made of: interval, counts, parts. */
  readonly note: string;
}

/** What a benchmark may use. */
export interface BenchContext {
  /** This repository. */
  readonly root: string;
  /** An empty folder of the benchmark's own, removed afterwards. */
  readonly folder: string;
  /** Every order and every random weight follows from it. */
  readonly seed: number;
}

/** One file of this folder. Rows are handed over as they become known; a benchmark that cannot run throws, saying why. */
export interface Comparison {
  readonly name: string;
  /** Takes minutes or touches the network: runs only when named, or with `--all`. */
  readonly onRequest: boolean;
  readonly run: (context: BenchContext, show: (row: Row) => void) => Promise<void>;
}

/** Whether a row reaches its target; null where it has none. */
export const isMet = ({ value, target }: Pick<Row, 'value' | 'target'>): boolean | null => {
  if (target === null) return null;
  return target.bound === 'most' ? value <= target.value : value >= target.value;
};
