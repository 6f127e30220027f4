import { GateError } from '../errors.ts';

const MAX_FILES = 200;
const MAX_BYTES = 16 * 1024 * 1024;
const segment = /^[A-Za-z0-9_][A-Za-z0-9._+@-]{0,139}$/;

/** A path below baselines/ that leaves it nowhere: plain segments of letters, digits and `._+@-`. Throws `baseline-invalid`. */
export const checkBaselinePath = (path: string): string => {
  const segments = path.split('/');
  if (segments.length <= 4 && segments.every((one) => segment.test(one))) return path;
  throw new GateError('baseline-invalid', 'A file of baselines was named. Expected a path below baselines/, got another.', {
    where: JSON.stringify(path.slice(0, 200)),
  });
};

/** The files of an update in the order of their paths. Throws `baseline-invalid` for a bad path, too many files or too many bytes. */
export const checkBaselineFiles = (files: Readonly<Record<string, string>>): readonly (readonly [string, string])[] => {
  const entries = Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [path] of entries) checkBaselinePath(path);
  const bytes = entries.reduce((sum, [, content]) => sum + Buffer.byteLength(content), 0);
  if (entries.length > MAX_FILES || bytes > MAX_BYTES) {
    throw new GateError(
      'baseline-invalid',
      `Baselines were written. Expected at most ${MAX_FILES} files and ${MAX_BYTES} bytes, got ${entries.length} files of ${bytes} bytes.`,
      { where: 'baselines/' },
    );
  }
  return entries;
};
