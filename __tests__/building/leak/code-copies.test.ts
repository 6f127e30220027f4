import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CodeCopy, copiesInTree, installedCopies, packageFolders, productsInTree } from '../../../src/building/leak/code-copies.ts';
import { watchReads } from '../../../src/building/leak/read-watch.ts';
import { testFolder } from '../../testkit/folder.ts';

const write = (folder: string, files: Readonly<Record<string, string>>): void => {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
};
const below = (folder: string, copies: readonly CodeCopy[]): readonly string[] =>
  copies.map(({ path }) => path.slice(folder.length + 1)).toSorted();
const old = new Date('2020-01-01');

describe('copies in a tree', () => {
  it('are the changed files, links, and what Python compiled of them', () => {
    const tree = testFolder();
    write(tree, { 'a.py': '1', '__pycache__/a.cpython-311.pyc': 'x', '__pycache__/ab.cpython-311.pyc': 'x', other: '1' });
    symlinkSync('other', join(tree, 'link'));
    const prefix = testFolder();
    write(prefix, { [`${tree.slice(1)}/a.cpython-312.pyc`]: 'x' });
    const found = copiesInTree(tree, ['a.py', 'link', 'missing'], { PYTHONPYCACHEPREFIX: prefix });
    expect(found.map(({ path, of }) => [path.replace(tree, 'TREE').replace(prefix, 'PREFIX'), of])).toEqual([
      ['TREE/a.py', 'a.py'],
      ['TREE/__pycache__/a.cpython-311.pyc', 'a.py'],
      ['PREFIXTREE/a.cpython-312.pyc', 'a.py'],
      ['TREE/link', 'link'],
    ]);
  });
});

describe('products in a tree', () => {
  const tree = (): string => {
    const folder = testFolder();
    write(folder, {
      'src/a.c': 'int a;',
      'src/b.ts': 'b',
      'build/liba.so': 'x',
      'build/sub/a.o': 'x',
      'build/notes.txt': 'x',
      'build/bundle.js': 'x',
      'old/libold.so': 'x',
      'venv/pyvenv.cfg': '',
      'venv/lib/x.so': 'x',
      'node_modules/y/z.node': 'x',
    });
    utimesSync(join(folder, 'old/libold.so'), old, old);
    return folder;
  };
  const ignored = ['build/', 'old/', 'venv/', 'node_modules/'];

  it('were compiled after a changed source of their kind, and not installed', () => {
    const folder = tree();
    expect(below(folder, productsInTree(folder, ['src/a.c'], ignored))).toEqual(['build/liba.so', 'build/sub/a.o']);
    expect(below(folder, productsInTree(folder, ['src/b.ts'], ignored))).toEqual(['build/bundle.js']);
    expect(productsInTree(folder, ['README.md', 'bench.py'], ignored)).toEqual([]);
  });
});

describe('installed copies', () => {
  it('are equal to the tree’s own version at the end of their path, or compiled in a package that came from the tree', () => {
    const [tree, other, packages] = [testFolder(), testFolder(), testFolder()];
    write(tree, { 'src/tables/__init__.py': 'SIZE = 900', 'native/a.c': 'a', 'same.py': '1' });
    write(other, { 'src/tables/__init__.py': 'SIZE = 100', 'native/a.c': 'b', 'same.py': '1' });
    write(packages, {
      'tables/__init__.py': 'SIZE = 900',
      'elsewhere/__init__.py': 'SIZE = 900',
      'same.py': '1',
      'fast/core.so': 'x',
      'fast-1.dist-info/direct_url.json': JSON.stringify({ url: `file://${tree}/native` }),
      'fast-1.dist-info/RECORD': 'fast/core.so,sha256=x,1\nfast/__init__.py,,\n',
      'strange-1.dist-info/direct_url.json': 'no JSON',
    });
    const changed = ['src/tables/__init__.py', 'native/a.c', 'same.py'];
    expect(below(packages, installedCopies([packages], tree, changed, other, {}))).toEqual(['fast/core.so', 'tables/__init__.py']);
    expect(installedCopies([packages], other, changed, tree, {})).toEqual([]);
  });

  it('are looked for where a command and its environment may load from', () => {
    const folder = testFolder();
    write(folder, {
      'venv/bin/python': '',
      'venv/lib/python3.11/site-packages/x.py': '',
      'node_modules/@scope/p/i.js': '',
      'lib/x.py': '',
    });
    const found = packageFolders([`sh -c '${folder}/venv/bin/python bench.py'`], join(folder, 'sub'), { PYTHONPATH: '../lib' });
    for (const each of ['venv/lib/python3.11/site-packages', 'node_modules', 'node_modules/@scope', 'lib'])
      expect(found).toContain(join(folder, each));
  });

  it('are looked for past what leads nowhere on the search path', () => {
    const folder = testFolder();
    write(folder, { file: '', 'venv/bin/python': '', 'venv/lib/python3.11/site-packages/x.py': '' });
    symlinkSync('python', join(folder, 'python'));
    const searchPath = [folder, join(folder, 'file'), join(folder, 'venv/bin')].join(':');
    expect(packageFolders(['python bench.py'], folder, { PATH: searchPath })).toContain(join(folder, 'venv/lib/python3.11/site-packages'));
  });
});

describe('a watch', () => {
  it('tells what was read, by content and by link, again and again', async () => {
    const folder = testFolder();
    write(folder, { a: '1', b: '2', empty: '' });
    symlinkSync('b', join(folder, 'link'));
    const paths = ['a', 'b', 'empty', 'link'].map((name) => join(folder, name));
    const { readFileSync, statSync } = await import('node:fs');
    for (let round = 0; round < 2; round++) {
      const watch = await watchReads(paths, { PATH: process.env['PATH'] ?? '' });
      if (watch === null) return;
      for (const path of paths) statSync(path);
      expect(watch.read().filter((path) => !path.endsWith('link'))).toEqual([]);
      readFileSync(join(folder, 'a'));
      expect(watch.read()).toContain(join(folder, 'a'));
      expect(watch.read()).not.toContain(join(folder, 'b'));
    }
  });

  it('is none where nothing can be set', async () => {
    expect(await watchReads([join(testFolder(), 'x')], { PATH: '/nowhere' })).toBeNull();
  });
});
