import { rmSync } from 'node:fs';
import { defineConfig } from 'rolldown';

rmSync('dist', { recursive: true, force: true });

// onnxruntime-node stays outside: it is found at run time (src/runtime/library.ts).
const external = [/^onnxruntime-node/];
const output = { dir: 'dist', format: 'esm', minify: true, comments: false } as const;

export default defineConfig([
  {
    // GitHub's toolkit goes into chunks that are loaded when first used: parsing it would cost most of the start.
    input: { action: 'src/action.ts', cli: 'src/cli.ts' },
    platform: 'node',
    external,
    output: { ...output, chunkFileNames: 'chunks/[name].js' },
    checks: { ineffectiveDynamicImport: false },
  },
  // One file, because it is also what a tree brings as its own subject: its digest must be all of it.
  { input: { worker: 'src/worker.ts' }, platform: 'node', external, output: { ...output, codeSplitting: false } },
]);
