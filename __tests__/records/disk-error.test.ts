import { describe, expect, it } from 'vitest';
import { asGateError, GateError } from '../../src/errors.ts';
import { asDiskError, saysDiskFull, type WrittenPlace } from '../../src/records/disk-error.ts';

const thrown = (code: string): Error => Object.assign(new Error(`${code}: write`), { code, path: '/x/file' });
const places: readonly (readonly [WrittenPlace['noun'], string, string])[] = [
  ['store', 'store-unwritable', 'input `store` (`--store`)'],
  ['run folder', 'folder-unwritable', 'input `run-dir` (`--run-dir`)'],
  ['folder for temporary files', 'folder-unwritable', 'variable TMPDIR'],
];

describe('what a file system refuses', () => {
  it.each(places)('in the %s is named, with the path and what moves it', (noun, unwritable, moves) => {
    for (const code of ['ENOSPC', 'EDQUOT'])
      expect(asDiskError(thrown(code), { path: '/x', noun })).toMatchObject({ code: 'disk-full', where: '/x', exitCode: 3 });
    for (const code of ['EROFS', 'EACCES', 'EPERM']) {
      const error = asDiskError(thrown(code), { path: '/x', noun });
      expect(error).toMatchObject({ code: unwritable, where: '/x', exitCode: 3 });
      expect(error?.message).toContain(code);
      expect(error?.message).toContain(moves);
    }
    expect(asDiskError(thrown('ENOENT'), { path: '/x', noun })).toBeNull();
    expect(asDiskError('nothing', { path: '/x', noun })).toBeNull();
  });

  it('is disk-full wherever it shows, and never a defect of the gate', () => {
    expect(asGateError(thrown('ENOSPC'))).toMatchObject({ code: 'disk-full', message: expect.stringContaining('/x/file') });
    expect(asGateError(thrown('EDQUOT'), 'launch-crashed').code).toBe('disk-full');
    expect(asGateError(thrown('EIO')).code).toBe('internal');
    const own = new GateError('build-failed', 'x');
    expect(asGateError(own)).toBe(own);
  });

  it('is heard in what a program says last', () => {
    expect(saysDiskFull('OSError: [Errno 28] No space left on device')).toBe(true);
    expect(saysDiskFull("Error: ENOSPC: no space left on device, write '/x'")).toBe(true);
    expect(saysDiskFull('RuntimeError: no space between tokens')).toBe(false);
  });
});
