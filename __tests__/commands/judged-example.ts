import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { configuration, Project, packageRoot } from './project.ts';

/** Whether this machine has Python. */
export const python = spawnSync('python3', ['--version']).status === 0;
const example = (path: string): string => readFileSync(join(packageRoot, 'examples', path), 'utf8');
export const ignored = { '.gitignore': '.optimization-gate\n' };

/** A user's own repository: the example as it is, then with one edit; both judged. */
export const judged = async (file: string, entry: readonly string[], from: string, to: string, ...options: readonly string[]) => {
  const project = Project.make();
  const text = example(file);
  const name = file.split('/').at(-1) ?? '';
  project.commit({ ...ignored, [name]: text, 'optimization-gate.yml': configuration([entry], ['limits: { seconds: 60 }']) });
  const first = await project.gate('--base', 'HEAD', ...options);
  const unchanged = { ...first, cell: project.cell(entry[0] ?? '') };
  expect(text.split(from)).toHaveLength(2);
  project.commit({ [name]: text.replace(from, to) });
  const second = await project.gate('--base', 'HEAD~1', ...options);
  return { unchanged, changed: { ...second, cell: project.cell(entry[0] ?? '') } };
};

/** Verdicts of a metric at all points. */
export const verdictsOf = (cell: { metrics: readonly { id: string; verdict: string | null }[] }, id: string): readonly (string | null)[] =>
  cell.metrics.filter((metric) => metric.id === id).map(({ verdict }) => verdict);
