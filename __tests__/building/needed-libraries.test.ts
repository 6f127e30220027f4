import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { neededLibraries } from '../../src/building/needed-libraries.ts';
import { testFolder } from '../testkit/folder.ts';

const runtime = join(import.meta.dirname, '../../node_modules/onnxruntime-node/bin/napi-v6/linux', process.arch, 'libonnxruntime.so.1');

describe('the libraries that a file is linked with', () => {
  it.skipIf(process.platform !== 'linux')('are those that it names, also where Node does not load them itself', () => {
    expect(neededLibraries(runtime)).toEqual(expect.arrayContaining(['libc.so.6', 'libm.so.6', 'librt.so.1']));
    expect(neededLibraries(process.execPath)).toContain('libc.so.6');
  });

  it('are none where it is another file, or damaged, or absent', () => {
    const folder = testFolder();
    const damaged = join(folder, 'damaged.so');
    writeFileSync(damaged, Buffer.concat([Buffer.from('\x7fELF\x02\x01', 'latin1'), Buffer.alloc(300, 0xff)]));
    expect([damaged, import.meta.filename, join(folder, 'absent.so')].map(neededLibraries)).toEqual([[], [], []]);
  });
});
