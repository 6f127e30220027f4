import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { takeLock } from '../../src/records/lock-file.ts';
import { defaultStoreRoot, openStore, type Store } from '../../src/store/store.ts';

const root = mkdtempSync(join(tmpdir(), 'store-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const source = join(import.meta.dirname, '../../src');
const clock = (): number => Date.now();
const fresh = (): string => mkdtempSync(join(root, 's-'));
const open = (folder: string): Promise<Store> => openStore(folder, { clock, waitSeconds: 20, staleSeconds: 0.5 });
const digest = (letter: string): string => letter.repeat(64);
const coded = (code: string, message = ''): unknown => expect.objectContaining({ code, message: expect.stringContaining(message) });

const add = async (store: Store, letter: string, content = 'x', about: string | null = null): Promise<string> => {
  const staging = await store.staging();
  mkdirSync(join(staging, 'sub'));
  writeFileSync(join(staging, 'model.onnx'), content);
  writeFileSync(join(staging, 'sub/weights.bin'), 'w');
  return store.addArtefact(staging, digest(letter), about);
};

/** Runs a module in a process of its own; resolves with its output however it ends. */
const run = (script: string): Promise<string> =>
  new Promise((resolve) => {
    const prelude = `import { openStore } from ${JSON.stringify(join(source, 'store/store.ts'))}; import { takeLock } from ${JSON.stringify(join(source, 'records/lock-file.ts'))};
      import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'; const clock = () => Date.now();`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', prelude + script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.on('close', () => resolve(output));
  });

describe('artefacts', () => {
  it('are complete, read-only and described', async () => {
    const folder = fresh();
    const store = await open(folder);
    expect(await store.artefact(digest('a'))).toBeNull();
    const path = await add(store, 'a', 'graph', 'facts');
    expect(path).toBe(join(folder, 'artefacts', digest('a')));
    expect(await store.artefact(digest('a'))).toBe(path);
    expect(readFileSync(join(path, 'model.onnx'), 'utf8')).toBe('graph');
    expect(statSync(join(path, 'sub/weights.bin')).mode & 0o777).toBe(0o444);
    expect(await store.manifest(digest('a'))).toMatchObject({
      digest: digest('a'),
      bytes: 6,
      about: 'facts',
      files: [
        { path: 'model.onnx', bytes: 5 },
        { path: 'sub/weights.bin', bytes: 1 },
      ],
    });
    expect(readdirSync(join(folder, 'staging'))).toEqual([]);
  });

  it('of the same digest may be added twice', async () => {
    const store = await open(fresh());
    const path = await add(store, 'a', 'first');
    expect(await add(store, 'a', 'second')).toBe(path);
    expect(readFileSync(join(path, 'model.onnx'), 'utf8')).toBe('first');
  });

  it('that changed on disk are removed at first use, with a coded error', async () => {
    const damages: ((path: string) => void)[] = [
      (path) => {
        chmodSync(join(path, 'model.onnx'), 0o644);
        writeFileSync(join(path, 'model.onnx'), 'y');
      },
      (path) => rmSync(join(path, 'sub/weights.bin')),
      (path) => writeFileSync(join(path, 'extra'), ''),
      (path) => symlinkSync('/etc/hostname', join(path, 'link')),
      (path) => rmSync(join(path, 'manifest.json')),
    ];
    const folder = fresh();
    for (const damage of damages) {
      damage(await add(await open(folder), 'a'));
      const later = await open(folder);
      await expect(later.artefact(digest('a'))).rejects.toEqual(coded('store-corrupt'));
      expect(await later.artefact(digest('a'))).toBeNull();
    }
    damages[0]?.(await add(await open(folder), 'a', 'old'));
    const replaced = await add(await open(folder), 'a', 'new');
    expect(readFileSync(join(replaced, 'model.onnx'), 'utf8')).toBe('new');
  });

  it('are read once more when asked to, however often they were verified', async () => {
    const store = await open(fresh());
    const path = await add(store, 'a', 'before');
    await store.verify(digest('a'));
    chmodSync(join(path, 'model.onnx'), 0o644);
    writeFileSync(join(path, 'model.onnx'), 'behind');
    expect(await store.artefact(digest('a'))).toBe(path);
    await expect(store.verify(digest('a'))).rejects.toEqual(coded('store-corrupt', '"model.onnx" has changed'));
    expect(existsSync(path)).toBe(false);
    await expect(store.verify(digest('a'))).rejects.toEqual(coded('store-corrupt'));
  });

  it('share no file with what lies outside the store, and keep what they share inside', async () => {
    const folder = fresh();
    const store = await open(folder);
    const reference = await add(store, 'a', 'graph');
    const outside = join(fresh(), 'kept');
    writeFileSync(outside, 'mine');
    const staging = await store.staging();
    linkSync(outside, join(staging, 'model.onnx'));
    linkSync(join(reference, 'model.onnx'), join(staging, 'same.onnx'));
    const path = await store.addArtefact(staging, digest('b'), null);
    writeFileSync(outside, 'changed');
    expect(readFileSync(join(path, 'model.onnx'), 'utf8')).toBe('mine');
    expect(statSync(join(path, 'same.onnx')).ino).toBe(statSync(join(reference, 'model.onnx')).ino);
    await store.verify(digest('b'));
    linkSync(join(reference, 'model.onnx'), join(fresh(), 'taken'));
    const next = await store.staging();
    linkSync(join(reference, 'model.onnx'), join(next, 'same.onnx'));
    const apart = await store.addArtefact(next, digest('c'), null);
    expect(statSync(join(apart, 'same.onnx')).nlink).toBe(1);
    expect(readdirSync(apart).toSorted()).toEqual(['manifest.json', 'same.onnx']);
  });

  it('refuse links, empty folders, reserved names, and names that are no digests', async () => {
    const store = await open(fresh());
    const wrong = async (fill: (staging: string) => void): Promise<unknown> => {
      const staging = await store.staging();
      fill(staging);
      return store.addArtefact(staging, digest('a'), null);
    };
    await expect(wrong(() => {})).rejects.toEqual(coded('build-no-output', 'empty'));
    await expect(wrong((staging) => symlinkSync('/etc/passwd', join(staging, 'x')))).rejects.toEqual(coded('build-no-output', '"x"'));
    await expect(wrong((staging) => writeFileSync(join(staging, 'manifest.json'), '{}'))).rejects.toEqual(
      coded('build-no-output', 'reserved'),
    );
    for (const name of ['../../x', '', 'A'.repeat(64), `${'a'.repeat(64)}/..`])
      await expect(store.artefact(name)).rejects.toEqual(coded('internal'));
    await expect(store.addArtefact(root, digest('a'), null)).rejects.toEqual(coded('internal'));
  });

  it('are added by concurrent processes without harm', async () => {
    const folder = fresh();
    const writer = (name: string): string => `const store = await openStore(${JSON.stringify(folder)}, { clock });
      for (const letter of ['a', 'b', 'c', 'd']) {
        const staging = await store.staging();
        writeFileSync(staging + '/model.onnx', '${name}'.repeat(100000));
        const path = await store.addArtefact(staging, letter.repeat(64), '${name}');
        const content = readFileSync(path + '/model.onnx', 'utf8');
        if (content !== content[0].repeat(100000)) throw new Error('torn');
      }
      console.log('done');`;
    expect(await Promise.all(['1', '2', '3'].map((name) => run(writer(name))))).toEqual(['done\n', 'done\n', 'done\n']);
    const store = await open(folder);
    for (const letter of ['a', 'b', 'c', 'd']) expect(await store.artefact(digest(letter))).not.toBeNull();
    expect(readdirSync(join(folder, 'staging'))).toEqual([]);
  });

  it('of a killed writer leave nothing behind after the next opening', async () => {
    const folder = fresh();
    await run(`const store = await openStore(${JSON.stringify(folder)}, { clock });
      const staging = await store.staging(); writeFileSync(staging + '/half', 'x');
      const whole = await store.staging(); writeFileSync(whole + '/model', 'x'); await store.addArtefact(whole, 'b'.repeat(64), null);
      process.kill(process.pid, 'SIGKILL');`);
    expect(readdirSync(join(folder, 'staging'))).toHaveLength(1);
    expect(readdirSync(join(folder, 'leases'))).toHaveLength(1);
    const store = await open(folder);
    expect(readdirSync(join(folder, 'staging'))).toEqual([]);
    expect(readdirSync(join(folder, 'leases'))).toEqual([]);
    expect(await store.artefact(digest('b'))).not.toBeNull();
    const mine = await store.staging();
    await open(folder);
    expect(existsSync(mine)).toBe(true);
  });
});

describe('eviction', () => {
  it('removes the longest unused first, never what is leased', async () => {
    const folder = fresh();
    let now = Date.now();
    const filling = await openStore(folder, { clock: () => now });
    for (const letter of ['a', 'b', 'c', 'd']) {
      now += 60_000;
      await add(filling, letter, 'x'.repeat(99));
    }
    now += 60_000;
    await filling.artefact(digest('a'));
    expect((await filling.evict({ maxBytes: 0, minFreeBytes: 0 })).removed).toEqual([]);
    await filling.close();
    const using = await open(folder);
    await using.artefact(digest('c'));
    const result = await filling.evict({ maxBytes: 250, minFreeBytes: 0 });
    expect(result).toEqual({ removed: [digest('b'), digest('d')], freedBytes: 200, keptBytes: 200 });
    expect((await filling.evict({ maxBytes: 1e9, minFreeBytes: 1e18 })).removed).toEqual([digest('a')]);
    expect(readdirSync(join(folder, 'artefacts'))).toEqual([digest('c')]);
    expect(readdirSync(join(folder, 'staging'))).toEqual([]);
  });

  it('keeps to its budget for any sizes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 0, max: 150 }),
        async (sizes, maxBytes) => {
          const store = await open(fresh());
          for (const [index, size] of sizes.entries()) await add(store, 'abcde'.charAt(index), 'x'.repeat(size));
          await store.close();
          const { keptBytes, freedBytes } = await store.evict({ maxBytes, minFreeBytes: 0 });
          expect(keptBytes).toBeLessThanOrEqual(maxBytes);
          expect(keptBytes + freedBytes).toBe(sizes.reduce((sum, size) => sum + size + 1, 0));
        },
      ),
      { numRuns: 8 },
    );
  });
});

