import { GateError } from '../../src/errors.ts';

/** The coded error that `action` throws; anything else fails the test. */
export const refusal = (action: () => unknown): { readonly code: string; readonly where: string | null; readonly message: string } => {
  try {
    action();
  } catch (error) {
    if (error instanceof GateError) return { code: error.code, where: error.where, message: error.message };
    throw error;
  }
  throw new Error('nothing was refused');
};
