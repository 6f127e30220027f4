/** A configuration with one entry, `engine`, whose program `bench.mjs` answers with an exact size. `more`: lines before it. */
export const engineConfiguration = (...more: readonly string[]): string =>
  [
    ...more,
    'models: [mini-qwen3-dense]',
    'optimizations:',
    '  - id: engine',
    '    measure: node bench.mjs',
    '    inputs: [bench.mjs]',
    '    metrics: [{ id: size, unit: bytes, better: lower, kind: exact }]',
    '',
  ].join('\n');
