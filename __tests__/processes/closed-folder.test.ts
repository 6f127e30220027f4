import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { removeClosedFolder } from '../../src/processes/closed-folder.ts';
import { testFolder } from '../testkit/folder.ts';

it.each<readonly [string, (folder: string) => void]>([
  [
    'whose rights were taken away',
    (folder) => {
      mkdirSync(join(folder, 'a/b'), { recursive: true });
      writeFileSync(join(folder, 'a/b/c'), '');
      for (const path of ['a/b', 'a']) chmodSync(join(folder, path), 0);
    },
  ],
  [
    'that is deeper than a path can say',
    (folder) => {
      const nest = "for (let i = 0; i < 40; i++) { fs.mkdirSync('d'.repeat(200)); process.chdir('d'.repeat(200)); }";
      execFileSync(process.execPath, ['-e', nest], { cwd: folder });
    },
  ],
  ['that is not there', (folder) => spawnSync('rmdir', [folder])],
])('removes a folder %s', async (_, make) => {
  const folder = join(testFolder(), 'folder');
  mkdirSync(folder);
  make(folder);
  await removeClosedFolder(folder);
  expect(existsSync(folder)).toBe(false);
});
