import type { Pattern } from './pattern.ts';

/** A pattern that a layer could have: how far it strays from what the layer computes now, and how many keys a query is spared. */
export interface PatternCandidate {
  readonly pattern: Pattern;
  readonly error: number;
  readonly saved: number;
}

/**
 * What each layer gets, null: it stays dense. Errors of all layers together stay within the budget. Layers take turns by error per key saved, the
 * least first, and a layer changes to a pattern that saves more while the budget lasts: greedy, so not always the best choice.
 */
export const chosenPatterns = (layers: readonly (readonly PatternCandidate[])[], budget: number): readonly (PatternCandidate | null)[] => {
  const moves = layers
    .flatMap((candidates, layer) => candidates.map((candidate) => ({ layer, candidate, price: candidate.error / candidate.saved })))
    .filter(({ candidate: { error, saved } }) => saved > 0 && Number.isFinite(error))
    .sort((a, b) => a.price - b.price || b.candidate.saved - a.candidate.saved || a.layer - b.layer);
  const chosen = layers.map((): PatternCandidate | null => null);
  let spent = 0;
  for (const { layer, candidate } of moves) {
    const now = chosen[layer] ?? null;
    const after = spent - (now?.error ?? 0) + candidate.error;
    if (candidate.saved <= (now?.saved ?? 0) || after > budget) continue;
    chosen[layer] = candidate;
    spent = after;
  }
  return chosen;
};
