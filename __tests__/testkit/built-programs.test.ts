import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { filledOnce } from './built-programs.ts';
import { testFolder } from './folder.ts';

test('whoever asks first fills the folder, and the others wait for it', async () => {
  const folder = join(testFolder(), 'dist');
  let fills = 0;
  const fill = async (to: string): Promise<void> => {
    fills++;
    await sleep(100);
    expect(existsSync(folder)).toBe(false);
    writeFileSync(join(to, 'cli.js'), 'built');
  };
  const asked = await Promise.all([filledOnce(folder, fill), filledOnce(folder, fill), filledOnce(folder, fill)]);
  expect([...asked, await filledOnce(folder, fill)]).toEqual(Array(4).fill(folder));
  expect([fills, readFileSync(join(folder, 'cli.js'), 'utf8')]).toEqual([1, 'built']);
});

test('a failure reaches all who ask, in its own words', async () => {
  const folder = join(testFolder(), 'dist');
  const fill = async (): Promise<void> => {
    await sleep(100);
    throw new Error('a word is missing in src/cli.ts');
  };
  const asked = await Promise.allSettled([filledOnce(folder, fill), filledOnce(folder, fill)]);
  for (const each of asked)
    expect(each).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('a word is missing') } });
  await expect(filledOnce(folder, fill)).rejects.toThrow('a word is missing');
});

test('a folder that cannot be made is no reason to wait', async () => {
  await expect(filledOnce(join(testFolder(), 'gone', 'dist'), () => Promise.resolve())).rejects.toThrow('ENOENT');
});
