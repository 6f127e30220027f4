import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';

/** GitHub takes outputs of at most 1 MiB per job. */
const MAX_OUTPUT_BYTES = 1024 * 1024;

/**
 * Appends step outputs to the runner's command file (`GITHUB_OUTPUT`) in the form that takes any value: `NAME<<MARK`, lines, `MARK`.
 * Synchronous, and without @actions/core, which takes longer to load than everything else up to the first line of the log.
 * Returns the names that were left out for being longer than 1 MiB. Without a file nothing is written.
 */
export const appendOutputs = (
  path: string | undefined,
  outputs: Readonly<Record<string, string | number | boolean>>,
): readonly string[] => {
  if (path === undefined || path === '') return [];
  const leftOut: string[] = [];
  const mark = `gate_${randomUUID()}`;
  for (const [name, value] of Object.entries(outputs)) {
    const fits = /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) && Buffer.byteLength(String(value)) <= MAX_OUTPUT_BYTES;
    if (fits) appendFileSync(path, `${name}<<${mark}\n${value}\n${mark}\n`, 'utf8');
    else leftOut.push(name);
  }
  return leftOut;
};
