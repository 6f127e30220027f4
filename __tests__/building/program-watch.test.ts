import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { needsSearchPath } from '../../src/building/program-watch.ts';
import { type CommandContext, workerProgram } from '../../src/run/context.ts';
import { testFolder } from '../testkit/folder.ts';

const libraries = join(import.meta.dirname, '../../node_modules/onnxruntime-node/bin/napi-v6/linux', process.arch);
const runtime = { folder: '', libraries };

const contextWith = (folder: string, searchesLibraries: boolean): CommandContext =>
  ({
    host: { subjectEnvironment: { PATH: '/bin', LD_LIBRARY_PATH: `/absent;${folder}` } },
    searchesLibraries,
    packageRoot: '/gate',
    ortPath: null,
    worker: '/gate/worker.js',
    root: '/work',
  }) as unknown as CommandContext;

describe.skipIf(process.platform !== 'linux')('the folders of LD_LIBRARY_PATH', () => {
  it('are needed where a library of Node or the runtime lies there, or an accelerator measures', () => {
    const folder = testFolder();
    const context = contextWith(folder, true);
    writeFileSync(join(folder, 'libmine.so'), '');
    expect(needsSearchPath(context, runtime, 'cpu')).toBe(false);
    expect(needsSearchPath(context, runtime, 'cuda')).toBe(true);
    cpSync(join(folder, 'libmine.so'), join(folder, 'librt.so.1'));
    expect(needsSearchPath(context, runtime, 'cpu')).toBe(true);
  });

  it('are told to worker processes only then', () => {
    expect(workerProgram(contextWith('/made', true)).environment['LD_LIBRARY_PATH']).toBe('/absent;/made');
    expect(workerProgram(contextWith('/made', false)).environment).toEqual({ PATH: '/bin', ORT_PATH: '/gate' });
  });
});
