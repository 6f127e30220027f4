import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { entryAt, fileBehind, textBehind } from '../../src/repository/on-disk.ts';
import { testFolder } from '../testkit/folder.ts';

it('looks at what is there, and takes what cannot be reached for nothing', () => {
  const folder = testFolder();
  mkdirSync(join(folder, 'folder'));
  writeFileSync(join(folder, 'file'), 'text');
  for (const [target, name] of [
    ['file', 'link'],
    ['nowhere', 'dangling'],
    ['ring', 'ring'],
  ] as const)
    symlinkSync(target, join(folder, name));
  const seen = (name: string): unknown => {
    const path = join(folder, name);
    const entry = entryAt(path);
    const kind = entry?.isSymbolicLink() ? 'link' : entry?.isDirectory() ? 'folder' : entry?.isFile() ? 'file' : null;
    return [kind, fileBehind(path)?.size ?? null, textBehind(path)];
  };
  expect(seen('file')).toEqual(['file', 4, 'text']);
  expect(seen('link')).toEqual(['link', 4, 'text']);
  expect(seen('folder')).toEqual(['folder', null, null]);
  expect(seen('dangling')).toEqual(['link', null, null]);
  expect(seen('ring')).toEqual(['link', null, null]);
  for (const name of ['nothing', 'file/below', 'ring/below']) expect(seen(name)).toEqual([null, null, null]);
});
