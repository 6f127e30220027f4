import { expect, test } from 'vitest';
import { programFiles } from '../../src/run/imported-files.ts';

const tree: Readonly<Record<string, string>> = {
  'dist/worker.js': 'import{a as b}from"./worker/errors.js";import*as c from "node:fs";const d=()=>import(`./worker/x-subject.js`);',
  'dist/worker/errors.js': 'export{e as a};import"./gone.js";',
  'dist/worker/x-subject.js': "import { f } from '../worker.js';\nexport * from './shared.js';",
  'dist/worker/shared.js': 'const text = "no import of ./other.js";',
  'dist/worker/other.js': '',
};
const read = async (paths: readonly string[]): Promise<readonly (string | null)[]> => paths.map((path) => tree[path] ?? null);

test('follows imports of every kind, in rings too, and nothing else', async () => {
  const files = await programFiles('dist/worker.js', read);
  expect(files.map(({ path }) => path)).toEqual([
    'dist/worker.js',
    'dist/worker/errors.js',
    'dist/worker/shared.js',
    'dist/worker/x-subject.js',
  ]);
  expect(files[0]?.text).toBe(tree['dist/worker.js']);
  expect(await programFiles('dist/nothing.js', read)).toEqual([]);
});

test('asks for no file twice, and for all of one depth at once', async () => {
  const asked: (readonly string[])[] = [];
  await programFiles('dist/worker.js', (paths) => {
    asked.push(paths);
    return read(paths);
  });
  expect(asked).toEqual([
    ['dist/worker.js'],
    ['dist/worker/errors.js', 'dist/worker/x-subject.js'],
    ['dist/worker/gone.js', 'dist/worker/shared.js'],
  ]);
});
