import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { locateRuntime, runtimeRoots } from '../../src/runtime/library.ts';
import { describeRuntime } from '../../src/runtime/runtime-spec.ts';
import { openSession } from '../../src/runtime/session.ts';
import { testFolder } from '../testkit/folder.ts';
import { builtTiny, fileIn, roots, runtime, settings } from './tiny-model.ts';

const failure = async (action: () => unknown): Promise<GateError | null> => {
  try {
    await action();
    return null;
  } catch (thrown) {
    if (thrown instanceof GateError) return thrown;
    throw thrown;
  }
};

describe('locateRuntime', () => {
  test('an explicit root is the only one looked at', () => {
    expect(runtimeRoots('/opt/ort', '/work')).toEqual(['/opt/ort']);
    expect(runtimeRoots(null, '/work')[0]).toBe('/work');
    expect(runtimeRoots('', '/work')[0]).toBe('/work');
  });

  test('finds the package beside the project, and from its own folder', () => {
    const found = locateRuntime(roots);
    expect(found.version).toMatch(/^1\./);
    expect(locateRuntime([found.folder])).toEqual(found);
    expect(locateRuntime([testFolder(), ...roots])).toEqual(found);
  });

  test('says what each root held', async () => {
    const [empty, old] = [testFolder(), testFolder()];
    const folder = join(old, 'node_modules', 'onnxruntime-node');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"name":"onnxruntime-node","version":"1.17.0"}');
    const error = await failure(() => locateRuntime([empty, old]));
    expect(error?.code).toBe('runtime-not-found');
    expect(error?.message).toContain('1.17.0');
    expect(error?.message).toContain(empty);
    writeFileSync(join(folder, 'package.json'), '{"name":"onnxruntime-node","version":"1.30.0"}');
    expect((await failure(() => locateRuntime([old])))?.message).toContain('without libraries');
  });
});

describe('describeRuntime', () => {
  test('the digest covers settings and variables, and is the same twice', async () => {
    const location = locateRuntime(roots);
    const spec = await describeRuntime(location, settings);
    expect(spec).toMatchObject({ ort: location.version, provider: 'cpu', threads: 1 });
    expect(await describeRuntime(location, settings)).toEqual(spec);
    expect((await describeRuntime(location, { ...settings, threads: 2 })).digest).not.toBe(spec.digest);
    const selected = await Promise.all(['0', '1'].map((device) => describeRuntime(location, settings, { CUDA_VISIBLE_DEVICES: device })));
    expect(new Set([spec, ...selected].map(({ digest }) => digest)).size).toBe(3);
    expect(JSON.stringify(spec)).not.toContain(location.folder);
  });
});

describe('openSession', () => {
  test.each([
    [{ ...settings, provider: 'cuda9' }, 'provider-unavailable'],
    [{ ...settings, provider: 'CPU' }, 'provider-unavailable'],
    [{ ...settings, threads: 0 }, 'option-invalid'],
    [{ ...settings, threads: 1.5 }, 'option-invalid'],
  ])('refuses %o', async (wrong, code) => {
    const built = builtTiny('qwen3');
    const ready = await runtime();
    expect((await failure(() => openSession(ready, fileIn(built, 'model.onnx'), wrong)))?.code).toBe(code);
  });

  test('a graph that is no graph, and one whose data is missing', async () => {
    const ready = await runtime();
    const path = join(testFolder(), 'x.onnx');
    writeFileSync(path, 'no graph');
    const error = await failure(() => openSession(ready, path, settings));
    expect(error?.code).toBe('session-failed');
    expect(error?.where).toBe('x.onnx');
    expect(error?.message).not.toContain(path);
  });
});
