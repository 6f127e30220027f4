import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { buildTypes } from '../scripts/types.ts';
import { builtPrograms } from './testkit/built-programs.ts';
import { testFolder } from './testkit/folder.ts';

const contents = (folder: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => statSync(join(folder, name)).isFile())
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );

const builtTypes = (): string => {
  const folder = testFolder();
  buildTypes(folder);
  return folder;
};

it.each([
  ['dist', builtPrograms],
  ['types', builtTypes],
])('%s/ is what the sources build to (npm run build)', async (name, build) => {
  const [committed, built] = [contents(join(import.meta.dirname, '..', name)), contents(await build())];
  expect(Object.keys(committed)).toEqual(Object.keys(built));
  // Names only: a difference of two minified files would fill the screen.
  expect(Object.keys(built).filter((name) => committed[name] !== built[name])).toEqual([]);
});
