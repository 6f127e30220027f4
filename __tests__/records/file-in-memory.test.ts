import { existsSync, lstatSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { digestInMemory } from '../../src/records/file-in-memory.ts';

const digestOf = (path: string): string => digestInMemory(path, lstatSync(path, { bigint: true }));

it.skipIf(process.platform !== 'linux' || !existsSync('/dev/shm'))(
  'tells the bytes of files in memory, and leaves their access times',
  () => {
    const folder = mkdtempSync('/dev/shm/gate-test-');
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'file');
    writeFileSync(file, 'one');
    const [first, before] = [digestOf(file), lstatSync(file, { bigint: true }).atimeNs];
    expect(digestOf(file)).toBe(first);
    expect(lstatSync(file, { bigint: true }).atimeNs).toBe(before);
    writeFileSync(file, 'two');
    expect(digestOf(file)).not.toBe(first);
    symlinkSync('file', join(folder, 'link'));
    expect(digestOf(join(folder, 'link'))).toBe('');
    expect(digestOf(folder)).toBe('');
  },
);

it('tells nothing of a file on a disk', () => {
  expect(digestOf(import.meta.filename)).toBe('');
});
