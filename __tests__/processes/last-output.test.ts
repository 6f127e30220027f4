import { describe, expect, it } from 'vitest';
import { telling } from '../../src/processes/last-output.ts';

const said = (stderr: string, stdout = ''): string => telling({ stdout: Buffer.from(stdout), stderr });

describe('saidBy', () => {
  it('puts the error of a traceback first and keeps all of it', () => {
    const traceback =
      'Traceback (most recent call last):\n  File "prune.py", line 15\n    import onnx\nModuleNotFoundError: No module named \'onnx\'\n';
    expect(said(traceback)).toBe(`ModuleNotFoundError: No module named 'onnx'\n${traceback.trim()}`);
  });

  it('finds the error above the stack of a JavaScript program', () => {
    expect(said('file.mjs:3\n  throw x;\n\nTypeError: x is not a function\n    at f (file.mjs:3)\n\nNode.js v24\n')).toMatch(
      /^TypeError: x is not/,
    );
  });

  it('leaves everything else as it was printed', () => {
    expect(said('the ratio is silly\nerrors are shown above\n', 'hello\n')).toBe('hello\nthe ratio is silly\nerrors are shown above');
    expect(said('Error: first')).toBe('Error: first');
    expect(said('')).toBe('');
  });

  it('finds an error that long output behind it has pushed away', () => {
    expect(said(`ValueError: ratio must be below 1\n${'usage: prune.py\n'.repeat(1000)}`)).toMatch(/^ValueError: ratio must be below 1\n/);
  });

  it.each([
    "thread 'main' panicked at src/main.rs:2:5: no model",
    'panic: runtime error: index out of range',
    'error[E0425]: cannot find value `ratio` in this scope',
    'fatal: not a git repository',
    'java.lang.IllegalStateException: no model',
  ])('finds the error of other languages: %s', (line) => {
    expect(said(`loading\n${line}\nnote: run it again to see more\n`)).toMatch(new RegExp(`^${line.replaceAll(/[[\]()]/g, '\\$&')}\n`));
  });

  it('puts the last line first where there is much output and no error in it', () => {
    const lines = 'step done\n'.repeat(100);
    expect(said(`${lines}no room for the index\n`)).toBe(`no room for the index\n${lines}no room for the index`);
    expect(said('step done\nno room for the index\n')).toBe('step done\nno room for the index');
  });

  it('is bounded', () => {
    expect(said('x'.repeat(1e5), 'y'.repeat(1e5))).toHaveLength(8001);
  });
});
