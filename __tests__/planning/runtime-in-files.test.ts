import { expect, test } from 'vitest';
import { namedVersions } from '../../src/planning/runtime-in-files.ts';

test.each([
  ['package.json', '{ "dependencies": { "onnxruntime-node": "^1.30.0", "onnxruntime-web": "1.2.3" } }', ['1.30.0']],
  ['package-lock.json', '"node_modules/onnxruntime-node": {\n      "version": "1.31.0-dev.4",\n      "license": "9.9.9"', ['1.31.0-dev.4']],
  ['an address', '"resolved": "https://registry/onnxruntime-node/-/onnxruntime-node-1.30.0.tgz"', ['1.30.0']],
  [
    'yarn.lock',
    'onnxruntime-node@^1.30.0:\n  version "1.31.0"\n  resolved "https://registry/onnxruntime-node-1.31.0.tgz#1"',
    ['1.30.0', '1.31.0'],
  ],
  ['yarn.lock of Berry', '  resolution: "onnxruntime-node@npm:1.30.0"', ['1.30.0']],
  ['pnpm-lock.yaml', '  onnxruntime-node@1.30.0:\n    resolution: {}', ['1.30.0']],
  ['bun.lock', '"onnxruntime-node": ["onnxruntime-node@1.30.0", "", {}]', ['1.30.0']],
  ['a workflow', '- run: npm install --prefix ort onnxruntime-node@1.30.0 # not 1.29.0', ['1.30.0']],
  ['another package', '"onnxruntime-node-gpu": "1.30.0", "my-onnxruntime-node": "1.2.3", "onnxruntime-node": "latest"\n1.2.3', []],
])('finds the version in %s', (_, text, versions) => {
  expect(namedVersions([text, null])).toEqual(versions);
});

test.each([
  ['a variable of a shell', 'ORT=1.30.0\nnpm install onnxruntime-node@$ORT', ['$ORT', '1.30.0']],
  ['one with a default', 'npm install "onnxruntime-node@${ORT:-1.30.0}"', ['1.30.0']],
  ['an expression', 'env: { ORT: 1.30.0 }\nrun: npm i onnxruntime-node@${{ env.ORT }}', ['${{ env.ORT }}', '1.30.0 }']],
  [
    'a matrix',
    'matrix:\n  ort:\n    - 1.30.0\n    - 1.31.0\nrun: npm i onnxruntime-node@${{ matrix.ort }}',
    ['${{ matrix.ort }}', '- 1.30.0\n    - 1.31.0'],
  ],
  ['PowerShell', '$env:ORT = "1.31.0"\nnpm i onnxruntime-node@$env:ORT', ['"1.31.0"', '$env:ORT']],
  ['a tag', 'npm i onnxruntime-node@next', ['next']],
  ['a part of a version', 'npm i onnxruntime-node@1.31', ['1.31']],
])('finds what stands for a version: %s', (_, text, found) => {
  expect(namedVersions([text])).toEqual(found);
});
