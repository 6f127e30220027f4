import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { clearScratch, newScratchPlace, openScratch } from '../../src/store/scratch.ts';
import { testFolder } from '../testkit/folder.ts';

const key = 'a'.repeat(64);
const secret = '5'.repeat(64);
const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 31) % 251);
const fileOf = (root: string): string => join(root, 'scratch', key, 'part-0.bin');

describe('scratch', () => {
  test('gives back what was written, to any later opening, and nothing of other keys or parts', async () => {
    const root = testFolder();
    await openScratch({ root, secret }, key).write('part-0', bytes);
    const known = await openScratch({ root, secret }, key).read('part-0', 1000);
    expect(known).toEqual(bytes);
    expect(known?.byteOffset).toBe(0);
    expect(await openScratch({ root, secret }, key).read('part-1', 1000)).toBeNull();
    expect(await openScratch({ root, secret }, 'b'.repeat(64)).read('part-0', 1000)).toBeNull();
    expect(readdirSync(join(root, 'scratch', key))).toEqual(['part-0.bin']);
  });

  test('does not read what is damaged, cut, longer, or a link', async () => {
    const root = testFolder();
    const scratch = openScratch({ root, secret }, key);
    const damage: readonly ((path: string) => void)[] = [
      (path) => {
        const whole = readFileSync(path);
        whole[500] = (whole[500] ?? 0) ^ 1;
        writeFileSync(path, whole);
      },
      (path) => truncateSync(path, 700),
      (path) => truncateSync(path, 0),
      (path) => writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(1)])),
    ];
    for (const spoil of damage) {
      await scratch.write('part-0', bytes);
      expect(await scratch.read('part-0', 1000)).toEqual(bytes);
      spoil(fileOf(root));
      expect(await scratch.read('part-0', 1000)).toBeNull();
    }
    await scratch.write('part-0', bytes);
    expect(await scratch.read('part-0', 999)).toBeNull();
    symlinkSync(fileOf(root), join(root, 'scratch', key, 'part-2.bin'));
    expect(await scratch.read('part-2', 1000)).toBeNull();
  });

  test('does not read what somebody without the secret wrote', async () => {
    const root = testFolder();
    await openScratch({ root, secret: '6'.repeat(64) }, key).write('part-0', bytes);
    expect(await openScratch({ root, secret }, key).read('part-0', 1000)).toBeNull();
    await openScratch({ root, secret }, key).write('part-0', bytes);
    copyFileSync(fileOf(root), join(root, 'scratch', key, 'part-1.bin'));
    expect(await openScratch({ root, secret }, key).read('part-1', 1000)).toBeNull();
    expect(newScratchPlace(root).secret).not.toBe(newScratchPlace(root).secret);
  });

  test('writers side by side leave one whole value', async () => {
    const root = testFolder();
    const other = bytes.map((value) => 255 - value);
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => openScratch({ root, secret }, key).write('part-0', i % 2 === 0 ? bytes : other)),
    );
    const known = await openScratch({ root, secret }, key).read('part-0', 1000);
    expect([bytes, other]).toContainEqual(known);
    expect(readdirSync(join(root, 'scratch', key))).toEqual(['part-0.bin']);
  });

  test('that cannot be written is not kept, and clearing removes all of it', async () => {
    const root = testFolder();
    mkdirSync(join(root, 'scratch'));
    writeFileSync(join(root, 'scratch', key), 'a file where the folder would be');
    await openScratch({ root, secret }, key).write('part-0', bytes);
    expect(await openScratch({ root, secret }, key).read('part-0', 1000)).toBeNull();
    await clearScratch(root);
    expect(existsSync(join(root, 'scratch'))).toBe(false);
    await clearScratch(root);
  });

  test('takes no name that leads elsewhere', async () => {
    expect(() => openScratch({ root: testFolder(), secret }, '../elsewhere')).toThrow();
    const scratch = openScratch({ root: testFolder(), secret }, key);
    await expect(scratch.write('../elsewhere', bytes)).rejects.toThrow();
    await expect(scratch.read('../elsewhere', 1000)).rejects.toThrow();
  });
});
