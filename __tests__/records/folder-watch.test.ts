import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { movableAbove, watchFolders } from '../../src/records/folder-watch.ts';

const root = mkdtempSync(join(tmpdir(), 'folder-watch-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const made = (name: string): string => {
  const folder = join(root, name, 'above', 'program');
  mkdirSync(folder, { recursive: true });
  return folder;
};

describe('folders that are watched', () => {
  it('are told when they were moved away and back, with another in their place meanwhile', async () => {
    const folder = made('moved');
    const above = dirname(folder);
    expect(movableAbove(folder).slice(0, 2)).toEqual([above, dirname(above)]);
    const watch = watchFolders([folder, ...movableAbove(folder)]);
    expect(watch.moved()).toEqual([]);
    await new Promise((done) => setTimeout(done, 20));
    cpSync(above, `${above}.other`, { recursive: true });
    renameSync(above, `${above}.away`);
    renameSync(`${above}.other`, above);
    rmSync(above, { recursive: true });
    renameSync(`${above}.away`, above);
    expect(watch.moved()).toContain(above);
  });

  it('are not told when only something is written in them, or beside them', async () => {
    const folder = made('written');
    const watch = watchFolders([folder, dirname(folder)]);
    await new Promise((done) => setTimeout(done, 20));
    writeFileSync(join(folder, 'file'), '');
    expect(watch.moved()).toEqual([]);
    writeFileSync(join(root, 'written', 'beside'), '');
    expect(watch.moved()).toEqual([]);
  });

  it('can be moved by this user only where it may write around them', () => {
    expect(movableAbove('/')).toEqual([]);
    expect(movableAbove('/no/such/folder')).toEqual([]);
  });
});
