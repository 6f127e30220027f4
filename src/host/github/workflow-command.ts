import { plainLines } from '../plain-text.ts';

/**
 * Text of any origin as lines that the runner prints and does not obey. The runner takes a line that starts with `::` (after
 * white space) and `##[` anywhere in a line for a workflow command.
 */
export const inertLines = (text: string): readonly string[] =>
  plainLines(text).map((line) => line.replace(/^(\s*):(?=:)/, '$1: ').replaceAll('##[', '## ['));
