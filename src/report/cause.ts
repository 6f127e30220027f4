/** What happened to several cells or metrics for one cause is said once: of which, and how many. */

/** Days are no figures: what was measured on another day is another matter. */
const withoutFigures = (text: string): string => text.replace(/(\d{4}-\d\d-\d\d)|\d+/g, (_, day?: string) => day ?? '#');

/** What is left of a text without that by which those of two cells differ: the model's name, cells, paths, and figures. */
export const causeOf = (text: string, model: string | null): string => {
  const anywhere = text.replace(/\S*[\\/]\S*/g, '/');
  return withoutFigures(model === null ? anywhere : anywhere.replaceAll(model, 'MODEL'));
};

/** Things that share a cause, in the order of the first of each. */
export const byCause = <T>(things: readonly T[], causeIn: (thing: T) => string): readonly (readonly [T, ...T[]])[] => {
  const found = new Map<string, [T, ...T[]]>();
  for (const thing of things) {
    const cause = causeIn(thing);
    const known = found.get(cause);
    if (known === undefined) found.set(cause, [thing]);
    else known.push(thing);
  }
  return [...found.values()];
};

/** `a`, `a and b`, `a, b and 3 more`: at most `most` names, each once. */
export const someNames = (names: readonly string[], most: number): string => {
  const all = [...new Set(names)];
  const shown = all.slice(0, most);
  const last = all.length > most ? `${all.length - most} more` : shown.length > 1 ? (shown.pop() ?? '') : '';
  return last === '' ? shown.join(', ') : `${shown.join(', ')} and ${last}`;
};
