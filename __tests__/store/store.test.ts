import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { takeLock } from '../../src/records/lock-file.ts';
import type { StoredId } from '../../src/store/manifest.ts';
import { defaultStoreRoot, openStore, type Store } from '../../src/store/store.ts';
import { storeArtefact } from '../testkit/stored-artefact.ts';

const root = mkdtempSync(join(tmpdir(), 'store-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const source = join(import.meta.dirname, '../../src');
const clock = (): number => Date.now();
const fresh = (): string => mkdtempSync(join(root, 's-'));
const open = (folder: string): Promise<Store> => openStore(folder, { clock, waitSeconds: 20, staleSeconds: 0.5 });
const digest = (letter: string): string => letter.repeat(64);
const coded = (code: string, message = ''): unknown => expect.objectContaining({ code, message: expect.stringContaining(message) });

interface Added extends StoredId {
  readonly path: string;
}

const add = async (store: Store, letter: string, content = 'x', about: string | null = null): Promise<Added> => {
  const added = await storeArtefact(store, digest(letter), { 'model.onnx': content, 'sub/weights.bin': 'w' }, about);
  return { digest: digest(letter), content: added.content, path: added.folder };
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
    expect(await store.artefact({ digest: digest('a'), content: digest('b') })).toBeNull();
    const { path, ...id } = await add(store, 'a', 'graph', 'facts');
    expect(path).toBe(join(folder, 'artefacts', digest('a'), id.content));
    expect(await store.artefact(id)).toBe(path);
    expect(readFileSync(join(path, 'model.onnx'), 'utf8')).toBe('graph');
    expect(statSync(join(path, 'sub/weights.bin')).mode & 0o777).toBe(0o444);
    expect(await store.manifest(id)).toMatchObject({
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

  it('may be added twice, and lie beside other files of the same digest', async () => {
    const store = await open(fresh());
    const first = await add(store, 'a', 'first');
    expect(await add(store, 'a', 'first')).toEqual(first);
    const second = await add(store, 'a', 'second');
    expect(second.path).not.toBe(first.path);
    expect((await store.contents(digest('a'))).toSorted()).toEqual([first.content, second.content].toSorted());
    expect(readFileSync(join(first.path, 'model.onnx'), 'utf8')).toBe('first');
    expect(readFileSync(join(second.path, 'model.onnx'), 'utf8')).toBe('second');
  });

  it('are what their name says, whoever put them there', async () => {
    const folder = fresh();
    const honest = await add(await open(fresh()), 'a', 'honest');
    const other = await add(await open(fresh()), 'a', 'forged');
    const place = join(folder, 'artefacts', honest.digest, honest.content);
    const store = await open(folder);
    cpSync(other.path, place, { recursive: true });
    await expect(store.artefact(honest)).rejects.toEqual(coded('store-corrupt', 'another one'));
    cpSync(other.path, place, { recursive: true });
    const added = await add(store, 'a', 'honest');
    expect(readFileSync(join(added.path, 'model.onnx'), 'utf8')).toBe('honest');
    await store.verify(added);
  });

  it('are seen to be touched without being read, and are read where they were', async () => {
    const store = await open(fresh());
    const added = await add(store, 'a', 'before');
    const file = join(added.path, 'model.onnx');
    await store.requireUnmodified(added);
    linkSync(file, join(fresh(), 'another name'));
    await store.requireUnmodified(added);
    const { atime, mtime } = statSync(file);
    chmodSync(file, 0o644);
    writeFileSync(file, 'behind');
    utimesSync(file, atime, mtime);
    chmodSync(file, 0o444);
    await expect(store.requireUnmodified(added)).rejects.toEqual(coded('store-corrupt', '"model.onnx" has changed'));
  });

  it('are refused where their folder was moved, or one in it or around it, if only for a moment', async () => {
    for (const folder of ['sub', '.', '..', '../..']) {
      const store = await open(fresh());
      const added = await add(store, 'a');
      await add(store, 'b');
      await store.requireUnmodified(added);
      const moved = join(added.path, folder);
      renameSync(moved, `${moved}.away`);
      renameSync(`${moved}.away`, moved);
      await expect(store.requireUnmodified(added)).rejects.toEqual(coded('store-corrupt', 'a folder that it lies in was moved'));
    }
  });

  it('are refused where their files change after their digest was computed, but not where another artefact shares them', async () => {
    const store = await open(fresh());
    const first = await add(store, 'a', 'shared');
    const staging = await store.staging();
    linkSync(join(first.path, 'model.onnx'), join(staging, 'model.onnx'));
    writeFileSync(join(staging, 'own.bin'), 'honest');
    const closed = await store.closeStaging(staging);
    const other = await store.staging();
    linkSync(join(first.path, 'model.onnx'), join(other, 'model.onnx'));
    await store.addArtefact(staging, digest('b'), null, closed);
    const late = await store.closeStaging(other);
    writeFileSync(join(other, 'late.bin'), '');
    await expect(store.addArtefact(other, digest('c'), null, late)).rejects.toEqual(coded('build-no-output', 'changed them after'));
    const swapped = await store.staging();
    writeFileSync(join(swapped, 'own.bin'), 'honest');
    const before = await store.closeStaging(swapped);
    chmodSync(join(swapped, 'own.bin'), 0o644);
    writeFileSync(join(swapped, 'own.bin'), 'forged');
    await expect(store.addArtefact(swapped, digest('d'), null, before)).rejects.toEqual(coded('build-no-output', 'changed them after'));
  });

  it('are taken over from a folder of foreign code, which loses sight of them', async () => {
    const store = await open(fresh());
    const outside = join(fresh(), 'output');
    mkdirSync(join(outside, 'sub'), { recursive: true });
    writeFileSync(join(outside, 'sub/model.onnx'), 'made');
    const staging = await store.takeOver(outside);
    expect(existsSync(outside)).toBe(false);
    expect(readFileSync(join(staging, 'sub/model.onnx'), 'utf8')).toBe('made');
    for (const put of [
      (path: string): void => symlinkSync('/etc/passwd', join(path, 'link')),
      (path: string): void => void spawnSync('mkfifo', [join(path, 'pipe')]),
    ]) {
      const bad = fresh();
      put(bad);
      await expect(store.takeOver(bad)).rejects.toEqual(coded('build-no-output', 'Expected regular files'));
    }
    const link = join(fresh(), 'link');
    symlinkSync('/etc', link);
    await expect(store.takeOver(link)).rejects.toEqual(coded('build-no-output', 'no longer there'));
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
      const added = await add(await open(folder), 'a');
      damage(added.path);
      const later = await open(folder);
      await expect(later.artefact(added)).rejects.toEqual(coded('store-corrupt'));
      expect(await later.artefact(added)).toBeNull();
    }
    damages[0]?.((await add(await open(folder), 'a', 'new')).path);
    const replaced = await add(await open(folder), 'a', 'new');
    expect(readFileSync(join(replaced.path, 'model.onnx'), 'utf8')).toBe('new');
  });

  it('are read once more when asked to, however often they were verified', async () => {
    const store = await open(fresh());
    const { path, ...id } = await add(store, 'a', 'before');
    await store.verify(id);
    chmodSync(join(path, 'model.onnx'), 0o644);
    writeFileSync(join(path, 'model.onnx'), 'behind');
    expect(await store.artefact(id)).toBe(path);
    await expect(store.verify(id)).rejects.toEqual(coded('store-corrupt', '"model.onnx" has changed'));
    expect(existsSync(path)).toBe(false);
    await expect(store.verify(id)).rejects.toEqual(coded('store-corrupt'));
  });

  it('share no file with what lies outside the store, and keep what they share inside', async () => {
    const folder = fresh();
    const store = await open(folder);
    const { path: reference } = await add(store, 'a', 'graph');
    const outside = join(fresh(), 'kept');
    writeFileSync(outside, 'mine');
    const staging = await store.staging();
    linkSync(outside, join(staging, 'model.onnx'));
    linkSync(join(reference, 'model.onnx'), join(staging, 'same.onnx'));
    const { folder: path, content } = await store.addArtefact(staging, digest('b'), null, await store.closeStaging(staging));
    writeFileSync(outside, 'changed');
    expect(readFileSync(join(path, 'model.onnx'), 'utf8')).toBe('mine');
    expect(statSync(join(path, 'same.onnx')).ino).toBe(statSync(join(reference, 'model.onnx')).ino);
    await store.verify({ digest: digest('b'), content });
    linkSync(join(reference, 'model.onnx'), join(fresh(), 'taken'));
    const next = await store.staging();
    linkSync(join(reference, 'model.onnx'), join(next, 'same.onnx'));
    const { folder: apart } = await store.addArtefact(next, digest('c'), null, await store.closeStaging(next));
    expect(statSync(join(apart, 'same.onnx')).nlink).toBe(1);
    expect(readdirSync(apart).toSorted()).toEqual(['manifest.json', 'same.onnx']);
  });

  it.each([
    ['the build left what this user may not read', 'left', 'build-no-output The files of a build were taken over. The build left some'],
    ['the store takes nothing', 'store', 'store-unwritable The store was written to.'],
  ])('are not taken over where %s: the one that is closed is named', (_why, closed, said) => {
    const folder = fresh();
    for (const part of ['left', 'store']) mkdirSync(join(folder, part));
    writeFileSync(join(folder, 'left/model.onnx'), 'x');
    for (const each of [root, folder]) chmodSync(each, 0o777);
    for (const part of ['left', 'store']) chmodSync(join(folder, part), part === closed ? 0o555 : 0o777);
    const uid = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
    const script = `import { inStore, takeFolder } from ${JSON.stringify(join(source, 'store/disk.ts'))};
      await inStore('store', () => takeFolder(${JSON.stringify(join(folder, 'left'))}, ${JSON.stringify(join(folder, 'store'))}))
        .catch(({ code, message }) => console.log(code, message));`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { ...uid, encoding: 'utf8' });
    expect(stdout).toContain(said);
  });

  it('refuse links, empty folders, reserved names, and names that are no digests', async () => {
    const store = await open(fresh());
    const wrong = async (fill: (staging: string) => void): Promise<unknown> => {
      const staging = await store.staging();
      fill(staging);
      return store.addArtefact(staging, digest('a'), null, await store.closeStaging(staging));
    };
    await expect(wrong(() => {})).rejects.toEqual(coded('build-no-output', 'found none'));
    await expect(wrong((staging) => symlinkSync('/etc/passwd', join(staging, 'x')))).rejects.toEqual(coded('build-no-output', '"x"'));
    await expect(wrong((staging) => writeFileSync(join(staging, 'manifest.json'), '{}'))).rejects.toEqual(
      coded('build-no-output', 'that name is taken'),
    );
    for (const name of ['../../x', '', 'A'.repeat(64), `${'a'.repeat(64)}/..`])
      for (const id of [
        { digest: name, content: digest('a') },
        { digest: digest('a'), content: name },
      ])
        await expect(store.artefact(id)).rejects.toEqual(coded('internal'));
    await expect(store.addArtefact(root, digest('a'), null, '')).rejects.toEqual(coded('internal'));
  });

  it('are added by concurrent processes without harm', async () => {
    const folder = fresh();
    const writer = (name: string): string => `const store = await openStore(${JSON.stringify(folder)}, { clock });
      for (const letter of ['a', 'b', 'c', 'd']) {
        const staging = await store.staging();
        writeFileSync(staging + '/model.onnx', (letter < 'c' ? '0' : '${name}').repeat(100000));
        const { folder } = await store.addArtefact(staging, letter.repeat(64), null, await store.closeStaging(staging));
        const content = readFileSync(folder + '/model.onnx', 'utf8');
        if (content !== content[0].repeat(100000)) throw new Error('torn');
      }
      console.log('done');`;
    expect(await Promise.all(['1', '2', '3'].map((name) => run(writer(name))))).toEqual(['done\n', 'done\n', 'done\n']);
    const store = await open(folder);
    for (const [letter, count] of [
      ['a', 1],
      ['b', 1],
      ['c', 3],
      ['d', 3],
    ] as const) {
      const contents = await store.contents(digest(letter));
      expect(contents).toHaveLength(count);
      for (const content of contents) expect(await store.artefact({ digest: digest(letter), content })).not.toBeNull();
    }
    expect(readdirSync(join(folder, 'staging'))).toEqual([]);
  });

  it('of a killed writer leave nothing behind after the next opening', async () => {
    const folder = fresh();
    await run(`const store = await openStore(${JSON.stringify(folder)}, { clock });
      const staging = await store.staging(); writeFileSync(staging + '/half', 'x');
      const whole = await store.staging(); writeFileSync(whole + '/model', 'x'); await store.addArtefact(whole, 'b'.repeat(64), null, await store.closeStaging(whole));
      process.kill(process.pid, 'SIGKILL');`);
    expect(readdirSync(join(folder, 'staging'))).toHaveLength(1);
    expect(readdirSync(join(folder, 'leases'))).toHaveLength(1);
    const store = await open(folder);
    expect(readdirSync(join(folder, 'staging'))).toEqual([]);
    expect(readdirSync(join(folder, 'leases'))).toEqual([]);
    const [content = ''] = await store.contents(digest('b'));
    expect(await store.artefact({ digest: digest('b'), content })).not.toBeNull();
    const mine = await store.staging();
    await open(folder);
    expect(existsSync(mine)).toBe(true);
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
    expect(stdout).toMatch(/^store-locked .* cannot be written \(EACCES\): .*another user/);
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
    await expect(takeLock(path, options)).rejects.toEqual(coded('store-locked', `Process ${process.pid}`));
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
