import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { globTest } from '../../src/repository/glob.ts';

describe('globTest', () => {
  it.each([
    ['optimize/**', ['optimize/a', 'optimize/b/c', 'optimize/.hidden'], ['optimized/a', 'a/optimize/b']],
    ['optimize', ['optimize/a', 'optimize/b/c', 'optimize'], ['optimize2', 'x/optimize']],
    ['optimize/', ['optimize/a'], ['x']],
    ['*.py', ['a.py', '.py', 'a b.py'], ['a/b.py', 'apy']],
    ['**/*.py', ['a.py', 'x/y/a.py'], ['a.pyc']],
    ['a/**/b', ['a/b', 'a/x/y/b', 'a/x/b/deep'], ['a/bb', 'x/a/b']],
    ['./src/?.ts', ['src/a.ts', 'src/ü.ts'], ['src/ab.ts']],
    ['[a-c][!x].js', ['ab.js'], ['dx.js', 'ax.js']],
    ['{a,b/{c,d}}/*.ts', ['a/x.ts', 'b/c/x.ts', 'b/d/x.ts'], ['b/x.ts', '{a/x.ts']],
    ['a\\*b', ['a*b'], ['axb']],
    ['**', ['a', 'a/b', '.x/y'], []],
  ])('%s', (pattern, yes, no) => {
    const test = globTest(pattern, 'inputs');
    for (const path of yes) expect([path, test(path)]).toEqual([path, true]);
    for (const path of no) expect([path, test(path)]).toEqual([path, false]);
  });

  it.each(['', '/', '/etc/*', '../x', 'a/../b', '!x', 'a[b', 'a\\', 'a//b', '{1,2}'.repeat(12)])('refuses %j', (pattern) => {
    expect(() => globTest(pattern, 'inputs')).toThrow(expect.objectContaining({ code: 'config-invalid', where: 'inputs' }));
  });

  it('takes patterns made to be slow in its stride', () => {
    expect(globTest(`${'*a'.repeat(60)}b`, 'x')('a'.repeat(2000))).toBe(false);
    expect(globTest(`${'**/a/'.repeat(40)}b`, 'x')(`${'a/'.repeat(400)}c`)).toBe(false);
  });

  it('matches any path by itself when its special characters are kept', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ minLength: 1 }).filter((name) => !/^\.\.?$|[/\0]/.test(name)),
          { minLength: 1, maxLength: 4 },
        ),
        (names) => {
          const pattern = names.map((name) => name.replace(/[\\*?[\]{},!]/g, '\\$&')).join('/');
          expect(globTest(pattern, 'x')(names.join('/'))).toBe(true);
          expect(globTest(pattern, 'x')(`z${names.join('/')}`)).toBe(false);
        },
      ),
    );
  });
});