describe('records', () => {
  const schema = z.strictObject({ artefact: z.string(), seconds: z.number() });

  it('are read back, by kind and key', async () => {
    const store = await open(fresh());
    expect(await store.record('build', digest('a'), schema)).toBeNull();
    await store.putRecord('build', digest('a'), { artefact: 'x', seconds: 1 });
    await store.putRecord('build', digest('a'), { artefact: 'y', seconds: 2 });
    expect(await store.record('build', digest('a'), schema)).toEqual({ artefact: 'y', seconds: 2 });
    expect(await store.record('evaluation', digest('a'), schema)).toBeNull();
    await expect(store.putRecord('../x', digest('a'), null)).rejects.toEqual(coded('internal'));
  });

  it('that are damaged, or belong to another key, count as absent', async () => {
    const folder = fresh();
    const store = await open(folder);
    const path = join(folder, 'records/build', `${digest('a')}.json`);
    for (const text of [
      '{"key":',
      JSON.stringify({ key: digest('b'), value: { artefact: 'x', seconds: 1 } }),
      JSON.stringify({ key: digest('a'), value: { artefact: 1 } }),
    ]) {
      await store.putRecord('build', digest('a'), { artefact: 'x', seconds: 1 });
      writeFileSync(path, text);
      expect(await store.record('build', digest('a'), schema)).toBeNull();
      expect(existsSync(path)).toBe(false);
    }
  });
});

