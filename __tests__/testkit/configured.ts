import { ScratchRepository } from '../repository/scratch-repository.ts';

export const configuredModel = 'mini-qwen3-dense';

export interface EntryFields {
  readonly program?: string;
  readonly inputs?: string;
  readonly metric?: string;
}

/** A line of YAML: an entry that is measured by a program of its own. */
export const measured = (id: string, { program = id, inputs = `${id}/**`, metric = 'size' }: EntryFields = {}): string =>
  `{ id: ${id}, measure: python3 ${program}.py, inputs: [${inputs}], metrics: [{ id: ${metric}, unit: bytes, better: lower, kind: exact }] }`;

/** A configuration with one model. `rest`: more lines of it. */
export const configured = (entries: readonly string[], rest = ''): string =>
  `models: [${configuredModel}]\noptimizations:\n${entries.map((one) => `  - ${one}\n`).join('')}${rest}`;

/** A repository with two commits, base's files and head's edits of them; null removes a file. */
export const changed = (base: Readonly<Record<string, string>>, head: Readonly<Record<string, string | null>>): ScratchRepository => {
  const scratch = ScratchRepository.create();
  scratch.commit({ 'README.md': '', ...base });
  const removed = Object.keys(head).filter((path) => head[path] === null);
  if (removed.length > 0) scratch.git('rm', '--quiet', ...removed);
  scratch.commit(Object.fromEntries(Object.entries(head).flatMap(([path, text]) => (text === null ? [] : [[path, text]]))));
  return scratch;
};
