import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { engineConfiguration } from './engine-configuration.ts';
import { commentOn, type EngineScene, engineProgram, expectError, expectRegressed, openEngineScene, said } from './engine-scene.ts';

const file = 'optimization-gate.yml';
const config = engineConfiguration();
const acceptances = 'baselines/accepted.json';
const accepting = (...accepted: readonly unknown[]): string => JSON.stringify({ schema: 'optimization-gate/accepted/1', accepted });
const unknownCell = { cell: 'engin', metric: 'size', bound: 0.1, expires: '2999-01-01', reason: 'agreed' };
const ofOtherClass = 'baselines/another-class/_measurements.json';

type Files = Readonly<Record<string, string | null>>;

interface Mistake {
  readonly broken: Files;
  readonly repaired: Files;
  /** How its own pull request ends. */
  readonly code: string;
  readonly says: RegExp;
}

const mistakes: Readonly<Record<string, Mistake>> = {
  'a tolerance of no metric': {
    broken: { [file]: `${config}gate: { tolerance: { latncy: 3% } }\n` },
    repaired: { [file]: config },
    code: 'config-unknown-key',
    says: /gate\.tolerance\.latncy/,
  },
  'a limit of a wrong unit': {
    broken: { [file]: `${config}limits: { seconds: 4GiB }\n` },
    repaired: { [file]: config },
    code: 'config-invalid',
    says: /limits\.seconds/,
  },
  'a configuration that is no YAML': {
    broken: { [file]: `${config}gate: {\n` },
    repaired: { [file]: config },
    code: 'config-syntax',
    says: /optimization-gate\.yml:\d+:\d+/,
  },
  'acceptances that are no JSON': {
    broken: { [acceptances]: '{ "accepted": ' },
    repaired: { [acceptances]: accepting() },
    code: 'acceptance-invalid',
    says: /baselines\/accepted\.json/,
  },
  'an acceptance of no cell': {
    broken: { [acceptances]: accepting(unknownCell) },
    repaired: { [acceptances]: null },
    code: 'acceptance-invalid',
    says: /Did you mean "engine"\?/,
  },
  'a baseline that is none': {
    broken: { [ofOtherClass]: '{}' },
    repaired: { [ofOtherClass]: null },
    code: 'baseline-invalid',
    says: /baselines\/another-class\/_measurements\.json/,
  },
};

describe('a mistake in the rules of a repository', { timeout: 300_000 }, () => {
  const planned = (scene: EngineScene): { readonly warnings: readonly string[] } =>
    JSON.parse(readFileSync(join(scene.workspace, '.optimization-gate', 'plan.json'), 'utf8'));

  it.each(Object.entries(mistakes))(
    'fails its own pull request, and once it is merged blocks neither `update`, nor others, nor the repair: %s',
    async (_, { broken, repaired, code, says }) => {
      const [path = ''] = Object.keys(broken);
      const scene = await openEngineScene();
      try {
        await scene.commit('breaks', 'Break', broken);
        expectError(scene, { run: await scene.pullRequest(101, 'breaks'), number: 101 }, { code, exit: 2, says });

        const update = await scene.push(await scene.merge('breaks'));
        expect([update.code, update.outputs['verdict']], said(update)).toEqual([0, 'passed']);
        expect((await scene.list('main', 'baselines')).filter((each) => !(each in broken))).toHaveLength(1);

        const other = await scene.change({});
        expectRegressed(scene, other);
        expect(planned(scene).warnings).toEqual([expect.stringMatching(new RegExp(`^${path}\\b.* of base\\b`))]);
        expect(commentOn(scene, other.number)).toContain(' of base');

        // A repair that hides worse code is a repair of nothing.
        expectRegressed(scene, await scene.change(repaired));
        const { run } = await scene.change({ ...repaired, 'bench.mjs': engineProgram(100) });
        expect([run.code, run.outputs['verdict']], said(run)).toEqual([0, 'passed']);
      } finally {
        await scene.close();
      }
    },
  );
});

it('a broken baseline of this class of runners is written anew by the next update', { timeout: 200_000 }, async () => {
  const scene = await openEngineScene();
  try {
    expect((await scene.push(undefined)).code).toBe(0);
    const [path = ''] = await scene.list('main', 'baselines');
    const first = JSON.parse(await scene.show('main', path));
    const before = await scene.commit('main', 'Break', { [path]: '{ "entries": ' });
    const next = await scene.push(before);
    expect(next.code, next.stdout).toBe(0);
    expect(next.outputs).toMatchObject({ verdict: 'passed', 'exit-code': '0' });
    expect(next.stdout).toContain(`${path} cannot be read, and is written anew`);
    const { entries, history } = JSON.parse(await scene.show('main', path));
    expect(entries).toMatchObject([{ cell: first.entries[0].cell, metrics: first.entries[0].metrics }]);
    expect(history).toHaveLength(1);
  } finally {
    await scene.close();
  }
});
