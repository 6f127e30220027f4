import { join } from 'node:path';
import { GateError } from '../errors.ts';
import { splitCommand } from '../processes/command-line.ts';
import type { SubjectRef } from '../records/plan.ts';

/**
 * How a subject that answers JSON lines is started: the built-in one, a user's module inside the running gate's worker program, or a
 * user's own program. Throws `config-invalid` for a command, which builds and answers nothing.
 */
export const subjectArgv = (door: SubjectRef['door'], tree: string, worker: string, where: string): readonly string[] => {
  switch (door.kind) {
    case 'builtin':
      return [process.execPath, door.entry === null ? worker : join(tree, door.entry), 'subject'];
    case 'module':
      return [process.execPath, worker, 'subject', '--module', join(tree, door.module)];
    case 'serve':
      return splitCommand(door.command, {}, where);
    case 'command':
      throw new GateError('config-invalid', 'a command builds; a policy needs `module` or `serve`', { where });
  }
};
