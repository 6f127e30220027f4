import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { contentsOf, installedPrograms, replacedPrograms, writtenSince } from '../../../src/building/leak/installed-programs.ts';
import { testFolder } from '../../testkit/folder.ts';

/** Names of what a second setup put in the place of what the programs of the first side find. */
const replacedBy = (first: (bin: string) => void, second: (bin: string) => void): readonly string[] => {
  const bin = join(testFolder(), 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'large'), Buffer.alloc(300_000, 1));
  const programs = () => installedPrograms({ PATH: bin }, []);
  const before = programs();
  first(bin);
  const between = programs();
  const contents = contentsOf(between, writtenSince(before, between));
  second(bin);
  return replacedPrograms(contents, writtenSince(between, programs())).map(({ of }) => of);
};
const writes = (content: number) => (bin: string) => writeFileSync(join(bin, 'large'), Buffer.alloc(300_000, content));
const nothing = (): void => {};

it.each([
  ['the same for both sides', writes(2), writes(2), []],
  ['another one of equal size', writes(2), writes(3), ['large']],
  ['one of equal size, where the other side found its own', nothing, writes(3), ['large']],
  ['none, where the other side installed its own', writes(2), nothing, []],
])('a setup installs a large program: %s', (_, first, second, replaced) => {
  expect(replacedBy(first, second)).toEqual(replaced);
});

it('the first setup of a change replaces a large program that was there before', () => {
  const bin = testFolder();
  writes(1)(bin);
  const programs = () => installedPrograms({ PATH: bin }, []);
  for (const [content, replaced] of [
    [1, []],
    [2, ['large']],
  ] as const) {
    const before = programs();
    const contents = contentsOf(before, [...before.keys()]);
    writes(content)(bin);
    expect(replacedPrograms(contents, writtenSince(before, programs())).map(({ of }) => of)).toEqual(replaced);
  }
});

it('programs that a command names by a path, and those below a folder that it names, are looked at too', () => {
  const folder = testFolder();
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'lib'));
  mkdirSync(join(folder, 'share/deep'), { recursive: true });
  mkdirSync(join(folder, 'share/node_modules'));
  for (const name of ['bin/engine', 'lib/table', 'alone', 'share/deep/one', 'share/node_modules/two', 'share/x.pyc'])
    writeFileSync(join(folder, name), '');
  const below = (...named: readonly string[]): readonly string[] =>
    [...installedPrograms({}, named).keys()].filter((path) => path.startsWith(folder)).map((path) => path.slice(folder.length + 1));
  expect(below(folder).toSorted()).toEqual(['alone', 'bin/engine', 'lib/table', 'share/deep/one']);
  expect(below(join(folder, 'bin/engine')).toSorted()).toEqual(['bin/engine', 'lib/table']);
  expect(below(join(folder, 'alone'))).toEqual(['alone']);
  expect(below(`${folder}/nothing/here`, '/proc/kmsg', '/')).toEqual([]);
});