describe('locks', () => {
  it('keep concurrent processes apart', async () => {
    const folder = fresh();
    const counter = join(folder, 'counter');
    writeFileSync(counter, '0');
    const script = `for (let i = 0; i < 20; i += 1) {
        const lock = await takeLock(${JSON.stringify(join(folder, 'x.lock'))}, { clock, waitSeconds: 20 });
        const seen = Number(readFileSync(${JSON.stringify(counter)}, 'utf8'));
        await new Promise((resolve) => setTimeout(resolve, 1));
        writeFileSync(${JSON.stringify(counter)}, String(seen + 1));
        lock.release();
      }`;
    await Promise.all([run(script), run(script), run(script)]);
    expect(readFileSync(counter, 'utf8')).toBe('60');
  });

  it('of a killed process are broken by exactly one waiter at a time', async () => {
    const folder = fresh();
    const path = join(folder, 'x.lock');
    await run(`await takeLock(${JSON.stringify(path)}, { clock, waitSeconds: 5 }); process.kill(process.pid, 'SIGKILL');`);
    expect(existsSync(path)).toBe(true);
    const log = join(folder, 'log');
    const script = `const lock = await takeLock(${JSON.stringify(path)}, { clock, waitSeconds: 20, staleSeconds: 0.5 });
      appendFileSync(${JSON.stringify(log)}, 'in '); await new Promise((resolve) => setTimeout(resolve, 30)); appendFileSync(${JSON.stringify(log)}, 'out '); lock.release();`;
    await Promise.all([run(script), run(script), run(script), run(script)]);
    expect(readFileSync(log, 'utf8')).toBe('in out '.repeat(4));
  });

  it('in a folder of another user are not waited for', async () => {
    const folder = fresh();
    chmodSync(root, 0o755);
    chmodSync(folder, 0o555);
    const uid = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
    const script = `import { takeLock } from ${JSON.stringify(join(source, 'records/lock-file.ts'))};
      await takeLock(${JSON.stringify(join(folder, 'x.lock'))}, { clock: () => Date.now(), waitSeconds: 1000 }).catch(({ code, message }) => console.log(code, message));`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { ...uid, encoding: 'utf8' });
    expect(stdout).toMatch(/^store-locked cannot be written \(EACCES\): .*another user/);
  });

  it('of a living process are waited for, then named in the error', async () => {
    const path = join(fresh(), 'x.lock');
    const lock = await takeLock(path, { clock, waitSeconds: 1 });
    const waits: (number | null)[] = [];
    const options = {
      clock,
      waitSeconds: 0.1,
      staleSeconds: 0.05,
      onWait: (holder: { pid: number } | null) => waits.push(holder?.pid ?? null),
    };
    await expect(takeLock(path, options)).rejects.toEqual(coded('store-locked', `process ${process.pid}`));
    expect(waits).toEqual([process.pid]);
    await expect(takeLock(path, { clock, waitSeconds: 100, signal: AbortSignal.abort() })).rejects.toEqual(coded('store-locked'));
    lock.release();
    lock.release();
    (await takeLock(path, options)).release();
    expect(existsSync(path)).toBe(false);
  });
});

it('defaultStoreRoot prefers what is named, then the runner, then the user', () => {
  expect(defaultStoreRoot({ OPTIMIZATION_GATE_STORE: '/s', RUNNER_TOOL_CACHE: '/r', HOME: '/h' })).toBe('/s');
  expect(defaultStoreRoot({ RUNNER_TOOL_CACHE: '/r', HOME: '/h' })).toBe('/r/optimization-gate');
  expect(defaultStoreRoot({ XDG_CACHE_HOME: '/c', HOME: '/h' })).toBe('/c/optimization-gate');
  expect(defaultStoreRoot({ HOME: '/h' })).toBe('/h/.cache/optimization-gate');
  expect(defaultStoreRoot({})).toBeNull();
});
