import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build } from 'rolldown';

const repository = join(import.meta.dirname, '..');

/**
 * Bundles the three programs into `folder`. GitHub's toolkit goes into chunks that are loaded when first used: parsing it
 * would cost most of the start. The worker is one file, because it is also what a tree brings as its own subject: its digest
 * must be all of it. onnxruntime-node stays outside: it is found at run time (src/runtime/library.ts).
 */
export const buildPrograms = async (folder: string): Promise<void> => {
  const shared: BuildOptions = {
    cwd: repository,
    platform: 'node',
    external: [/^onnxruntime-node/],
    checks: { ineffectiveDynamicImport: false },
  };
  const output = { dir: folder, format: 'esm', minify: true, comments: false } as const;
  await build([
    { ...shared, input: { action: 'src/action.ts', cli: 'src/cli.ts' }, output: { ...output, chunkFileNames: 'chunks/[name].js' } },
    { ...shared, input: { worker: 'src/worker.ts' }, output: { ...output, codeSplitting: false } },
  ]);
};

if (import.meta.main) {
  const dist = join(repository, 'dist');
  rmSync(dist, { recursive: true, force: true });
  await buildPrograms(dist);
}
