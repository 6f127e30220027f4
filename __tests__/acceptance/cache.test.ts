import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listItems } from '../../src/store/stored-items.ts';
import { bundleModule } from '../action/package-copy.ts';
import { configOf, expectExit } from '../action/pruning-scene.ts';
import { openScene, type Scene } from '../action/scene.ts';
import { testFolder } from '../testkit/folder.ts';
import { type CacheEntry, truncateBlob } from '../testkit/results-service.ts';
import type { ActionRun } from '../testkit/run-action.ts';

describe('jobs that share the workflow cache', { timeout: 600_000 }, () => {
  let scene: Scene;
  let strongest = '';
  const inputs = { quick: 'true' };
  const isOfSamples = ({ key }: CacheEntry): boolean => key.startsWith('optimization-gate-samples-');
  const entries = (): readonly CacheEntry[] => scene.results.state.entries.filter((entry) => !isOfSamples(entry));
  const changes = (): readonly CacheEntry[] => entries().filter(({ key }) => key.startsWith('optimization-gate-changes-'));
  /** A run of the change that resumes none, whatever it measured before. */
  const measuredAnew = (): Promise<ActionRun> => {
    scene.results.state.entries.splice(0, Infinity, ...entries());
    return scene.pullRequest(7, 'topic', inputs);
  };
  const said = ({ stdout }: ActionRun): readonly string[] =>
    stdout.split('\n').filter((line) => /workflow cache|from the cache \(|to the cache/.test(line));
  const unpacked = ({ blob }: CacheEntry): string => {
    const folder = testFolder();
    execFileSync('tar', ['-xf', blob, '--use-compress-program', 'unzstd', '-C', folder]);
    return folder;
  };
  const held = async (entry: CacheEntry): Promise<ReadonlySet<string>> => {
    const folder = unpacked(entry);
    return new Set((await listItems(folder)).map(({ name }) => name));
  };

  beforeAll(async () => {
    strongest = await bundleModule('examples/javascript/prune.ts');
    scene = await openScene({ 'optimization-gate.yml': configOf('loose'), 'optimize/prune.mjs': strongest, 'README.md': '# models\n' });
  });
  afterAll(() => scene?.close());

  const steps: { readonly name: string; readonly run: () => Promise<void> }[] = [];
  const step = (name: string, run: () => Promise<void>): void => {
    steps.push({ name, run });
  };

  step('the default branch saves one entry, and none for an unchanged commit', async () => {
    expectExit(await scene.push(undefined), 0);
    expect(entries().map(({ key, scope, finished }) => [key.split('-').slice(0, 4).join('-'), scope, finished])).toEqual([
      ['optimization-gate-default-branch', 'refs/heads/main', true],
    ]);
    const again = await scene.push(undefined);
    expectExit(again, 0);
    expect(said(again)).toEqual([expect.stringContaining('Restored models and artefacts from the cache')]);
    expect(entries()).toHaveLength(1);
  });

  step('a pull request saves only what the default branch lacks, and nothing where nothing was built', async () => {
    await scene.commit('topic', 'Keep other channels', {
      'optimize/prune.mjs': `// another\n${strongest.replace('(scores[b] ?? 0) - (scores[a] ?? 0)', '(scores[a] ?? 0) - (scores[b] ?? 0)')}`,
    });
    expectExit(await scene.pullRequest(7, 'topic', inputs), 1);
    const [main] = entries();
    const [own, ...others] = changes();
    expect(others).toEqual([]);
    if (main === undefined || own === undefined) throw new Error('no entry');
    expect(own.scope).toBe('refs/pull/7/merge');
    const [ofMain, ofChange] = [await held(main), await held(own)];
    expect([...ofChange].filter((name) => name.startsWith('artefacts/'))).toHaveLength(1);
    expect([...ofChange].filter((name) => ofMain.has(name))).toEqual([]);

    await scene.commit('topic', 'Tell more', { 'README.md': '# models, and more\n' });
    const second = await scene.pullRequest(7, 'topic', inputs);
    expectExit(second, 1);
    expect(said(second).filter((line) => line.includes('Restored'))).toHaveLength(2);
    expect(changes()).toHaveLength(1);
  });

  step('a damaged entry costs its content, not the run, and the next one takes its place', async () => {
    for (const entry of entries()) await truncateBlob(entry, 1000);
    const run = await measuredAnew();
    expectExit(run, 1);
    expect(run.outputs['verdict']).toBe('regressed');
    expect(said(run).filter((line) => line.includes('was not read'))).toHaveLength(1);
    expect(run.summary).toContain('The workflow cache was not read: its content does not unpack');
    expect(changes().map(({ key }) => key.split('-').at(-2))).toEqual(['1', '2']);
    const next = await measuredAnew();
    expectExit(next, 1);
    expect(said(next).filter((line) => line.includes('Restored'))).toEqual([expect.stringContaining(`${changes()[1]?.key}:`)]);
    expect(changes()).toHaveLength(2);
  });

  step('an entry with a changed weight and files of somebody else is not used, and nothing of it lies in the store', async () => {
    const entry = changes()[1];
    if (entry === undefined) throw new Error('no entry');
    const folder = unpacked(entry);
    const [item] = (await listItems(folder)).filter(({ kind }) => kind === 'artefact');
    const weights = item?.files.find((path) => !path.endsWith('manifest.json')) ?? '';
    const bytes = await readFile(join(folder, weights));
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    await chmod(join(folder, weights), 0o644);
    await writeFile(join(folder, weights), bytes);
    writeFileSync(join(folder, 'owner.json'), '{}');
    symlinkSync('/etc', join(folder, 'records', 'elsewhere'));
    execFileSync('tar', ['-cf', entry.blob, '-C', folder, '--use-compress-program', 'zstd', '.']);
    const run = await measuredAnew();
    expectExit(run, 1);
    expect(said(run)).toEqual(
      expect.arrayContaining([expect.stringMatching(/holds 3 parts that the gate did not put there.*owner\.json/)]),
    );
    expect(changes().map(({ key }) => key.split('-').at(-2))).toEqual(['1', '2', '3']);
    expect(existsSync(join(scene.workspace, '..', '..', 'home', '.cache', 'optimization-gate', 'owner.json'))).toBe(false);
  });

  step('a service that hangs costs half a minute, once, and the run tells', async () => {
    scene.results.state.faults.set('every', 'hang');
    const before = performance.now();
    const run = await scene.pullRequest(7, 'topic', inputs);
    const seconds = (performance.now() - before) / 1000;
    scene.results.state.faults.clear();
    expectExit(run, 1);
    expect(seconds).toBeGreaterThan(30);
    expect(said(run)).toEqual([
      expect.stringMatching(/^warning: The workflow cache was not read: the cache service did not answer \(limit 30 s\)\./),
    ]);
    expect(run.summary).toContain('did not answer (limit 30 s)');
    expect(JSON.parse(readFileSync(run.outputs['report-json'] ?? '', 'utf8'))).toMatchObject({ verdict: 'regressed' });
  });

  // Each begins with what the one before left in the cache.
  it('save what is new, believe what is whole, and go on without the rest', async () => {
    for (const { name, run } of steps)
      await run().catch((thrown: unknown) => {
        throw new Error(name, { cause: thrown });
      });
  });
});

it('a job whose git is too old ends at once, and its summary says which one is needed', { timeout: 120_000 }, async () => {
  const scene = await openScene({ 'README.md': '# models\n' });
  const path = process.env['PATH'];
  try {
    const bin = testFolder();
    writeFileSync(join(bin, 'git'), '#!/bin/sh\necho git version 2.25.1\n', { mode: 0o755 });
    await scene.commit('topic', 'Tell more', { 'README.md': '# models, and more\n' });
    // The first run only makes the workspace: it has nothing to measure.
    await scene.pullRequest(7, 'topic', { models: 'none' });
    process.env['PATH'] = `${bin}:${path}`;
    const run = await scene.again();
    expect(run.code).toBe(2);
    expect(run.outputs).toMatchObject({ verdict: 'error', 'exit-code': '2' });
    expect(run.summary).toContain('Expected 2.30 or newer, got "git version 2.25.1"');
  } finally {
    process.env['PATH'] = path;
    await scene.close();
  }
});
