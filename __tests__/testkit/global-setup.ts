import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A folder that all test files of one run share. */
    readonly sharedFolder: string;
  }
}

/**
 * Version managers put a script in front of Python, and each start of it costs several times that of
 * the interpreter. The interpreter's own folder comes first here.
 */
const withoutPythonShims = (): void => {
  const path = process.env['PATH'] ?? '';
  const { status, stdout } = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' });
  const folder = dirname(stdout?.trim() ?? '');
  if (status === 0 && !path.split(delimiter).includes(folder)) process.env['PATH'] = `${folder}${delimiter}${path}`;
};

/** Runs before the first test file; what it returns, after the last. */
export const setup = (project: TestProject): (() => void) => {
  withoutPythonShims();
  const folder = mkdtempSync(join(tmpdir(), 'gate-tests-'));
  project.provide('sharedFolder', folder);
  // What watching runs again is built from the sources of its own moment.
  project.onTestsRerun(() => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
  });
  return () => rmSync(folder, { recursive: true, force: true });
};
