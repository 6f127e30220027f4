import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'rolldown';
import { builtPrograms } from '../testkit/built-programs.ts';

const repository = join(import.meta.dirname, '..', '..');

/**
 * The action as a runner has it: what is committed, and nothing installed. `dist/` is built from the
 * sources as they are, so that a test sees them and not a stale bundle. Returns the folder of the
 * package.
 */
export const copyPackage = async (folder: string): Promise<string> => {
  mkdirSync(folder, { recursive: true });
  for (const name of ['action.yml', 'package.json']) cpSync(join(repository, name), join(folder, name));
  cpSync(join(repository, 'models', 'mini-qwen3-dense'), join(folder, 'models', 'mini-qwen3-dense'), { recursive: true });
  cpSync(await builtPrograms(), join(folder, 'dist'), { recursive: true });
  return folder;
};

/** A user's module in one file, as it is committed. */
export const bundleModule = async (file: string): Promise<string> => {
  const { output } = await build({ cwd: repository, input: file, platform: 'node', write: false, output: { format: 'esm' } });
  return output[0].code;
};
