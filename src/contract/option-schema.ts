import { z } from 'zod';
import { asSentence, GateError } from '../errors.ts';
import { nearest } from '../records/nearest.ts';
import type { Json } from '../records/words.ts';
import type { OptionSchema } from './benchmark.ts';

/**
 * Options of an optimization from a strict zod object: fills in defaults, refuses unknown keys and names one that is near.
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
      const near = nearest(key, known);
      throw new GateError(
        'option-invalid',
        known.length === 0
          ? `Unknown option "${key.slice(0, 80)}": there are none.`
          : `Unknown option "${key.slice(0, 80)}". ${near === null ? '' : `Did you mean "${near}"? `}Known: ${known.join(', ')}.`,
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
