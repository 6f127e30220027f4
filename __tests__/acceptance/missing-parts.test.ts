import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Committed } from '../testkit/git.ts';
import { engineConfiguration } from './engine-configuration.ts';
import { commentOn, type EngineScene, expectError, openEngineScene, said } from './engine-scene.ts';

const file = 'optimization-gate.yml';
const config = engineConfiguration();
const ofModel = (id: string): string => config.replace('[mini-qwen3-dense]', `[${id}]`);

describe('a configuration that names what is not there', { timeout: 200_000 }, () => {
  let scene: EngineScene;
  beforeAll(async () => {
    scene = await openEngineScene();
  });
  afterAll(() => scene?.close());

  it.each<readonly [string, Readonly<Record<string, Committed>>, string, RegExp]>([
    ['an unknown model', { [file]: ofModel('mini-qwen3-dens') }, 'model-unknown', /Did you mean "mini-qwen3-dense"\?/],
    [
      'a folder without a card',
      { [file]: ofModel('mine'), 'models/mine/a.bin': 'x' },
      'model-unknown',
      /models\/mine\/card\.json is not there/,
    ],
    ['a program of setup', { [file]: `${config}setup: no-such-program install\n` }, 'setup-failed', /no-such-program/],
  ])('ends the run, and the pull request tells what: %s', async (_, files, code, says) => {
    expectError(scene, await scene.change(files), { code, exit: 2, says });
  });

  it('fails its cell where that is the program that is measured', async () => {
    const { run, number } = await scene.change({ [file]: config.replace('node bench.mjs', './no-such-program') });
    expect([run.code, run.outputs['verdict'], run.outputs['missing']], said(run)).toEqual([1, 'failed', '1']);
    for (const text of [run.summary, commentOn(scene, number)]) expect(text).toMatch(/could not be started: .*\.\/no-such-program/);
  });
});
