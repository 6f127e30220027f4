import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build } from 'rolldown';

const repository = join(import.meta.dirname, '..', '..');

/**
 * The action as a runner has it: what is committed, and nothing installed. `dist/` is built from the sources as they are,
 * so that a test sees them and not a stale bundle. Returns the folder of the package.
 */
export const copyPackage = async (folder: string): Promise<string> => {
  mkdirSync(folder, { recursive: true });
  for (const name of ['action.yml', 'package.json']) cpSync(join(repository, name), join(folder, name));
  cpSync(join(repository, 'models', 'mini-qwen3-dense'), join(folder, 'models', 'mini-qwen3-dense'), { recursive: true });
  const shared: BuildOptions = {
    cwd: repository,
    platform: 'node',
    external: [/^onnxruntime-node/],
    checks: { ineffectiveDynamicImport: false },
  };
  const output = { dir: join(folder, 'dist'), format: 'esm', comments: false } as const;
  await build([
    { ...shared, input: { action: 'src/action.ts', cli: 'src/cli.ts' }, output: { ...output, chunkFileNames: 'chunks/[name].js' } },
    { ...shared, input: { worker: 'src/worker.ts' }, output: { ...output, codeSplitting: false } },
  ]);
  return folder;
};

/** A user's module in one file, as it is committed. */
export const bundleModule = async (file: string): Promise<string> => {
  const { output } = await build({ cwd: repository, input: file, platform: 'node', write: false, output: { format: 'esm' } });
  return output[0].code;
};
