import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openScene, type Scene } from '../action/scene.ts';
import type { ActionRun } from '../testkit/run-action.ts';
import { commentOn, expectRegressed, openEngineScene } from './engine-scene.ts';

/** The scene gives it to every run. */
const ortPath = join(import.meta.dirname, '..', '..');
const file = '.github/workflows/gate.yml';
const config =
  'models: [mini-qwen3-dense]\noptimizations: [{ id: structured-pruning }, { id: tensor-decomposition }]\ngate: { fail-on: [inconclusive] }\n';

/** A workflow whose job runs the gate with these inputs, besides the mode; `jobs`: more jobs. */
const workflow = (inputs: string, { env = '{}', id = 'gate', jobs = '' } = {}): string =>
  `on: pull_request\nenv: ${env}\njobs:\n  ${id}:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v5\n      - uses: octo/optimization-gate@v1\n        with: { mode: plan, ort-path: ${ortPath}, ${inputs} }\n${jobs}`;

describe('inputs of a change', { timeout: 300_000 }, () => {
  let scene: Scene;
  let number = 20;
  beforeAll(async () => {
    const files = { 'optimization-gate.yml': config, [file]: workflow('fail-on: "regressed,failed", models: mini-qwen3-dense') };
    scene = await openScene(files, { workflowFile: file });
  });
  afterAll(() => scene?.close());

  /** A pull request with this workflow, run with what it gives. */
  const run = async (inputs: Readonly<Record<string, string>>, files: Readonly<Record<string, string>>): Promise<ActionRun> => {
    number += 1;
    await scene.commit(`change-${number}`, 'Change', files);
    return scene.pullRequest(number, `change-${number}`, { mode: 'plan', ...inputs });
  };
  const plan = () => JSON.parse(readFileSync(join(scene.workspace, '.optimization-gate', 'plan.json'), 'utf8'));
  const asBase = { 'fail-on': 'regressed,failed', models: 'mini-qwen3-dense' };
  const readme = { 'README.md': 'x' };

  it('hold as they are where the workflow is that of base', async () => {
    const { code, stdout } = await run(asBase, readme);
    expect(code, stdout).toBe(0);
    expect(plan().warnings).toEqual([]);
    expect(plan().policy.failOn).toEqual(['regressed', 'failed']);
  });

  it.each([
    ['fail-on', { 'fail-on': 'missing' }, 'regressed, failed'],
    ['quick', { quick: 'true' }, 'false'],
    ['base', { base: 'HEAD' }, 'nothing'],
    ['optimizations', { optimizations: 'tensor-decomposition' }, 'nothing'],
    ['set', { set: 'optimizations.structured-pruning.with.ratio=0.1' }, 'nothing'],
    ['seed', { seed: '7' }, '1'],
    ['config', { config: 'small.yml' }, 'nothing'],
    ['working-directory', { 'working-directory': 'part' }, '.'],
  ])('are those of base: %s', async (name, inputs, was) => {
    const files = { ...readme, 'small.yml': 'optimizations: [{ id: sparse-network }]\n', 'part/optimization-gate.yml': 'gate: {}\n' };
    const { code, stdout } = await run({ ...asBase, ...inputs }, { ...files, [file]: workflow(`${name}: x`) });
    expect(code, stdout).toBe(0);
    expect(plan()).toMatchObject({
      seed: 1,
      policy: { failOn: ['regressed', 'failed'], screen: 5 },
      folders: { head: '' },
      warnings: [
        expect.stringMatching(
          new RegExp(
            `^Input ${name} is .* in the workflow of this change\\. Until the merge, base's value counts( wherever it fits)?: ${was}`,
          ),
        ),
      ],
    });
    expect(plan().cells.map(({ id }: { id: string }) => id.split('/')[1])).toEqual(['structured-pruning', 'tensor-decomposition']);
    expect(plan().cells[0].arms.map(({ options }: { options: { ratio: number } }) => options.ratio)).toEqual([0.25, 0.25]);
  });

  it('are those of base where one is taken away, and of the mode', async () => {
    const dropped = await run({}, { [file]: workflow('') });
    expect(dropped.code, dropped.stdout).toBe(0);
    expect(plan().policy.failOn).toEqual(['regressed', 'failed']);
    const { stdout } = await run({ ...asBase, mode: 'gate' }, readme);
    expect(stdout).toContain('Plan written to');
  });

  it('hold in a job that the change adds beside those of base, unless it takes the place of one', async () => {
    const added = '  other:\n    steps:\n      - { uses: octo/optimization-gate@v1, with: { mode: plan, seed: 7 } }\n';
    const base = workflow('fail-on: "regressed,failed", models: mini-qwen3-dense');
    const other = { seed: '7' };
    number += 1;
    await scene.commit(`change-${number}`, 'Add a job', { [file]: `${base}${added}` });
    const beside = await scene.pullRequest(number, `change-${number}`, { mode: 'plan', ...other }, { GITHUB_JOB: 'other' });
    expect(beside.code, beside.stdout).toBe(0);
    expect(plan()).toMatchObject({ seed: 7, warnings: [expect.stringContaining('Job other is added beside')] });
    await scene.commit(`change-${number}`, 'Rename the job', { [file]: workflow('seed: 7', { id: 'other' }) });
    const instead = await scene.pullRequest(number, `change-${number}`, { mode: 'plan', ...other }, { GITHUB_JOB: 'other' });
    expect(instead.code, instead.stdout).toBe(0);
    expect(plan().seed).toBe(1);
  });

  it('are compared as text where they are computed', async () => {
    const computed = workflow('fail-on: "${{ env.FAIL_ON }}"', { env: '{ FAIL_ON: regressed }' });
    const before = await scene.head('main');
    await scene.commit('main', 'Compute', { [file]: computed });
    const same = await run({ 'fail-on': 'regressed' }, readme);
    expect(same.code, same.stdout).toBe(0);
    expect(plan()).toMatchObject({ policy: { failOn: ['regressed'] }, warnings: [] });
    const besides = await run({ 'fail-on': 'missing' }, { [file]: workflow('fail-on: "${{ vars.FAIL_ON }}"', { env: '{ MORE: x }' }) });
    expect(besides.code, besides.stdout).toBe(2);
    for (const changed of [computed.replace('FAIL_ON: regressed', 'FAIL_ON: missing'), workflow('fail-on: missing')]) {
      const other = await run({ 'fail-on': 'missing' }, { [file]: changed });
      expect(other.code, other.stdout).toBe(2);
      expect(other.stdout).toMatch(
        /error\[inputs-refused\] with: fail-on: .*Expected `fail-on: \$\{\{ env\.FAIL_ON \}\}` with the same `env`, as base has it/,
      );
      expect(other.outputs).toEqual({ verdict: 'error', 'exit-code': '2' });
    }
    const unrelated = computed.replace('FAIL_ON: regressed', 'FAIL_ON: regressed, MORE: x');
    const more = await run({ 'fail-on': 'regressed' }, { [file]: unrelated });
    expect(more.code, more.stdout).toBe(0);
    // What the file itself does not say may be anything in both.
    await scene.commit('main', 'Compute from a variable', { [file]: workflow('fail-on: "${{ vars.FAIL_ON }}"') });
    const variable = await run({ 'fail-on': 'missing' }, { [file]: workflow('fail-on: "${{ vars.FAIL_ON }}"', { env: '{ MORE: x }' }) });
    expect(variable.code, variable.stdout).toBe(0);
    expect(plan()).toMatchObject({ policy: { failOn: ['missing'] }, warnings: [] });
    const steps = workflow('fail-on: "${{ steps.pick.outputs.fail-on }}"');
    await scene.commit('main', 'Compute by a step', { [file]: steps });
    const step = await run({ 'fail-on': 'missing' }, { [file]: steps.replace('steps:\n', 'steps:\n      - run: pick\n') });
    expect(step.code, step.stdout).toBe(0);
    expect(plan().warnings).toEqual([expect.stringContaining('computes inputs of the gate from its steps, which this change edits')]);
    await scene.commit('main', 'Undo', { [file]: workflow('fail-on: "regressed,failed", models: mini-qwen3-dense') });
    expect(await scene.head('main')).not.toBe(before);
  });

  it('hold in a change that moves the configuration with its input', async () => {
    const moved = workflow('fail-on: "regressed,failed", models: mini-qwen3-dense, config: gate.yml');
    number += 1;
    await scene.commit(`change-${number}`, 'Move', { 'gate.yml': config, [file]: moved, 'optimization-gate.yml': null });
    const { code, stdout } = await scene.pullRequest(number, `change-${number}`, { mode: 'plan', ...asBase, config: 'gate.yml' });
    expect(code, stdout).toBe(0);
    expect(plan().warnings).toEqual([expect.stringContaining('gate.yml was renamed from optimization-gate.yml')]);
  });

  it.each([
    ['with its name in `set`', 'optimizations.ours.with.ratio=0.1'],
    ['and takes its `set` away', ''],
  ])('hold in a change that renames an entry %s', async (_, set) => {
    const entry = (id: string): string => `models: [mini-qwen3-dense]\noptimizations: [{ id: ${id}, like: structured-pruning }]\n`;
    const was = 'optimizations.mine.with.ratio=0.1';
    const inputs = 'fail-on: "regressed,failed", models: mini-qwen3-dense';
    await scene.commit('main', 'Set', { 'optimization-gate.yml': entry('mine'), [file]: workflow(`${inputs}, set: "${was}"`) });
    try {
      const own = workflow(set === '' ? inputs : `${inputs}, set: "${set}"`);
      const renamed = await run({ ...asBase, ...(set === '' ? {} : { set }) }, { 'optimization-gate.yml': entry('ours'), [file]: own });
      expect(renamed.code, renamed.stdout).toBe(0);
      const [cell] = plan().cells;
      const ratios = cell.arms.map(({ id, options }: { id: string; options: { ratio: number } }) => [id, options.ratio]);
      expect(Object.fromEntries(ratios)).toEqual({ base: 0.1, head: set === '' ? 0.25 : 0.1 });
      expect(plan().warnings).toContainEqual(expect.stringContaining("The `set` of base's workflow does not fit this change."));
      const unknown = await run({ ...asBase, set: 'optimizations.none.with.ratio=0.1' }, { 'optimization-gate.yml': entry('ours') });
      expect(unknown.stdout).toContain('error[config-unknown-key]');
    } finally {
      await scene.commit('main', 'Undo', { 'optimization-gate.yml': config, [file]: workflow(inputs) });
    }
  });

  it('hold in the change that brings the workflow, with a note, and where it calls one that is not here', async () => {
    const bare = await openScene({ 'optimization-gate.yml': config }, { workflowFile: file });
    try {
      await bare.commit('first', 'First', { [file]: workflow('quick: true') });
      const first = await bare.pullRequest(1, 'first', { mode: 'plan', quick: 'true' });
      expect(first.code, first.stdout).toBe(0);
      const notes = () => JSON.parse(readFileSync(join(bare.workspace, '.optimization-gate', 'plan.json'), 'utf8')).warnings;
      expect(notes()).toEqual([
        expect.stringMatching(/^Base has no workflow that runs the gate: the inputs of \.github\/workflows\/gate\.yml count/),
      ]);
      await bare.commit('main', 'Call', { [file]: 'jobs: { gate: { uses: octo/shared/.github/workflows/gate.yml@v1 } }\n' });
      await bare.commit('second', 'Second', readme);
      expect((await bare.pullRequest(2, 'second', { mode: 'plan', quick: 'true' })).code).toBe(0);
      expect(notes()).toEqual([expect.stringContaining('could not be held against the workflow of the base branch')]);
    } finally {
      await bare.close();
    }
  });
});

describe('a worse change that weakens the gate in its own workflow', { timeout: 300_000 }, () => {
  it('fails as base has it, and its comment says so', async () => {
    const job = (inputs: string): string =>
      `on: pull_request\njobs:\n  gate:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: octo/optimization-gate@v1\n        with: { ort-path: ${ortPath}${inputs} }\n`;
    const scene = await openEngineScene({ [file]: job('') }, { workflowFile: file });
    try {
      const weaker = { 'fail-on': 'missing', quick: 'true', set: 'gate.tolerance.size=1000%' };
      const written = Object.entries(weaker).map(([name, value]) => `, ${name}: ${JSON.stringify(value)}`);
      const judged = await scene.change({ [file]: job(written.join('')) }, { inputs: weaker });
      expectRegressed(scene, judged);
      for (const name of Object.keys(weaker))
        expect(commentOn(scene, judged.number)).toMatch(new RegExp(`input ${name} is .* workflow`, 'i'));
    } finally {
      await scene.close();
    }
  });
});
