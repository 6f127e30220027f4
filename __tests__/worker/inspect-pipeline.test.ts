import { expect, it } from 'vitest';
import { modularOptions } from '../../src/optimizations/modular-components/options.ts';
import { modularComponents } from '../../src/optimizations/modular-components/subject.ts';
import type { ArtefactRef, LaunchRequest } from '../../src/records/protocol.ts';
import type { LaunchTools } from '../../src/worker/launch-tools.ts';
import { openModelPool } from '../../src/worker/model-pool.ts';
import { playerTools } from '../../src/worker/player-tools.ts';
import { build, denseFacts, miniature } from '../optimizations/miniature.ts';

it('a player sees what a variant takes, and a number for each module of a pipeline', async () => {
  const view = miniature('dense');
  const cut = await build(modularComponents, view, modularOptions.parse({}, 'options'));
  const artefact = ({ folder, stages }: typeof view): ArtefactRef => ({
    digest: 'a'.repeat(64),
    content: 'c'.repeat(64),
    folder,
    stages: [...stages],
    serve: {},
    spare: 0,
  });
  const request = {
    launch: 'cell#once-0',
    scratch: { root: '', secret: '' },
    artefacts: { reference: { main: artefact(view) }, head: { main: artefact(cut), whole: artefact(view) } },
  } as unknown as LaunchRequest;
  const tools = { facts: denseFacts, clock: {} } as unknown as LaunchTools;
  const pool = openModelPool(() => Promise.reject(new Error('nothing is opened')));
  const player = playerTools({ request, tools, pool, policy: null }, 'head', 'composition', 1);
  const [main, whole] = [await player.inspect('main'), await player.inspect('whole')];
  const modules = (values: object): readonly string[] => Object.keys(values).filter((key) => key.startsWith('module:'));
  expect(modules(main)).toEqual(['module:embedding', 'module:blocks-0', 'module:blocks-1', 'module:head']);
  expect(modules(main).every((key) => Number.isSafeInteger(main[key]))).toBe(true);
  expect(new Set(modules(main).map((key) => main[key])).size).toBe(4);
  expect(modules(whole)).toEqual([]);
  expect(main['multiply-adds']).toBe(whole['multiply-adds']);
  expect(await player.inspect(null)).toEqual(whole);
  const zeros = await player.inspect('whole', { target: 'all', pattern: { kept: 2, of: 4 }, tokens: 1 });
  expect(zeros).toMatchObject({ ...whole, sparsity: 0, 'pattern-conformity': 0 });
});
