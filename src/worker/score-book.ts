import { type EvaluationRecord, evaluationKey, type ScoredArtefact } from '../records/evaluation-record.ts';

/** The scores that a launch knows: those that it was given, and those that it computed. */
export interface ScoreBook {
  known(of: ScoredArtefact): EvaluationRecord['series'] | null;
  keep(score: EvaluationRecord): void;
  /** What was computed. */
  kept(): readonly EvaluationRecord[];
}

export const openScoreBook = (given: readonly EvaluationRecord[]): ScoreBook => {
  const scores = new Map(given.map(({ of, series }) => [evaluationKey(of), series]));
  const computed: EvaluationRecord[] = [];
  return {
    known: (of) => scores.get(evaluationKey(of)) ?? null,
    keep: (score) => {
      scores.set(evaluationKey(score.of), score.series);
      computed.push(score);
    },
    kept: () => computed,
  };
};
