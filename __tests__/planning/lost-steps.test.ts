import { describe, expect, it } from 'vitest';
import { type CommandLine, parseCommandLine } from '../../src/config/command-line.ts';
import { type GateSteps, gateSteps } from '../../src/config/workflow-steps.ts';
import { withLostSteps } from '../../src/planning/lost-steps.ts';

const file = '.github/workflows/gate.yml';
const action = 'octo/optimization-gate@v1';

/** Jobs by their ids; `with` of each step as YAML, and keys of the job. */
type Jobs = Readonly<Record<string, string | readonly [inputs: string, keys: string]>>;

const stepsOf = async (jobs: Jobs, on: string, path: string): Promise<GateSteps['steps']> => {
  const written = Object.entries(jobs).map(([id, job]) => {
    const [inputs, keys] = typeof job === 'string' ? [job, ''] : job;
    return `  ${id}: { steps: [{ uses: ${action}, with: { ${inputs} } }], ${keys} }\n`;
  });
  const text = `on: ${on}\njobs:\n${written.join('')}`;
  const { steps } = await gateSteps(
    path,
    async (name) => (name === path ? text : null),
    (uses) => uses === action,
  );
  return steps;
};

/** What a run of job `a` does where base has some jobs and the change others. */
const merged = async (base: Jobs, head: Jobs, { gone = false, on = 'pull_request', others = {} as Jobs } = {}) => {
  const [was, is, elsewhere] = [
    await stepsOf(base, 'pull_request', file),
    await stepsOf(head, 'pull_request', file),
    await stepsOf(others, on, 'other.yml'),
  ];
  const [kept] = was;
  if (kept === undefined) throw new Error('no step');
  const line = parseCommandLine(['run', '--models', 'one', '--optimizations', 'pruning']) as CommandLine;
  const known = { base: { steps: [...was, ...elsewhere], hidden: false }, head: { steps: is, hidden: false }, file, isGone: () => gone };
  const { line: settled, notes } = withLostSteps({ line, notes: [] }, kept, known);
  const { models, optimizations, quick, failOn } = settled.options;
  return { models, optimizations, quick, failOn, notes: notes.length };
};

const own = 'models: one, optimizations: pruning';
const alone = { models: ['one'], optimizations: ['pruning'], quick: false, failOn: null, notes: 0 };

describe('steps of base that a change no longer runs', () => {
  it.each([
    ['none, where each job stays', { a: own, b: 'models: two' }, { a: own, b: 'models: three' }, alone],
    ['none, where a job has another name', { a: own, b: 'models: two' }, { a: own, c: 'models: two' }, alone],
    [
      'what the other job selects',
      { a: own, b: 'models: two' },
      { a: own },
      { ...alone, models: ['one', 'two'], optimizations: null, notes: 1 },
    ],
    [
      'what both other jobs select',
      { a: own, b: 'models: two, optimizations: x', c: 'models: one' },
      { a: own },
      { ...alone, models: ['one', 'two'], optimizations: null, notes: 2 },
    ],
    [
      'all, where the selection is computed',
      { a: own, b: 'models: "${{ matrix.m }}"' },
      { a: own },
      { ...alone, models: null, optimizations: null, notes: 1 },
    ],
    [
      'what a job selects that never runs',
      { a: own, b: 'models: two' },
      { a: own, b: ['models: two', 'if: false'] as const },
      { ...alone, models: ['one', 'two'], optimizations: null, notes: 1 },
    ],
    ['nothing of a job that measures no change', { a: own, b: 'mode: update, models: two' }, { a: own }, alone],
  ])('%s', async (_, base, head, expected) => {
    expect(await merged(base, head)).toEqual(expected);
  });

  it('are refused where one run cannot do both, unless what they name is gone', async () => {
    for (const inputs of [
      'config: other.yml',
      'set: gate.alpha=0.1',
      'working-directory: part',
      'fail-on: inconclusive',
      'config: "${{ vars.X }}"',
    ]) {
      await expect(merged({ a: own, b: inputs }, { a: own })).rejects.toMatchObject({ code: 'inputs-refused', where: file });
      expect(await merged({ a: own, b: inputs }, { a: own, b: [inputs, 'name: x'] })).toEqual({ ...alone, notes: 1 });
    }
    expect(await merged({ a: own, b: 'config: other.yml' }, { a: own }, { gone: true })).toEqual(alone);
  });

  it('may lie in another workflow that changes start', async () => {
    const others = { c: 'models: two, optimizations: pruning' };
    expect(await merged({ a: own }, { a: own }, { others })).toEqual({ ...alone, models: ['one', 'two'], notes: 1 });
    expect(await merged({ a: own }, { a: own }, { others, on: '{ schedule: [] }' })).toEqual(alone);
    expect(await merged({ a: own }, { a: own, x: others.c }, { others })).toEqual(alone);
  });

  it('are those of one job, too', async () => {
    const second = `{ uses: ${action}, with: { models: two } }`;
    const text = (steps: string): string => `on: pull_request\njobs:\n  a: { steps: [{ uses: ${action}, with: { ${own} } }, ${steps}] }\n`;
    const found = async (steps: string) =>
      gateSteps(
        file,
        async () => text(steps),
        (uses) => uses === action,
      );
    const [base, head] = [await found(second), await found('')];
    const [kept] = base.steps;
    if (kept === undefined) throw new Error('no step');
    const line = parseCommandLine(['run', '--models', 'one']) as CommandLine;
    const settled = withLostSteps({ line, notes: [] }, kept, { base, head, file, isGone: () => false });
    expect(settled.line.options.models).toEqual(['one', 'two']);
  });
});
