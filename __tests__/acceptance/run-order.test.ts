import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processesIn } from '../testkit/processes.ts';
import { engineConfiguration } from './engine-configuration.ts';
import { commentOn, type EngineScene, engineProgram, expectRegressed, openEngineScene, said } from './engine-scene.ts';

const second = [
  '  - id: other',
  '    measure: node other.mjs',
  '    inputs: [other.mjs]',
  '    metrics: [{ id: size, unit: bytes, better: lower, kind: exact }]',
  '',
].join('\n');

describe('the comment on a pull request', { timeout: 400_000 }, () => {
  let scene: EngineScene;
  beforeAll(async () => {
    scene = await openEngineScene({ 'optimization-gate.yml': `${engineConfiguration()}${second}`, 'other.mjs': engineProgram(100) });
  });
  afterAll(() => scene?.close());

  it('is of the younger run where an older one ends later, and names a commit that its author knows', async () => {
    const older = { GITHUB_RUN_ID: '1001' };
    await scene.commit('late', 'Grow', { 'bench.mjs': engineProgram(900) });
    const grown = await scene.head('late');
    await scene.commit('late', 'Shrink', { 'bench.mjs': engineProgram(90) });
    const shrunk = await scene.head('late');
    // A longer number is no smaller one.
    const young = await scene.pullRequest(7, 'late', {}, { GITHUB_RUN_ID: '99999' });
    expect(young.code, said(young)).toBe(0);
    expect(commentOn(scene, 7)).toContain(`\`${shrunk.slice(0, 10)}\` against base`);
    await scene.move('late', grown);
    const late = await scene.pullRequest(7, 'late', {}, older);
    expect(late.code, said(late)).toBe(1);
    expect(late.outputs).toMatchObject({ verdict: 'regressed', 'exit-code': '1' });
    expect(said(late)).toMatch(/later run/);
    expect(late.summary).toContain('❌ Regressed');
    expect(commentOn(scene, 7)).toContain('✅ Passed');
    expect(commentOn(scene, 7)).toContain(shrunk.slice(0, 10));
  });

  it('is red where one job of a matrix is, whichever ends last', async () => {
    const identity = { GITHUB_RUN_ID: '2000' };
    await scene.commit('matrix', 'Grow', { 'bench.mjs': engineProgram(900), 'other.mjs': engineProgram(90) });
    const red = await scene.pullRequest(8, 'matrix', { optimizations: 'engine' }, { ...identity, GITHUB_JOB: 'engine' });
    expectRegressed(scene, { run: red, number: 8 });
    const green = await scene.pullRequest(8, 'matrix', { optimizations: 'other' }, { ...identity, GITHUB_JOB: 'other' });
    expect(green.code, said(green)).toBe(0);
    expect(green.summary).toContain('✅ Passed');
    expect(said(green)).toMatch(/found worse.*`comment-key`/);
    expect(commentOn(scene, 8)).toContain('❌ Regressed');
    // The next run of all of them is a new one.
    const next = await scene.pullRequest(8, 'matrix', { optimizations: 'other' }, { GITHUB_RUN_ID: '2001', GITHUB_JOB: 'other' });
    expect(next.code, said(next)).toBe(0);
    expect(commentOn(scene, 8)).toContain('✅ Passed');
  });

  it('stays as it is where a job is cancelled, and nothing of the job stays', async () => {
    const red = await scene.change({});
    expectRegressed(scene, red);
    const before = commentOn(scene, red.number);
    await scene.commit(`change-${red.number}`, 'Wait', {
      'bench.mjs': engineProgram(900, "fs.writeFileSync('made', 'started'); await new Promise((done) => setTimeout(done, 120_000));"),
    });
    scene.cancelWhen(() => existsSync(join(scene.workspace, 'made')));
    const cancelled = await scene.pullRequest(red.number, `change-${red.number}`);
    expect(cancelled.code, said(cancelled)).toBe(3);
    expect(cancelled.outputs).toEqual({ verdict: 'error', 'exit-code': '3' });
    expect(commentOn(scene, red.number)).toBe(before);
    expect(cancelled.summary).not.toContain('Error');
    expect(processesIn(scene.workspace)).toEqual([]);
    expect(existsSync(join(scene.workspace, '.optimization-gate', 'verdict.json'))).toBe(false);
  });
});
