import type * as z from '../zod/v4/classic/external.js';
import type { OptionSchema } from './benchmark.js';
/**
 * Options of an optimization from a strict zod object: fills in defaults, refuses unknown keys and names one that is near.
 * `parse` throws GateError option-invalid that names the key (below `where`) and what is allowed.
 */
export declare const optionSchema: <Shape extends z.core.$ZodLooseShape, Options>(schema: z.ZodObject<Shape>, check: (options: z.output<z.ZodObject<Shape>>, where: string) => Options) => OptionSchema<Options>;
/** Of a benchmark that needs none. */
export declare const noOptions: OptionSchema<Readonly<Record<string, never>>>;
