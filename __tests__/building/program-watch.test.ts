import { appendFileSync, cpSync, linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { watchReads } from '../../src/building/leak/read-watch.ts';
import { needsSearchPath, watchProgram } from '../../src/building/program-watch.ts';
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

describe.skipIf(process.platform !== 'linux')('a hard link to a file of a model', () => {
  it('is covered like the file: a look at its reads would change the file too', async () => {
    const folder = testFolder();
    const [gate, model, cache] = [join(folder, 'gate'), join(folder, 'models/own'), join(folder, 'cache')];
    for (const each of [gate, cache]) mkdirSync(each);
    writeFileSync(join(gate, 'worker.js'), '');
    writeFileSync(join(gate, 'package.json'), '{}');
    cpSync(join(import.meta.dirname, '../../models/mini-qwen3-dense'), model, { recursive: true });
    const [linked, copied] = [join(cache, 'linked'), join(cache, 'copied')];
    linkSync(join(model, 'config.json'), linked);
    cpSync(join(model, 'config.json'), copied);
    const context = {
      ...contextWith('/absent', false),
      packageRoot: gate,
      worker: join(gate, 'worker.js'),
      root: folder,
      storeRoot: join(folder, 'store'),
    };
    const watch = await watchProgram(context, null, [model]);
    const touchable = [linked, copied, join(model, 'config.json')].filter((path) => !watch.covers(path));
    expect(touchable).toEqual([copied]);
    await watchReads(touchable, { PATH: '/usr/bin:/bin' });
    watch.requireUnmodified();
    const anew = join(model, 'anew');
    cpSync(join(model, 'config.json'), anew);
    renameSync(anew, join(model, 'config.json'));
    await watch.settle();
    expect([linked, join(model, 'config.json')].filter((path) => watch.covers(path))).toEqual([join(model, 'config.json')]);
    rmSync(linked);
    linkSync(join(model, 'config.json'), linked);
    await watch.settle();
    appendFileSync(linked, ' ');
    expect(() => watch.requireUnmodified()).toThrow('Something wrote to');
  });
});
