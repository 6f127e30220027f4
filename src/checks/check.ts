import { asGateError } from '../errors.ts';

/** `ok` works; `absent` is not here, and runs go on without it; `warning` makes numbers worse or may end a run; `bad` ends a run. */
export interface Check {
  readonly id: string;
  readonly status: 'ok' | 'absent' | 'warning' | 'bad';
  /** In words for people. */
  readonly says: string;
}

export interface FailedCheck extends Check {
  /** What went wrong, without code and remedy. */
  readonly plain: string;
  readonly code: string;
  /** Exit status of the error. */
  readonly exit: 2 | 3;
}

/** A check that may throw: the error in words is then its result. */
export const tried = async <T extends { readonly check: Omit<Check, 'id'> }>(
  id: string,
  work: () => Promise<T> | T,
): Promise<{ readonly check: Check | FailedCheck; readonly found: T | null }> => {
  try {
    const found = await work();
    return { check: { id, ...found.check }, found };
  } catch (thrown) {
    return { check: failedCheck(id, thrown), found: null };
  }
};

export const failedCheck = (id: string, thrown: unknown): FailedCheck => {
  const error = asGateError(thrown);
  const where = error.where === null ? '' : ` (${error.where})`;
  // Native code puts its own file and function before the sentence that says something.
  const plain = oneLine(error.message).replace(/^.* was false\. /, '');
  return { id, status: 'bad', says: `${plain}${where} [${error.code}] ${error.remedy}`, plain, code: error.code, exit: error.exitCode };
};

export const isFailed = (check: Check): check is FailedCheck => 'plain' in check;

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, 400);
