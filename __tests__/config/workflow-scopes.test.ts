import { describe, expect, it } from 'vitest';
import { readBy, type Scope } from '../../src/config/workflow-scopes.ts';
import { gateSteps } from '../../src/config/workflow-steps.ts';

const env = (values: Scope['values']): Scope => ({ of: 'env', values });
const inputs = (values: Scope['values']): Scope => ({ of: 'inputs', values });

describe('readBy', () => {
  it.each<[string, string, readonly Scope[], readonly Scope[], boolean]>([
    ['another variable is added', '${{ env.A }}', [env({ A: 1 })], [env({ A: 1, B: 2 })], true],
    ['the variable has another value', '${{ env.A }}', [env({ A: 1 })], [env({ A: 2 })], false],
    ['a job gives it another value', '${{ env.A }}', [env({ A: 1 }), env({})], [env({ A: 1 }), env({ A: 2 })], false],
    [
      'one that it is computed from has',
      '${{ env.A }}',
      [env({ B: 1 }), env({ A: '${{ env.B }}' })],
      [env({ B: 2 }), env({ A: '${{ env.B }}' })],
      false,
    ],
    ['it is read with brackets', "${{ env['A'] }}", [env({ A: 1 })], [env({ A: 2 })], false],
    ['its name is computed', '${{ env[matrix.a] }}', [env({ A: 1 })], [env({ A: 1, B: 2 })], false],
    ['all are read', '${{ toJSON(env) }}', [env({ A: 1 })], [env({ A: 1, B: 2 })], false],
    ['an input of that name has another value', '${{ env.A }}', [inputs({ A: 1 })], [inputs({ A: 2 })], true],
    [
      'an input, whatever its case, has another value',
      '${{ inputs.fail-on }}',
      [inputs({ 'Fail-On': 1 })],
      [inputs({ 'Fail-On': 2 })],
      false,
    ],
    ['it reads itself', '${{ env.A }}', [env({ A: '${{ env.A }}' })], [env({ A: '${{ env.A }}' })], true],
  ])('where %s', (_, text, before, after, same) => {
    expect(readBy(text, before) === readBy(text, after)).toBe(same);
  });

  it.each<[string, Readonly<Record<string, string>>, string]>([
    [
      'a reusable workflow',
      {
        'w.yml': 'jobs: { a: { uses: ./r.yml } }',
        'r.yml':
          'on: { workflow_call: { inputs: { q: { default: DEFAULT } } } }\njobs: { b: { steps: [{ uses: gate, with: { quick: "${{ inputs.q }}" } }] } }',
      },
      'r.yml',
    ],
    [
      'a composite action',
      {
        'w.yml': 'jobs: { a: { steps: [{ uses: ./act }] } }',
        'act/action.yml': 'inputs: { q: { default: DEFAULT } }\nruns: { steps: [{ uses: gate, with: { quick: "${{ inputs.q }}" } }] }',
      },
      'act/action.yml',
    ],
  ])('reads the defaults that %s declares', async (_, files, declaring) => {
    const read = async (value: string): Promise<string> => {
      const own = { ...files, [declaring]: files[declaring]?.replace('DEFAULT', value) ?? '' };
      const { steps } = await gateSteps(
        'w.yml',
        async (path) => own[path as keyof typeof own] ?? null,
        (uses) => uses === 'gate',
      );
      return readBy(steps[0]?.inputs.get('quick') ?? '', steps[0]?.scopes ?? []);
    };
    expect(await read('false')).not.toBe(await read('true'));
  });
});
