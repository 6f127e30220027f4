import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isTooOld, oldestGit } from '../../src/repository/git-version.ts';
import { gitCommands } from './git-commands.ts';

const folder = join(import.meta.dirname, '..', '..', 'src', 'repository');

/** Source text without comments, so that prose is no argument. */
const codeOf = (file: string): string =>
  readFileSync(join(folder, file), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');

/** The string literals of a piece of code, templates with their names left out. */
const literals = (code: string): readonly string[] =>
  [...code.matchAll(/'([^'\n]*)'|`([^`]*)`/g)].map(([, plain, template]) => plain ?? template ?? '');
const optionOf = (literal: string): string | null => /^(--?[A-Za-z][\w-]*)(?==|$)/.exec(literal)?.[1] ?? null;

interface Use {
  readonly file: string;
  /** Null where the list does not begin with a command: part of another list. */
  readonly command: string | null;
  readonly option: string | null;
}

const names = new Set(Object.keys(gitCommands).flatMap((command) => command.split(' ')));

/** Each list of arguments in the sources, by its command. */
const usesIn = (file: string, code: string): readonly Use[] => {
  const listed = [...code.matchAll(/\[([^[\]]*)\]/g)].flatMap(([, list = '']): readonly Use[] => {
    const all = literals(list);
    const words = all.filter((literal) => /^[a-z]+(-[a-z]+)*$/.test(literal));
    const options = all.flatMap((literal) => optionOf(literal) ?? []);
    const [first = '', second = ''] = words;
    const isCommand = options.length > 0 && /^\s*(\.\.\.\w+,\s*)?'[a-z]/.test(list);
    const whole = first === 'worktree' ? `${first} ${second}` : file === 'worktree.ts' ? `worktree ${first}` : first;
    return options.map((option) => ({ file, command: isCommand ? whole : null, option }));
  });
  const started = [...code.matchAll(/\.(?:run|read|line)\(\s*\[\s*'([a-z-]+)'/g)].map(([, command = '']) => ({
    file,
    command,
    option: null,
  }));
  const loose = literals(code).flatMap((literal) => {
    const option = optionOf(literal);
    return option === null || option === '-' ? [] : [{ file, command: null, option }];
  });
  return [...listed, ...started, ...loose];
};

const uses = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) => usesIn(file, codeOf(file)));

const known = (use: Use): boolean => {
  const { command, option } = use;
  if (command === null) return Object.values(gitCommands).some((options) => option !== null && option in options);
  if (option === null) return names.has(command);
  return gitCommands[command]?.[option] !== undefined;
};

it('the gate asks git for nothing that is not in the table', () => {
  expect(uses.filter((use) => !known(use))).toEqual([]);
  expect(uses.length).toBeGreaterThan(100);
});

it('tells what is not in it', () => {
  const added = (code: string) => usesIn('one.ts', code).filter((use) => !known(use)).length;
  expect(added(`git.read(['ls-tree', '-r', '-z', commit])`)).toBe(0);
  expect(added(`git.read(['ls-tree', '--format=%(path)', commit])`)).toBeGreaterThan(0);
  expect(added(`git.line(['rev-parse', '--path-format=absolute', '--git-path', name])`)).toBeGreaterThan(0);
  expect(added(`git.run(['switch', name])`)).toBeGreaterThan(0);
  expect(added(`git.run(['worktree', 'list', '--porcelain', '-z'])`)).toBeGreaterThan(0);
  expect(added(`const more = ['--filter=blob:none'];`)).toBeGreaterThan(0);
});

it('nothing in the table is newer than the oldest release that the gate takes, and all of it is used', () => {
  const entries = Object.entries(gitCommands).flatMap(([command, options]) =>
    Object.entries(options).map(([option, since]) => ({ command, option, since })),
  );
  const [major = 0, minor = 0] = oldestGit.split('.').map(Number);
  const newer = entries.filter(({ since }) => {
    const [a = 0, b = 0] = since.split('.').map(Number);
    return a > major || (a === major && b > minor);
  });
  expect(newer).toEqual([]);
  expect(isTooOld(oldestGit)).toBe(false);
  const options = new Set(uses.map(({ option }) => option));
  expect(entries.filter(({ option }) => !options.has(option))).toEqual([]);
});
