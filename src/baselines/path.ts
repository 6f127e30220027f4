import { GateError } from '../errors.ts';

/** One path segment that is safe on every file system: no separator, no leading dot, no trailing dot. */
const segment = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,118}[A-Za-z0-9_-])?$/;

const checked = (value: string, what: string): string => {
  if (segment.test(value)) return value;
  throw new GateError(
    'baseline-invalid',
    `A file of baselines was named. Expected a ${what} of letters, digits, dots and dashes, at most 120, got ${JSON.stringify(value.slice(0, 120))}.`,
    {
      where: 'baselines/',
    },
  );
};

/** `<runner class>/<model>.json`, below baselines/. Throws `baseline-invalid` when either is not a safe file name. */
export const baselinePath = (runnerClass: string, model: string): string =>
  `${checked(runnerClass, 'runner class')}/${checked(model, 'model')}.json`;
