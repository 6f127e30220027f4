import { describe, expect, it } from 'vitest';
import { saidBy } from '../../src/commands/said.ts';

const said = (stderr: string, stdout = ''): string => saidBy({ stdout: Buffer.from(stdout), stderr });

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

  it('is bounded', () => {
    expect(said('x'.repeat(1e5), 'y'.repeat(1e5))).toHaveLength(6000);
  });
});
