import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findBuild } from '../../src/building/stored-build.ts';
import { openRecordBook } from '../../src/store/record-book.ts';
import { readRecords } from '../../src/store/record-files.ts';
import { openStore } from '../../src/store/store.ts';
import { openScene, type Scene } from '../action/scene.ts';
import { testFolder } from '../testkit/folder.ts';
import type { ActionRun } from '../testkit/run-action.ts';
import { expectError, said } from './engine-scene.ts';

/** The store of a runner that keeps its disk between jobs. Code under test guesses where it is. */
const store = join(mkdtempSync(join(tmpdir(), 'gate-kept-')), 'store');

const config = `models: [mini-qwen3-dense]
optimizations:
  - id: engine
    measure: node bench.mjs {model}
    inputs: [bench.mjs]
    metrics: [{ id: size, unit: bytes, better: lower, kind: exact }]
`;

/** Says how large the reference model is that it is given, and something more. */
const bench = (more: number, before = ''): string => `import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
const folder = dirname(process.argv[2]);
const size = ${more} + fs.readdirSync(folder).reduce((sum, name) => sum + fs.statSync(join(folder, name)).size, 0);
${before}
for await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify({ size }));
`;

/** Puts another, smaller model in the place of every build that the store knows, for every reader. */
const plant = `
const store = ${JSON.stringify(store)};
const sha = (content) => createHash('sha256').update(content).digest('hex');
const parts = ['local', 'changes', 'default-branch'];
for (const part of parts) {
  const kind = join(store, 'records', part, 'build');
  for (const name of fs.existsSync(kind) ? fs.readdirSync(kind) : []) {
    const record = JSON.parse(fs.readFileSync(join(kind, name), 'utf8'));
    const { artefact: digest, content } = record.value;
    const from = join(store, 'artefacts', digest, content);
    const manifest = JSON.parse(fs.readFileSync(join(from, 'manifest.json'), 'utf8'));
    if (manifest.about.planted) continue;
    const bodies = manifest.files.map(({ path }) => [path, fs.readFileSync(join(from, path)).subarray(0, 1000)]);
    const files = bodies.map(([path, body]) => ({ path, bytes: body.length, sha256: sha(body) }));
    const forged = { ...manifest, files, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
    const other = sha(JSON.stringify([forged.digest, forged.files, forged.about]));
    const to = join(store, 'artefacts', digest, other);
    fs.mkdirSync(to, { recursive: true });
    for (const [path, body] of bodies) fs.writeFileSync(join(to, path), body);
    fs.writeFileSync(join(to, 'manifest.json'), JSON.stringify(forged, null, 2) + '\\n');
    for (const each of parts) {
      fs.mkdirSync(join(store, 'records', each, 'build'), { recursive: true });
      const planted = { ...record, value: { ...record.value, content: other } };
      fs.writeFileSync(join(store, 'records', each, 'build', name), JSON.stringify(planted, null, 2) + '\\n');
    }
  }
}
`;

const sizes = (run: ActionRun) => {
  const report = JSON.parse(readFileSync(run.outputs['report-json'] ?? '', 'utf8'));
  const { verdict, base, head } = report.cells[0].metrics.find(({ id }: { id: string }) => id === 'size');
  return { verdict, base, head };
};

