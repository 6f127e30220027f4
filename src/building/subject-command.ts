import { join } from 'node:path';
import { GateError } from '../errors.ts';
import { splitCommand } from '../processes/command-line.ts';
import type { SubjectRef } from '../records/plan.ts';

/**
 * How a subject that answers line by line is started: the built-in one, a user's module inside the running gate's worker program, or a
 * user's own program, whose command may name `values` as {NAME}. Throws `config-invalid` for a command that only builds.
 */
export const subjectArgv = (
  door: SubjectRef['door'],
  tree: string,
  worker: string,
  where: string,
  values: Readonly<Record<string, string>> = {},
): readonly string[] => {
  switch (door.kind) {
    case 'builtin':
      return [process.execPath, door.entry === null ? worker : join(tree, door.entry), 'subject'];
    case 'module':
      return [process.execPath, worker, 'subject', '--module', join(tree, door.module)];
    case 'serve':
    case 'measure':
      return splitCommand(door.command, values, where);
    case 'command':
      throw new GateError(
        'config-invalid',
        'A program that answers line by line was to be started. A `command` only builds: give the entry `module` or `serve`.',
        { where },
      );
  }
};
