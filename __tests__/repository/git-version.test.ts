import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { isTooOld } from '../../src/repository/git-version.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { environment, removeRoot, root, ScratchRepository } from './scratch-repository.ts';

afterAll(removeRoot);

it.each([
  ['2.30.0', false],
  ['2.30', false],
  ['2.39.5 (Apple Git-154)', false],
  ['2.46.0.windows.1', false],
  ['3.0.rc1', false],
  ['2.29.3', true],
  ['1.8.3.1', true],
  ['2.9.5', true],
  ['unknown', true],
])('git %s is too old: %s', (version, tooOld) => {
  expect(isTooOld(version)).toBe(tooOld);
});

it('a git that is too old is refused before anything is asked of it, by the names of both releases', async () => {
  const folder = mkdtempSync(join(root, 'bin-'));
  writeFileSync(join(folder, 'git'), '#!/bin/sh\necho git version 2.25.1\n');
  chmodSync(join(folder, 'git'), 0o755);
  const scratch = ScratchRepository.create();
  await expect(openRepository(scratch.folder, { environment: { ...environment, PATH: folder } })).rejects.toMatchObject({
    code: 'git-too-old',
    message: 'The release of git was asked for. Expected 2.30 or newer, got "git version 2.25.1".',
  });
});
