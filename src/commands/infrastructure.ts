import { asGateError, type ErrorCode, type GateError } from '../errors.ts';

const codes: ReadonlySet<ErrorCode> = new Set([
  'runtime-not-found',
  'provider-unavailable',
  'setup-failed',
  'lfs-pointer',
  'submodule-missing',
  'disk-full',
  'store-locked',
  'program-changed',
  'base-changed',
]);

/** Whether an error says something of the machine and what is installed on it, and nothing of the code that is judged. */
export const isInfrastructure = (code: string): boolean => (codes as ReadonlySet<string>).has(code);

/** An error of the code that is judged, as data. Throws what is not: a run that cannot go on must not end as that code's fault. */
export const faultOf = (thrown: unknown): GateError => {
  const error = asGateError(thrown);
  if (isInfrastructure(error.code)) throw error;
  return error;
};
