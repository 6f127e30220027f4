import { createHash } from 'node:crypto';
import { GateError } from '../errors.ts';
import type { Baseline } from '../records/baseline.ts';

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

/** Folders and files of projects have names that a path segment cannot have: the hash tells apart what the slug makes alike. */
const folderOf = (project: string): string => {
  const slug = project.replaceAll(/[^A-Za-z0-9]+/g, '-').replace(/^-/, '');
  return `${slug.slice(-60).replace(/^-/, '')}-${createHash('sha256').update(project).digest('hex').slice(0, 8)}/`;
};

/** The file of cells without a model; no model may be called so. */
const withoutModel = '_measurements';

/** Name of the file of a model; null: of cells without one. */
export const baselineName = (model: Baseline['model']): string => `${model === null ? withoutModel : checked(model, 'model')}.json`;

/**
 * Path of a file below baselines/: `<runner class>/<model>.json`, `_measurements.json` for cells without a model, and `<runner class>/<folder>/<model>.json` for a project that is
 * not the repository's only one. Throws `baseline-invalid` when class or model is not a safe file name.
 */
export const baselinePath = ({ runnerClass, project, model }: Pick<Baseline, 'runnerClass' | 'project' | 'model'>): string =>
  `${checked(runnerClass, 'runner class')}/${project === null ? '' : folderOf(project)}${baselineName(model)}`;
