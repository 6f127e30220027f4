import type { z } from 'zod';
import type { Policy } from '../../contract/policy.ts';
import { asGateError, GateError } from '../../errors.ts';
import { decodeValue } from '../../records/decode.ts';
import type { Immutable, Json } from '../../records/words.ts';

/**
 * Asks a policy and checks its answer, which is hostile input.
 * @throws GateError subject-protocol that names what is wrong with the action; whatever the policy throws.
 */
export const nextAction = async <S extends z.ZodType>(
  policy: Policy,
  observation: Json,
  schema: S,
  where: string,
): Promise<Immutable<z.infer<S>>> => {
  const answer = await policy.next(observation);
  try {
    return decodeValue(schema, answer, where);
  } catch (thrown) {
    throw new GateError('subject-protocol', `The program was asked for its next action. ${asGateError(thrown).message}`, {
      where,
      cause: thrown,
    });
  }
};
