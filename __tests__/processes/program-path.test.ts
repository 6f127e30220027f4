import { symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, it } from 'vitest';
import { findProgram } from '../../src/processes/program-path.ts';
import { testFolder } from '../testkit/folder.ts';

it('passes over folders of the search path that cannot be looked into', () => {
  const folder = testFolder();
  // To root nothing else is closed.
  const closed = join(folder, 'circle');
  symlinkSync(closed, closed);
  expect(findProgram('sh', folder, [closed, '/bin'].join(delimiter))).toBe('/bin/sh');
  expect(() => findProgram('sh', folder, closed)).toThrow('spawn sh ENOENT');
});
