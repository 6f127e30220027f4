import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openScene, type Scene } from '../action/scene.ts';
import type { ActionRun } from '../testkit/run-action.ts';

const file = 'optimization-gate.yml';
const config = `models: [mini-qwen3-dense]
optimizations:
  - { id: engine, measure: python3 m.py, inputs: [m.py], metrics: [{ id: size, unit: bytes, better: lower, kind: exact }] }
`;
const program = (bytes: number): string =>
  `import sys, json\nfor line in sys.stdin:\n    print(json.dumps({"size": ${bytes}}), flush=True)\n`;

describe.each([
  ['a tolerance of no metric', `${config}gate: { tolerance: { sizee: 3% } }\n`, /Did you mean "size"\?/],
  ['a file that is no YAML', `${config}gate: {\n`, /error\[config-syntax\]/],
])('%s', { timeout: 300_000 }, (_, broken, message) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ [file]: config, 'm.py': program(100) });
  });
  afterAll(() => scene?.close());
  const expectEnd = (run: ActionRun, code: number, verdict: string): void => {
    expect(run.code, run.stdout.replace(/^::debug::.*\n/gm, '')).toBe(code);
    expect(run.outputs['verdict']).toBe(verdict);
  };
  const warnings = (): readonly string[] =>
    JSON.parse(readFileSync(join(scene.workspace, '.optimization-gate', 'plan.json'), 'utf8')).warnings;

  it('fails its own pull request, and once it is merged blocks neither `update`, nor others, nor the repair', async () => {
    await scene.commit('breaks', 'Break', { [file]: broken });
    const own = await scene.pullRequest(1, 'breaks');
    expectEnd(own, 2, 'error');
    expect(own.stdout).toMatch(message);

    const before = await scene.merge('breaks');
    expectEnd(await scene.push(before), 0, 'passed');
    expect(await scene.list('main', 'baselines')).toHaveLength(1);
    expect(warnings()).toEqual([expect.stringMatching(new RegExp(`^${file}:\\d+:\\d+ of (base|head): `))]);

    await scene.commit('worse', 'Worse', { 'm.py': program(900) });
    const worse = await scene.pullRequest(2, 'worse');
    expectEnd(worse, 1, 'regressed');
    expect(scene.github.state.comments.find(({ issue }) => issue === 2)?.body).toContain(' of base: ');
    await scene.commit('fine', 'Fine', { 'README.md': 'fine' });
    expectEnd(await scene.pullRequest(3, 'fine'), 0, 'passed');

    // A repair that hides worse code is a repair of nothing.
    await scene.commit('repairs', 'Repair', { [file]: config, 'm.py': program(900) });
    expectEnd(await scene.pullRequest(4, 'repairs'), 1, 'regressed');
    await scene.commit('repairs', 'Only repair', { 'm.py': program(100) });
    expectEnd(await scene.pullRequest(4, 'repairs'), 0, 'passed');
    await scene.merge('repairs');
    await scene.commit('later', 'Later', { 'README.md': 'later' });
    expectEnd(await scene.pullRequest(5, 'later'), 0, 'passed');
    expect(warnings()).toEqual([]);
  });
});
