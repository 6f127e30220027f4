import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineConfiguration } from './engine-configuration.ts';
import { commentOn, type EngineScene, engineProgram, openEngineScene, said } from './engine-scene.ts';

/** What code the gate never had has measured. */
const otherCode = 'f'.repeat(64);

describe('a repository that takes another version of the gate', { timeout: 400_000 }, () => {
  let scene: EngineScene;
  beforeAll(async () => {
    scene = await openEngineScene({ 'optimization-gate.yml': engineConfiguration(), 'bench.mjs': engineProgram(100) });
  });
  afterAll(() => scene?.close());

  const stored = async () => {
    const [path = ''] = await scene.list('main', 'baselines');
    return { path, file: JSON.parse(await scene.show('main', path)) };
  };

  it('sees the numbers of both versions side by side, fails for none of them, and keeps its baselines', async () => {
    const first = await scene.push(undefined);
    expect(first.code, said(first)).toBe(0);
    const { path, file } = await stored();
    const [entry] = file.entries;
    const { serving } = entry;
    const [metric] = entry.metrics;
    const earlier = { ...file, entries: [{ ...entry, serving: otherCode, metrics: [{ ...metric, value: 80 }] }] };
    await scene.commit('main', 'Store what another version measured', { [path]: `${JSON.stringify(earlier, null, 2)}\n` });

    await scene.commit('docs', 'Say more', { 'README.md': 'more' });
    const change = await scene.pullRequest(7, 'docs');
    expect(change.code, said(change)).toBe(0);
    const { cells } = JSON.parse(readFileSync(change.outputs['report-json'] ?? '', 'utf8'));
    expect(cells).toMatchObject([{ verdict: 'unchanged', metrics: [{ state: 'measured', base: 100, head: 100, earlier: 80 }] }]);
    expect(commentOn(scene, 7)).toMatch(/#### Measured anew[\s\S]*\| 80 B \| \*\*100 B\*\* \|/);
    expect(said(change)).toContain("The gate's own measuring code is another");

    const second = await scene.push(undefined);
    expect(second.code, said(second)).toBe(0);
    const { file: after } = await stored();
    expect(after.entries).toMatchObject([{ serving, metrics: [{ value: 100 }] }]);
    expect(after.anchor).toEqual(file.anchor);
    expect(after.history).toHaveLength(2);

    await scene.commit('more', 'Say even more', { 'README.md': 'even more' });
    const next = await scene.pullRequest(8, 'more');
    expect(next.code, said(next)).toBe(0);
    expect(commentOn(scene, 8)).not.toContain('Measured anew');
  });
});
