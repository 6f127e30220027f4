import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isOneFileSystem, treePlace } from '../../src/building/tree-place.ts';
import { testFolder } from '../testkit/folder.ts';

const memory = '/dev/shm';
const isApart = existsSync(memory) && statSync(memory).dev !== statSync(tmpdir()).dev;

describe('the place of base', () => {
  it('is the folder for temporary files in the file system of the checkout', () => {
    const [checkout, temporary] = [join(testFolder(), 'checkout'), testFolder()];
    mkdirSync(checkout);
    expect(treePlace(checkout, temporary)).toBe(temporary);
    expect(isOneFileSystem(checkout, temporary)).toBe(true);
  });

  it.skipIf(!isApart)('is beside the checkout where temporary files lie in another file system, unless that is one, too', () => {
    const around = mkdtempSync(join(memory, 'place-'));
    onTestFinished(() => rmSync(around, { recursive: true }));
    const [checkout, temporary] = [join(around, 'checkout'), testFolder()];
    mkdirSync(checkout);
    expect(treePlace(checkout, temporary)).toBe(around);
    expect(isOneFileSystem(checkout, treePlace(checkout, temporary))).toBe(true);
    expect(treePlace(memory, temporary)).toBe(temporary);
    expect(isOneFileSystem(memory, temporary)).toBe(false);
  });
});