describe('a runner of one’s own that keeps its disk', { timeout: 600_000 }, () => {
  let scene: Scene;
  let honest = 0;
  const inputs = { store };

  const baseline = async (): Promise<number> => {
    const [path = ''] = await scene.list('main', 'baselines');
    const { entries } = JSON.parse(await scene.show('main', path));
    return entries[0].metrics.find(({ id }: { id: string }) => id === 'size').value;
  };
  beforeAll(async () => {
    scene = await openScene({ 'optimization-gate.yml': config, 'bench.mjs': bench(0), 'README.md': '# models\n' });
    const run = await scene.push(undefined, inputs);
    expect(run.code, said(run)).toBe(0);
    honest = await baseline();
    expect(honest).toBeGreaterThan(100_000);
  });
  afterAll(async () => {
    await scene?.close();
    rmSync(join(store, '..'), { recursive: true, force: true });
  });

  it('is not told that path, and what a program plants there is believed by no run', async () => {
    const attack = `${plant}\nif (process.argv.some((word) => word.startsWith(store))) throw new Error('told');`;
    await scene.commit('planting', 'Plant', { 'bench.mjs': bench(5000, attack) });
    const run = await scene.pullRequest(3, 'planting', inputs);
    expect(run.code, said(run)).toBe(1);
    expect(sizes(run)).toEqual({ verdict: 'regressed', base: honest, head: honest + 5000 });
    const planted = await readRecords(store, 'local');
    const [first] = planted;
    if (first === undefined) throw new Error('nothing was planted');
    const { key, kind, value } = first;
    // Whoever believed it would measure another model.
    const opened = await openStore(store, { clock: () => Date.now() });
    const records = await openRecordBook(store, { reads: ['local'], writes: 'local' });
    const forged = await findBuild({ store: opened, records }, key);
    await opened.close();
    expect(forged?.ref.folder).toContain((value as { readonly content: string }).content);
    // As a program does that outlives its job.
    const plantAgain = (): void => {
      for (const part of ['changes', 'default-branch']) {
        mkdirSync(join(store, 'records', part, kind), { recursive: true });
        writeFileSync(join(store, 'records', part, kind, `${key}.json`), JSON.stringify({ kind, key, value }));
      }
    };
    plantAgain();
    await scene.commit('next', 'Change', { 'bench.mjs': bench(7000) });
    const next = await scene.pullRequest(4, 'next', inputs);
    expect(sizes(next)).toEqual({ verdict: 'regressed', base: honest, head: honest + 7000 });
    plantAgain();
    const before = await scene.head('main');
    await scene.commit('main', 'Measure', { 'bench.mjs': bench(1) });
    const update = await scene.push(before, inputs);
    expect(update.code, said(update)).toBe(1);
    expect(await baseline()).toBe(honest + 1);
    expect(said(update)).toMatch(/Restored models and artefacts from the cache \(optimization-gate-default-branch-/);
  });

  it('does not resume samples that lie in the workspace, but those of the cache, or none', async () => {
    await scene.commit('resumed', 'Change', { 'bench.mjs': bench(9000) });
    const first = await scene.pullRequest(5, 'resumed', inputs);
    expect(sizes(first)).toMatchObject({ verdict: 'regressed' });
    const file = join(scene.workspace, '.optimization-gate', 'samples.jsonl');
    const text = readFileSync(file, 'utf8');
    const forged = text.replaceAll(String(honest + 9001), String(honest + 1)).replaceAll(String(honest + 9000), String(honest + 1));
    expect(forged).not.toBe(text);
    writeFileSync(file, forged);
    const again = await scene.again();
    expect([again.code, sizes(again).verdict], said(again)).toEqual([1, 'regressed']);
    expect(said(again)).toContain('from the workflow cache. To measure anew');
    writeFileSync(file, forged);
    // Nothing is resumed where the cache has nothing.
    scene.results.state.entries.length = 0;
    const anew = await scene.again();
    expect([anew.code, sizes(anew).verdict], said(anew)).toEqual([1, 'regressed']);
    expect(said(anew)).not.toContain('from the workflow cache. To measure anew');
    expect(existsSync(join(scene.workspace, '.optimization-gate', 'samples.previous.jsonl'))).toBe(true);
  });

  // The last of them: afterwards the action is another one.
  it('gives the token of the cache to no program that was put in the place of its own', async () => {
    const program = join(scene.workspace, '..', '..', '..', 'action', 'dist', 'cache-worker.js');
    const stolen = join(store, '..', 'stolen');
    const thief = `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(stolen)}, JSON.stringify(process.env));`;
    const attack = `fs.rmSync(${JSON.stringify(program)}); fs.writeFileSync(${JSON.stringify(program)}, ${JSON.stringify(thief)});`;
    await scene.commit('thief', 'Steal', { 'bench.mjs': bench(1, attack) });
    const run = await scene.pullRequest(6, 'thief', inputs);
    expect(run.code, said(run)).toBe(3);
    expect(said(run)).toContain('program-changed');
    expect([readFileSync(program, 'utf8'), existsSync(stolen)]).toEqual([thief, false]);
  });
});

describe('a head whose program reaches for what base is given', { timeout: 600_000 }, () => {
  const attacks: Readonly<Record<string, string>> = {
    'writes into the model through its own name for it': `
const [file] = fs.readdirSync(folder).map((name) => join(folder, name)).filter((path) => path.endsWith('.data'));
fs.chmodSync(file, 0o644);
fs.appendFileSync(file, Buffer.alloc(9000));`,
    'replaces the model that base is shown': `
for (const other of fs.readdirSync(dirname(folder)).map((name) => join(dirname(folder), name)))
  for (const name of other === folder || !fs.statSync(other).isDirectory() ? [] : fs.readdirSync(other).filter((each) => each.endsWith('.data'))) {
    fs.rmSync(join(other, name));
    fs.writeFileSync(join(other, name), Buffer.alloc(9_000_000));
  }`,
  };

  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ '.gitignore': '.optimization-gate\n', 'optimization-gate.yml': config, 'bench.mjs': bench(0) });
  });
  afterAll(() => scene?.close());

  it.each(Object.entries(attacks).map(([name, attack], at) => [name, attack, 20 + 2 * at] as const))(
    'comes to no verdict: %s',
    async (_, attack, number) => {
      const inputs = { store: join(testFolder(), 'store') };
      await scene.commit(`reaching-${number}`, 'Reach', { 'bench.mjs': bench(5000, attack) });
      const run = await scene.pullRequest(number, `reaching-${number}`, inputs);
      expectError(scene, { run, number }, { code: 'store-corrupt', exit: 3, says: /model/ });
      // What it did is gone: the next run on this machine is honest.
      await scene.commit(`honest-${number}`, 'Change', { 'bench.mjs': bench(5000) });
      const next = await scene.pullRequest(number + 1, `honest-${number}`, inputs);
      expect([next.code, sizes(next).verdict], said(next)).toEqual([1, 'regressed']);
    },
  );
});
