import { asGateError, GateError, isInfrastructure } from '../errors.ts';
import { saysDiskFull } from '../records/disk-error.ts';

/** An error of the code that is judged, as data. Throws what is not: a run that cannot go on must not end as that code's fault. */
export const faultOf = (thrown: unknown): GateError => {
  const error = asGateError(thrown);
  throwDiskFull(error, error.where);
  if (isInfrastructure(error.code)) throw error;
  return error;
};

/** The error of a base that cannot be set up. Throws any other. */
export const setupFaultOfBase = (thrown: unknown): GateError => {
  if (thrown instanceof GateError && thrown.code === 'base-setup-failed') return thrown;
  throw thrown;
};

/** Throws `disk-full` for an error of a program that says in its last words that it found no room: no other run may end so. */
export const throwDiskFull = ({ code, message }: { readonly code: string; readonly message: string }, where: string | null): void => {
  if (isInfrastructure(code) || !saysDiskFull(message)) return;
  const found = `Code under test wrote to a disk. It found no room there. ${message}`;
  throw new GateError('disk-full', found, where === null ? {} : { where });
};
