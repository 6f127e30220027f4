import { z } from 'zod';
import type { OptionSchema } from '../contract/benchmark.ts';
import { asSentence, GateError } from '../errors.ts';
import type { Json } from '../records/words.ts';

/** Edits (insert, delete, replace) that turn one word into the other. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length] ?? 0;
};

const nearest = (word: string, known: readonly string[]): string | undefined =>
  [...known].sort((a, b) => distance(word.slice(0, 80), a) - distance(word.slice(0, 80), b) || (a < b ? -1 : 1))[0];

/**
 * Options of an optimization from a strict zod object: fills in defaults, refuses unknown keys with the nearest known one.
 * `parse` throws GateError option-invalid that names the key (below `where`) and what is allowed.
 */
export const optionSchema = <Shape extends z.core.$ZodLooseShape, Options>(
  schema: z.ZodObject<Shape>,
  check: (options: z.output<z.ZodObject<Shape>>, where: string) => Options,
): OptionSchema<Options> => ({
  // Made where it is asked for: no launch does, and each would pay for it.
  get json() {
    return z.toJSONSchema(schema, { io: 'input' }) as Json;
  },
  parse: (value, where) => {
    const result = schema.safeParse(value ?? {});
    if (result.success) return check(result.data, where);
    const [issue] = result.error.issues;
    if (issue?.code === 'unrecognized_keys') {
      const [key = ''] = issue.keys;
      const known = Object.keys(schema.shape);
      throw new GateError(
        'option-invalid',
        known.length === 0
          ? `Unknown option "${key.slice(0, 80)}": there are none.`
          : `Unknown option "${key.slice(0, 80)}". Did you mean "${nearest(key, known) ?? ''}"? Known: ${known.join(', ')}.`,
        { where: `${where}.${key.slice(0, 80)}` },
      );
    }
    throw new GateError('option-invalid', asSentence(issue?.message ?? 'The options are not valid'), {
      where: [where, ...(issue?.path ?? []).map(String)].join('.'),
    });
  },
});

/** Of a benchmark that needs none. */
export const noOptions = optionSchema(z.strictObject({}), (options): Readonly<Record<string, never>> => options);
