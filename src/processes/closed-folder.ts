import { rm } from 'node:fs/promises';
import { systemProgram } from './confinement.ts';
import { runCommand } from './run-command.ts';

const run = async (name: string, ...args: readonly string[]): Promise<void> => {
  const argv = [systemProgram(name) ?? name, ...args];
  await runCommand({ argv, cwd: '/', environment: { PATH: '/usr/bin:/bin' }, timeoutSeconds: 300, maxOutputBytes: 1024 });
};

/**
 * Removes a folder to which code under test had access: it may have taken the rights to what lies in
 * it, or nested folders deeper than a path can say. Throws what the system says where it stays.
 */
export const removeClosedFolder = async (path: string): Promise<void> => {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    await run('chmod', '-R', 'u+rwx', '--', path);
    await run('rm', '-rf', '--', path);
    await rm(path, { recursive: true, force: true });
  }
};
