/** Whether some object of a text of JSON has a key twice: which of the values counts is anybody's guess. */
export const hasRepeatedKey = (text: string, parsed: unknown): boolean => colonsIn(text) !== keysIn(parsed);

/** Colons outside strings: one behind each key. */
const colonsIn = (text: string): number => {
  let colons = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') inString = !inString;
    else if (inString && character === '\\') at += 1;
    else if (!inString && character === ':') colons += 1;
  }
  return colons;
};

/** Without recursion: an answer may be nested deeper than the stack is. */
const keysIn = (parsed: unknown): number => {
  let keys = 0;
  const open = [parsed];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    const values: readonly unknown[] = Object.values(next);
    if (!Array.isArray(next)) keys += values.length;
    for (const value of values) open.push(value);
  }
  return keys;
};
