import type { Config, OptimizationEntry } from './config.ts';

/** Everything of an entry but its name. */
const contentOf = ({ id: _id, place: _place, bounds: _bounds, ...content }: OptimizationEntry): string => JSON.stringify(content);

/** What an entry is judged as, and what it says that it depends on. */
const kindOf = ({ like, door, inputs, metrics }: OptimizationEntry): string =>
  JSON.stringify([like, door.kind, [...inputs].sort(), metrics.map(({ id, unit, better }) => JSON.stringify([id, unit, better])).sort()]);

/** Whether head has this entry under its name, judged by the same metrics and made from the same inputs. */
export const isSameEntry = (entry: OptimizationEntry, head: Pick<Config, 'optimizations'>): boolean =>
  head.optimizations.some((other) => other.id === entry.id && kindOf(other) === kindOf(entry));

/** Pairs those of two lists that share a key with one another and with nobody else. */
const pairsBy = (
  base: readonly OptimizationEntry[],
  head: readonly OptimizationEntry[],
  keyOf: (entry: OptimizationEntry) => string,
): readonly (readonly [head: string, base: string])[] => {
  const [before, after] = [Map.groupBy(base, keyOf), Map.groupBy(head, keyOf)];
  return [...after].flatMap(([key, [renamed, second]]) => {
    const [was, other] = before.get(key) ?? [];
    return renamed === undefined || second !== undefined || was === undefined || other !== undefined ? [] : [[renamed.id, was.id] as const];
  });
};

/**
 * Id of an entry of head → id that it has in base, for entries that head has under another name. An entry that both have under one
 * name is that entry, whatever else changed. Of the others, those with equal content are paired first; then those that alone on both
 * sides have the same `like`, the same way in, the same inputs, and metrics of the same names, units and directions. What fits several is
 * paired with none.
 * `exact`: only equal content is paired.
 */
export const renamedEntries = (
  base: Pick<Config, 'optimizations'>,
  head: Pick<Config, 'optimizations'>,
  exact = false,
): ReadonlyMap<string, string> => {
  const renamed = new Map<string, string>();
  const pair = (keyOf: (entry: OptimizationEntry) => string): void => {
    const known = new Set([...renamed].flat());
    const [before, after] = [
      base.optimizations.filter(({ id }) => !known.has(id) && !head.optimizations.some((entry) => entry.id === id)),
      head.optimizations.filter(({ id }) => !known.has(id) && !base.optimizations.some((entry) => entry.id === id)),
    ];
    for (const [now, was] of pairsBy(before, after, keyOf)) renamed.set(now, was);
  };
  pair(contentOf);
  if (!exact) pair(kindOf);
  return renamed;
};

/** What was renamed, as sentences. */
export const renameNotes = (renamed: ReadonlyMap<string, string>): readonly string[] =>
  [...renamed].map(([now, was]) => `optimization ${now} was renamed from ${was}: it is compared with ${was} of base, and judged like it.`);
