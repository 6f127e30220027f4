import { z } from 'zod';

const tokens = z.int().positive();

/** What an episode does; lengths in tokens. */
export const streamSetting = z.discriminatedUnion('measure', [
  /** A prompt, `steps` tokens after it, and a second prompt that arrives while more are generated. */
  z.strictObject({ measure: z.literal('stream'), prompt: tokens, steps: tokens }),
  /** `steps` tokens after a prompt, and twice as many after a `long` one. */
  z.strictObject({ measure: z.literal('sustained'), prompt: tokens, long: tokens, steps: tokens }),
  /** `steps` tokens after `fill` ones. */
  z.strictObject({ measure: z.literal('memory'), fill: tokens, steps: tokens }),
]);
export type StreamSetting = Readonly<z.output<typeof streamSetting>>;
