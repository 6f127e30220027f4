import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root, textOf } from './documentation.ts';

const section = (title: string): string =>
  new RegExp(`^## ${title}\\n([\\s\\S]*?)(?=^## |$(?![\\s\\S]))`, 'm').exec(textOf('docs/security.md'))?.[1] ?? '';
const rows = (text: string): readonly (readonly string[])[] =>
  text.split('\n').flatMap((line) =>
    /^\| (it|the pull request|another workflow) /.test(line)
      ? [
          line
            .slice(1, -1)
            .split('|')
            .map((cell) => cell.trim()),
        ]
      : [],
  );

it('names for each attack that is prevented what prevents it, and a test that is there', () => {
  const prevented = rows(section('What is prevented'));
  expect(prevented.length).toBeGreaterThan(10);
  for (const [attack, by, tests = '', ...rest] of prevented) {
    expect([attack, by, ...rest]).toEqual([expect.stringMatching(/./), expect.stringMatching(/./)]);
    const files = [...tests.matchAll(/`([^`]+\.test\.ts)`/g)].map((match) => match[1] ?? '');
    expect(files.length, attack).toBeGreaterThan(0);
    for (const file of files) expect(existsSync(join(root, '__tests__', file)), file).toBe(true);
  }
});

it('names for each attack that is not prevented the setting that would', () => {
  const open = rows(section('What is not prevented'));
  expect(open.length).toBeGreaterThan(5);
  for (const row of open) expect(row).toEqual([expect.stringMatching(/./), expect.stringMatching(/./)]);
});
