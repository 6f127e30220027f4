import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mayImport } from '../architecture/walls.ts';
import { pages, root, textOf } from './documentation.ts';

/** Rows of the table of folders: folder → folders that it may import. */
const tableOf = (page: string): ReadonlyMap<string, readonly string[]> =>
  new Map(
    [...page.matchAll(/^\| ((?:`[a-z/]+`(?:, )?)+) \| [^|]* \| ([^|]*) \|$/gm)].flatMap(([, folders = '', may = '']) =>
      [...folders.matchAll(/`(?:host\/)?([a-z]+)`/g)].map(
        ([, folder = '']) => [folder, may === 'nothing' ? [] : may.split(', ').toSorted()] as const,
      ),
    ),
  );

describe('the table of folders', () => {
  it('is what the walls let through', () => {
    const walls = Object.entries(mayImport).map(([folder, others]) => [folder, others.toSorted()] as const);
    expect(Object.fromEntries(tableOf(textOf('docs/architecture.md')))).toEqual(Object.fromEntries(walls));
  });

  it('would be seen to differ', () => {
    expect(tableOf('| `gate`, `host/local` | texts | records, gate |\n| `onnx` | graphs | nothing |\n')).toEqual(
      new Map([
        ['gate', ['gate', 'records']],
        ['local', ['gate', 'records']],
        ['onnx', []],
      ]),
    );
  });
});

/** Paths of this repository in code spans that are not there; a plain name right behind a path is one of the same folder. */
const absent = (text: string): readonly string[] => {
  let folder = '';
  let end = 0;
  return [...text.matchAll(/`([A-Za-z_.][\w./-]*)`/g)].flatMap(({ 0: span, 1: name = '', index }) => {
    // A name in capitals stands for any.
    const isPath = /^(src|scripts|__tests__)\/[\w./-]+$/.test(name) && !/\/[A-Z]+\b/.test(name);
    const follows = folder !== '' && /^[a-z-]+\.ts$/.test(name) && /^(,|,? and)\s+$/.test(text.slice(end, index));
    const path = isPath ? name : `${folder}${name}`;
    folder = isPath || follows ? path.slice(0, path.lastIndexOf('/') + 1) : '';
    end = index + span.length;
    return (isPath || follows) && !existsSync(join(root, path)) ? [path] : [];
  });
};

describe('files of the source', () => {
  it.each(pages())('that %s names are there', (page) => {
    expect(absent(textOf(page))).toEqual([]);
  });

  it('are seen to be missing', () => {
    expect(absent('`src/gate/looks.ts`, `judge.ts`, `control.ts` and `src/measurement/`')).toEqual([
      'src/gate/control.ts',
      'src/measurement/',
    ]);
  });
});
