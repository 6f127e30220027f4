import { chmodSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { continued, paragraph } from '../../src/init/comment.ts';
import { ownCommand, shellLine } from '../../src/init/next-steps.ts';
import { testFolder } from '../testkit/folder.ts';

describe('the command that starts the gate again', () => {
  const place = (packageRoot: string, repository: string, searchPath = '') =>
    ownCommand({ packageRoot, repository, root: join(repository, 'sub'), searchPath }).join(' ');

  it('is that of the place where the gate lies', () => {
    expect(place('/home/u/gate', '/home/u/gate')).toBe('npm run gate --');
    expect(place('/home/u/work/node_modules/optimization-gate', '/home/u/work')).toBe('npx optimization-gate');
    expect(place('/home/u/node_modules/optimization-gate', '/home/u/work')).toBe('npx optimization-gate');
    expect(place('/home/u/other/node_modules/optimization-gate', '/home/u/work')).toBe(
      'node /home/u/other/node_modules/optimization-gate/dist/cli.js',
    );
  });

  it('is the name alone where the search path leads to it', () => {
    const folder = realpathSync(testFolder());
    const packageRoot = join(folder, 'lib', 'node_modules', 'optimization-gate');
    mkdirSync(join(packageRoot, 'dist'), { recursive: true });
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(packageRoot, 'dist', 'cli.js'), '');
    chmodSync(join(packageRoot, 'dist', 'cli.js'), 0o755);
    symlinkSync(join(packageRoot, 'dist', 'cli.js'), join(folder, 'bin', 'optimization-gate'));
    expect(place(packageRoot, '/home/u/work', `/nowhere:${join(folder, 'bin')}`)).toBe('optimization-gate');
  });
});

describe('lines', () => {
  it('of a command are quoted where a shell needs it, and broken outside of quotes', () => {
    const line = shellLine(['git', 'add', "it's here", ...Array.from({ length: 6 }, (_, at) => `folder/of/a/long/name-${at}.yml`)]);
    expect(continued(line, '  ')).toEqual([
      "  git add 'it'\\''s here' folder/of/a/long/name-0.yml \\",
      '    folder/of/a/long/name-1.yml folder/of/a/long/name-2.yml \\',
      '    folder/of/a/long/name-3.yml folder/of/a/long/name-4.yml \\',
      '    folder/of/a/long/name-5.yml',
    ]);
  });

  it('of a comment have at most 80 columns, and keep code together', () => {
    const lines = paragraph(`${'word '.repeat(14)}ends \`round N\` here.`, '  # ');
    expect(lines.map((line) => line.length).filter((length) => length > 80)).toEqual([]);
    expect(lines.join('\n')).toContain('`round N`');
  });
});
