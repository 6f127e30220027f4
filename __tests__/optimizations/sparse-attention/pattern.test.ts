import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chosenPatterns, type PatternCandidate } from '../../../src/optimizations/sparse-attention/choice.ts';
import {
  globalsBefore,
  keysSeen,
  type Pattern,
  sees,
  sinkWindow,
  stridedWindow,
  windowOnly,
} from '../../../src/optimizations/sparse-attention/pattern.ts';

const size = fc.integer({ min: 1, max: 12 });
const pattern: fc.Arbitrary<Pattern> = fc.oneof(
  size.map(windowOnly),
  fc.tuple(size, size).map(([window, count]) => sinkWindow(window, count)),
  fc.tuple(size, size).map(([window, stride]) => stridedWindow(window, stride)),
);

test('keys are counted as they are seen', () => {
  fc.assert(
    fc.property(pattern, fc.integer({ min: 0, max: 40 }), (one, query) => {
      const seen = Array.from({ length: 60 }, (_, key) => key).filter((key) => sees(one, query, key));
      expect(seen).toHaveLength(keysSeen(one, query));
      expect(seen.at(-1)).toBe(query);
      expect(seen.filter((key) => key <= query - one.window)).toHaveLength(globalsBefore(one, query - one.window + 1));
    }),
  );
});

test('a window is exact, sinks are the first positions, strided ones recur', () => {
  const seen = (one: Pattern, query: number): number[] =>
    Array.from({ length: 30 }, (_, key) => key).filter((key) => sees(one, query, key));
  expect(seen(windowOnly(3), 20)).toEqual([18, 19, 20]);
  expect(seen(sinkWindow(3, 2), 20)).toEqual([0, 1, 18, 19, 20]);
  expect(seen(stridedWindow(3, 6), 20)).toEqual([5, 11, 17, 18, 19, 20]);
});

const candidate = fc
  .tuple(fc.float({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 50 }))
  .map(([error, saved]): PatternCandidate => ({ pattern: windowOnly(saved), error, saved }));
const total = (chosen: readonly (PatternCandidate | null)[], field: 'error' | 'saved'): number =>
  chosen.reduce((sum, one) => sum + (one?.[field] ?? 0), 0);

/** The most keys that any choice within the budget saves, by trying them all. */
const mostSaved = (layers: readonly (readonly PatternCandidate[])[], budget: number): number => {
  const [first, ...rest] = layers;
  if (first === undefined) return 0;
  return Math.max(
    mostSaved(rest, budget),
    ...first.filter(({ error }) => error <= budget).map(({ error, saved }) => saved + mostSaved(rest, budget - error)),
  );
};

test('the choice keeps to its budget, never beats the best there is, and takes at least the best single layer', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(candidate, { maxLength: 3 }), { maxLength: 4 }),
      fc.float({ min: 0, max: 2, noNaN: true }),
      (layers, budget) => {
        const chosen = chosenPatterns(layers, budget);
        expect(total(chosen, 'error')).toBeLessThanOrEqual(budget + 1e-9);
        expect(total(chosen, 'saved')).toBeLessThanOrEqual(mostSaved(layers, budget + 1e-9));
        chosen.forEach((one, layer) => {
          if (one !== null) expect(layers[layer]).toContain(one);
        });
      },
    ),
  );
});

test('without a budget only what costs nothing is taken; with a large one every layer takes what saves most', () => {
  const [free, dear, dearest] = [
    { pattern: windowOnly(1), error: 0, saved: 5 },
    { pattern: windowOnly(2), error: 0.1, saved: 9 },
    { pattern: windowOnly(3), error: 0.2, saved: 7 },
  ];
  expect(chosenPatterns([[free, dear], [dear]], 0)).toEqual([free, null]);
  expect(chosenPatterns([[free, dear, dearest], [dearest]], 10)).toEqual([dear, dearest]);
  expect(chosenPatterns([[{ ...dear, error: Number.NaN }]], 10)).toEqual([null]);
});
