import { describe, expect, it } from 'vitest';
import { gateSteps } from '../../src/config/workflow-steps.ts';

const gate = (uses: string): boolean => uses.startsWith('octo/optimization-gate@');

/** Job and inputs of each step, and whether something is hidden. */
const found = async (files: Readonly<Record<string, string>>): Promise<unknown> => {
  const { steps, hidden } = await gateSteps('w.yml', async (path) => files[path] ?? null, gate);
  return { steps: steps.map(({ job, inputs }) => `${job} ${[...inputs].map(([name, text]) => `${name}=${text}`).join(' ')}`), hidden };
};
const job = (steps: string): string => `on: push\njobs:\n  a:\n    steps: [${steps}]\n`;
const step = '{ uses: octo/optimization-gate@v1, with: { Quick: true, fail-on: "${{ env.X }}" } }';

describe('gateSteps', () => {
  it('finds the steps that use the action, with inputs as text', async () => {
    expect(await found({ 'w.yml': job(`{ run: x }, { uses: actions/checkout@v5 }, ${step}`) })).toEqual({
      steps: ['a quick=true fail-on=${{ env.X }}'],
      hidden: false,
    });
  });

  it('looks into composite actions and reusable workflows of the repository, and says that others are hidden', async () => {
    const composite = `runs: { using: composite, steps: [${step}] }`;
    const caller =
      'jobs:\n  c: { uses: ./.github/workflows/r.yml, with: { q: 1 } }\n  d: { uses: octo/other/.github/workflows/x.yml@v1 }\n';
    expect(await found({ 'w.yml': job('{ uses: ./act }'), 'act/action.yml': composite })).toMatchObject({ steps: [expect.any(String)] });
    expect(await found({ 'w.yml': caller, '.github/workflows/r.yml': job(step) })).toEqual({
      steps: ['a quick=true fail-on=${{ env.X }}'],
      hidden: true,
    });
    const own = 'name: Optimization gate\nruns: { using: node24, main: dist/action.js }\n';
    expect(await found({ 'w.yml': job('{ uses: ./, with: { mode: plan } }'), 'action.yml': own })).toEqual({
      steps: ['a mode=plan'],
      hidden: false,
    });
    expect(await found({ 'w.yml': job('{ uses: ./fetched }') })).toEqual({ steps: [], hidden: true });
  });

  it.each([
    ['nothing', {}, false],
    ['no YAML', { 'w.yml': 'jobs: [' }, true],
    ['other shapes', { 'w.yml': 'jobs: { a: 5, b: { steps: { x: 1 } }, c: [1], d: { steps: [null, 5, { uses: 7 }] } }' }, false],
    ['a list', { 'w.yml': '[1]' }, true],
    ['a circle', { 'w.yml': 'jobs: { a: { uses: ./w.yml } }' }, true],
    ['an action that uses itself', { 'w.yml': job('{ uses: ./x }'), 'x/action.yml': 'runs: { steps: [{ uses: ./x }] }' }, false],
    ['__proto__', { 'w.yml': 'jobs: { __proto__: { steps: [] } }' }, true],
    ['a file that grows', { 'w.yml': `a: &a [${'x, '.repeat(40)}]\nb: [${'*a, '.repeat(80)}]\njobs: {}` }, true],
  ])('has no step in %s', async (_, files, hidden) => {
    expect(await found(files)).toEqual({ steps: [], hidden });
  });
});
