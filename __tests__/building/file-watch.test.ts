import { chmodSync, lstatSync, mkdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { filesAndFoldersBelow, filesBelow, watchFiles } from '../../src/building/file-watch.ts';
import { testFolder } from '../testkit/folder.ts';

const tree = (): string => {
  const folder = testFolder();
  mkdirSync(join(folder, 'a', '.git'), { recursive: true });
  writeFileSync(join(folder, 'a', '.git', 'config'), '');
  writeFileSync(join(folder, 'a', 'one'), 'one');
  writeFileSync(join(folder, 'two'), 'two');
  symlinkSync('two', join(folder, 'link'));
  return folder;
};

it('lists files and links, not what git keeps', () => {
  const folder = tree();
  expect([...filesBelow(folder)].sort()).toEqual([join(folder, 'a', 'one'), join(folder, 'link'), join(folder, 'two')]);
  expect(filesBelow(join(folder, 'none'))).toEqual([]);
});

it('lists folders too where that is asked for', () => {
  const folder = tree();
  const files = ['a', 'a/.git', 'a/one', 'link', 'two'].map((path) => join(folder, path));
  expect([...filesAndFoldersBelow(folder)].sort()).toEqual(files);
});

it.skipIf(process.platform !== 'linux')('sees what is done to files and in folders whose names are no UTF-8', async () => {
  const folder = testFolder();
  const at = (name: string): Buffer => Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')]);
  mkdirSync(at('m\xfc'));
  for (const name of ['gr\xf6\xdfe', 'm\xfc/one']) writeFileSync(at(name), '100');
  writeFileSync(join(folder, 'größe'), '100');
  const watch = await watchFiles(() => filesBelow(folder));
  expect([await watch.changed(), watch.touched(), await watch.reread()]).toEqual([[], [], []]);
  writeFileSync(at('gr\xf6\xdfe'), '900');
  rmSync(at('m\xfc/one'));
  const changed = [join(folder, 'gr\udcf6\udcdfe'), join(folder, 'm\udcfc', 'one')];
  for (const found of [await watch.changed(), watch.touched(), await watch.reread()]) expect([...found].sort()).toEqual(changed.sort());
});

it('reads all files once more where that is asked for', async () => {
  const folder = tree();
  const watch = await watchFiles(() => filesBelow(folder));
  utimesSync(join(folder, 'two'), 0, 0);
  expect(await watch.reread()).toEqual([]);
  writeFileSync(join(folder, 'two'), 'owt');
  rmSync(join(folder, 'link'));
  writeFileSync(join(folder, 'new'), '');
  expect([...(await watch.reread())].sort()).toEqual(['link', 'new', 'two'].map((path) => join(folder, path)));
});

it('takes a file that was only touched for the same', async () => {
  const folder = tree();
  const watch = await watchFiles(() => filesBelow(folder));
  utimesSync(join(folder, 'two'), 0, 0);
  writeFileSync(join(folder, 'a', 'one'), 'one');
  expect([...watch.touched()].sort()).toEqual([join(folder, 'a', 'one'), join(folder, 'two')]);
  expect(await watch.changed()).toEqual([]);
});

it.each<readonly [string, (folder: string) => void, string]>([
  [
    'content of the same size and times',
    (folder) => {
      const { atime, mtime } = statSync(join(folder, 'two'));
      writeFileSync(join(folder, 'two'), 'owt');
      utimesSync(join(folder, 'two'), atime, mtime);
    },
    'two',
  ],
  ['a new file', (folder) => writeFileSync(join(folder, 'a', 'new'), ''), 'a/new'],
  ['a file that is gone', (folder) => rmSync(join(folder, 'two')), 'two'],
  ['a file that became a program', (folder) => chmodSync(join(folder, 'two'), 0o755), 'two'],
  [
    'a link in the place of a file',
    (folder) => {
      rmSync(join(folder, 'a', 'one'));
      symlinkSync('../two', join(folder, 'a', 'one'));
    },
    'a/one',
  ],
  [
    'a link that leads elsewhere',
    (folder) => {
      rmSync(join(folder, 'link'));
      symlinkSync('a/one', join(folder, 'link'));
    },
    'link',
  ],
])('tells %s, until it begins again', async (_, change, path) => {
  const folder = tree();
  const watch = await watchFiles(() => filesBelow(folder));
  change(folder);
  expect(watch.touched()).toEqual([join(folder, path)]);
  expect(await watch.changed()).toEqual([join(folder, path)]);
  expect(await watch.changed()).toEqual([join(folder, path)]);
  expect(await (await watch.again(() => filesBelow(folder))).changed()).toEqual([]);
});

it('leaves the access times as they are', async () => {
  const folder = tree();
  const long = new Date(0);
  utimesSync(join(folder, 'two'), long, new Date());
  await watchFiles(() => filesBelow(folder));
  expect(lstatSync(join(folder, 'two')).atime).toEqual(long);
});
