import type { Json } from '../records/words.ts';

/** Values that expressions of a workflow read by their names. */
export interface Scope {
  readonly of: 'env' | 'inputs';
  readonly values: { readonly [name: string]: Json };
}

/** `env.NAME`, `inputs['NAME']`, or the whole map. */
const reading = /\b(env|inputs)\b(?:\s*\.\s*([\w-]+)|\s*\[\s*'([^']*)'\s*\])?/gi;

/**
 * What the expressions of a text read of some scopes, and what these values read in turn: equal where
 * all of it is written equally. Everything where a name is not written out.
 */
export const readBy = (text: string, scopes: readonly Scope[]): string => {
  const found = new Map<string, readonly string[]>();
  const texts = [text];
  for (const each of texts)
    for (const [, of = '', dotted, quoted] of each.matchAll(reading)) {
      const name = dotted ?? quoted;
      if (name === undefined) return JSON.stringify(scopes);
      const key = `${of}.${name}`.toLowerCase();
      if (found.has(key)) continue;
      const values = scopes.flatMap((scope) =>
        Object.entries(scope.values).flatMap(([own, value]) => (`${scope.of}.${own}`.toLowerCase() === key ? [JSON.stringify(value)] : [])),
      );
      found.set(key, values);
      texts.push(...values);
    }
  return JSON.stringify([...found]);
};
