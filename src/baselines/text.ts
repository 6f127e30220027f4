import { GateError } from '../errors.ts';
import { type Baseline, baseline } from '../records/baseline.ts';
import { decodeDocument } from '../records/decode.ts';
import { baselinePath } from './file-path.ts';

/** No baseline file that the gate writes comes near this. */
const maxBytes = 16 * 1024 * 1024;

const block = (lines: readonly string[], indent: string): string =>
  lines.length === 0 ? '[]' : `[\n${lines.map((line) => `${indent}  ${line}`).join(',\n')}\n${indent}]`;

/** The file's text: one metric and one row of history per line, so that a change reads well in a diff. Ends in a newline. */
export const baselineText = (file: Baseline): string => {
  const entries = file.entries.map(({ metrics, ...entry }) => {
    const lines = block(
      metrics.map((metric) => JSON.stringify(metric)),
      '    ',
    );
    return `${JSON.stringify(entry).slice(0, -1)},"metrics":${lines}}`;
  });
  return [
    '{',
    `  "schema": ${JSON.stringify(file.schema)},`,
    `  "runnerClass": ${JSON.stringify(file.runnerClass)},`,
    `  "project": ${JSON.stringify(file.project)},`,
    `  "model": ${JSON.stringify(file.model)},`,
    `  "runtime": ${JSON.stringify(file.runtime)},`,
    `  "entries": ${block(entries, '  ')},`,
    `  "history": ${block(
      file.history.map((row) => JSON.stringify(row)),
      '  ',
    )},`,
    `  "anchor": ${JSON.stringify(file.anchor)}`,
    '}',
    '',
  ].join('\n');
};

/**
 * Reads a file below baselines/ as hostile input. Throws `baseline-invalid` with the path and the first thing that is wrong; a file that lies
 * where another runner class, project or model belongs is wrong, too.
 */
export const readBaseline = (path: string, text: string): Baseline => {
  const where = `baselines/${path}`;
  const file = decode(where, text);
  const own = baselinePath(file);
  if (path !== own)
    throw new GateError('baseline-invalid', `The baselines were read. Expected the path that the file names, baselines/${own}.`, { where });
  return file;
};

const decode = (where: string, text: string): Baseline => {
  try {
    return decodeDocument(baseline, text, where, maxBytes);
  } catch (thrown) {
    throw thrown instanceof GateError ? new GateError('baseline-invalid', thrown.message, { where, cause: thrown }) : thrown;
  }
};
