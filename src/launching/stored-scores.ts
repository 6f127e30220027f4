import { type EvaluationRecord, evaluationKey, evaluationRecord } from '../records/evaluation-record.ts';
import type { LaunchRequest } from '../records/protocol.ts';
import type { RecordBook } from '../store/record-book.ts';

/** The scores of artefacts on the held-out windows that a run believes. */
export interface StoredScores {
  /** Those of the artefacts of a launch. */
  of(request: Pick<LaunchRequest, 'artefacts' | 'modelDigest' | 'runtime'>): readonly EvaluationRecord[];
  keep(scores: readonly EvaluationRecord[]): Promise<void>;
}

export const openStoredScores = (records: RecordBook): StoredScores => {
  const known = [...records.all('evaluation', evaluationRecord)];
  return {
    of: ({ artefacts, modelDigest, runtime }) => {
      const served = new Set(Object.values(artefacts).flatMap((variants) => Object.values(variants).map(({ digest }) => digest)));
      return known.filter(({ of }) => of.model === modelDigest && of.runtime === runtime.digest && served.has(of.artefact));
    },
    keep: async (scores) => {
      for (const score of scores) {
        known.push(score);
        await records.write('evaluation', evaluationKey(score.of), score);
      }
    },
  };
};
