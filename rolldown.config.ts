import { defineConfig } from 'rolldown';

// One self-contained file per program. onnxruntime-node stays outside: it is found at run time (src/runtime/library.ts).
export default ['action', 'cli', 'worker'].map((name) =>
  defineConfig({
    input: `src/${name}.ts`,
    platform: 'node',
    external: [/^onnxruntime-node/],
    output: { file: `dist/${name}.js`, format: 'esm', codeSplitting: false, minify: true, comments: false },
  }),
);
