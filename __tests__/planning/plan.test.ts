import { beforeAll, describe, expect, it } from 'vitest';
import { configuration, copied, copyProgram, model, Project, quickPoint } from '../commands/project.ts';

const ignored = { '.gitignore': '.optimization-gate\n' };
const spent = 'budget: { minutes: 0.00001 }';
const pruning = (ratio: number): readonly string[] => ['structured-pruning', `with: { target: ffn, ratio: ${ratio} }`, quickPoint];

describe('the plan', () => {
  let project: Project;
  beforeAll(() => {
    project = Project.make();
    project.commit({
      ...ignored,
      'copy.mjs': copyProgram(false),
      'optimization-gate.yml': configuration(
        [copied('kept'), copied('dropped')],
        [
          'gate: { alpha: 0.01, tolerance: { prefill-latency: 1% }, must-detect: 5%, fail-on: [regressed, missing] }',
          'limits: { seconds: 100 }',
          spent,
        ],
      ),
    });
    project.commit({
      'optimization-gate.yml': configuration(
        [copied('kept'), ['added', 'like: structured-pruning', 'module: copy.mjs', 'inputs: [copy.mjs]', quickPoint]],
        ['gate: { alpha: 0.5, tolerance: { prefill-latency: 90% }, must-detect: 90%, fail-on: [] }', 'limits: { seconds: 900 }'],
      ),
    });
  });

  it("keeps base's policy, and tells what head would loosen", async () => {
    expect(await project.gate('plan', '--base', 'HEAD~1')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.not.stringContaining('error'),
    });
    const plan = project.plan();
    expect(plan.policy).toMatchObject({ alpha: 0.01, mustDetect: 0.05, failOn: ['regressed', 'missing'] });
    expect(plan.policy.looks.reduce((sum, { alpha, lastAlpha }) => sum + alpha + lastAlpha, 0)).toBeLessThanOrEqual(0.01);
    expect(plan.limits.seconds).toBe(100);
    const latency = plan.cells[0]?.metrics.find(({ id }) => id === 'prefill-latency');
    expect(latency?.tolerance).toBe(0.01);
    for (const rule of [
      'gate.alpha',
      'gate.fail-on',
      'gate.must-detect',
      'gate.tolerance.prefill-latency',
      'limits.seconds',
      'budget.minutes',
    ])
      expect(plan.policyChanges.filter((change) => change.startsWith(rule))).toHaveLength(1);
    expect(plan.cells.map(({ id, presence }) => [id.split('/')[1], presence])).toEqual([
      ['kept', 'both'],
      ['added', 'new'],
      ['dropped', 'removed'],
    ]);
    expect(plan.base?.commit).toBe(project.git('rev-parse', 'HEAD~1'));
    expect(plan.head).toEqual({ commit: project.git('rev-parse', 'HEAD'), dirty: false });
  });

  it('is the same text for the same tree, and another for an edited one', async () => {
    await project.gate('plan', '--base', 'HEAD~1');
    const text = project.text('plan.json');
    await project.gate('plan', '--base', 'HEAD~1');
    expect(project.text('plan.json')).toBe(text);
    project.write('copy.mjs', copyProgram(false, 'edited'));
    await project.gate('plan', '--base', 'HEAD~1');
    expect(project.plan().head.dirty).toBe(true);
    expect(project.text('plan.json')).not.toBe(text);
    project.git('checkout', '--quiet', 'copy.mjs');
  });

  it('takes what the command line says of head', async () => {
    expect(await project.gate('plan', '--base', 'HEAD~1', '--optimizations', 'added', '--models', model, '--seed', '7')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.not.stringContaining('error'),
    });
    const plan = project.plan();
    expect(plan.cells.map(({ id }) => id)).toEqual([`${model}/added`]);
    expect(plan.seed).toBe(7);
    expect((await project.gate('plan', '--base', 'HEAD~1', '--set', 'gate.alpha=0.4')).code).toBe(0);
    expect(project.plan().policy.alpha).toBe(0.01);
    expect(project.plan().policyChanges.join(' ')).toContain('0.4');
  });

  it.each([
    [['plan', '--frobnicate'], 'usage-unknown-option', /--frobnicate/],
    [['paln'], 'usage-unknown-command', /plan/],
    [['plan', '--seed', 'many'], 'usage-bad-value', /seed/],
    [['plan', '--base', 'HEAD~1', '--models', 'mini-qwen3-dance'], 'model-unknown', /mini-qwen3-dense/],
    [['plan', '--base', 'HEAD~1', '--optimizations', 'kpet'], 'optimization-unknown', /kept/],
    [['plan', '--base', 'no-such-branch'], 'base-not-found', /no-such-branch/],
    [['plan', '--base', 'HEAD~1', '--set', 'gate.alhpa=0.1'], 'config-unknown-key', /alpha/],
    [['plan', '--base', 'HEAD~1', '--set', 'optimizations.kept.like=pruning'], 'optimization-unknown', /structured-pruning/],
    [['plan', '--base', 'HEAD~1', '--config', 'absent.yml'], 'config-missing', /absent\.yml/],
    [['measure', '--run-dir', 'nowhere'], 'document-invalid', /plan\.json.*run `plan` first/],
    [['gate', '--run-dir', 'nowhere'], 'document-invalid', /plan\.json.*run `plan` first/],
  ] as const)('%s ends with status 2', async (args, code, says) => {
    const { code: status, stderr, stdout } = await project.gate(...args);
    expect({ status, stderr, stdout }).toMatchObject({ status: 2, stderr: expect.stringContaining(`error[${code}]`), stdout: '' });
    expect(stderr).toMatch(says);
  });

  it.each([
    ['an unknown key', 'gaet: { alpha: 0.1 }', 'config-unknown-key', /optimization-gate\.yml:\d+:\d+.*gate/s],
    ['a value', 'gate: { alpha: 7 }', 'config-invalid', /optimization-gate\.yml:\d+:\d+/],
    ['the syntax', 'gate: { alpha: ', 'config-syntax', /optimization-gate\.yml:\d+:\d+/],
  ])('a configuration with %s wrong ends with status 2 at its place', async (_what, line, code, says) => {
    const broken = Project.make();
    broken.commit({ ...ignored, 'copy.mjs': copyProgram(false), 'optimization-gate.yml': configuration([copied('kept')]) });
    broken.commit({ 'optimization-gate.yml': configuration([copied('kept')], [line]) });
    const { code: status, stderr } = await broken.gate('--base', 'HEAD~1');
    expect({ status, stderr }).toMatchObject({ status: 2, stderr: expect.stringContaining(`error[${code}]`) });
    expect(stderr).toMatch(says);
  });

  it('what is refused after base was read otherwise than it stands is told with that', async () => {
    const broken = Project.make();
    broken.commit({ ...ignored, 'copy.mjs': copyProgram(false), 'optimization-gate.yml': configuration([copied('kept')]) });
    broken.commit({ 'optimization-gate.yml': configuration([copied('kept'), copied('added')], ['gate: { alpha: ']) });
    broken.commit({ 'README.md': 'another\n' });
    const { code, stderr } = await broken.gate('plan', '--base', 'HEAD~1', '--optimizations', 'added');
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('error[optimization-unknown]') });
    expect(stderr).toMatch(/warning: optimization-gate\.yml:\d+:\d+ of base: .*its last readable version counts/s);
  });

  it('an option of a built-in ends with status 2 at its place', async () => {
    const broken = Project.make();
    broken.commit({ ...ignored, 'optimization-gate.yml': configuration([pruning(0.25)]) });
    broken.commit({ 'optimization-gate.yml': configuration([pruning(7)]) });
    const { code, stderr } = await broken.gate('--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('error[option-invalid]') });
    expect(stderr).toMatch(/optimization-gate\.yml:\d+:\d+.*ratio/s);
  });
});

describe('a run', () => {
  it('interrupted while it builds forgets the builds that it ended', async () => {
    const project = Project.make();
    const slow = `import { writeFileSync } from 'node:fs';\nwriteFileSync('started', '');\nsetInterval(() => {}, 1000);\n`;
    const entry = copied('slow').map((line) => line.replace('copy.mjs {model}', 'slow.mjs {model}').replace('[copy.mjs]', '[slow.mjs]'));
    project.commit({ '.gitignore': '.optimization-gate\nstarted\n', 'slow.mjs': '', 'optimization-gate.yml': configuration([entry]) });
    project.commit({ 'slow.mjs': slow });
    const { child, ended } = project.start('--base', 'HEAD~1');
    while (project.git('status', '--short', '--ignored', 'started') === '') await new Promise((done) => setTimeout(done, 50));
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining('error[interrupted]') });
    expect(project.samples()).toMatchObject({ stopped: 'interrupted', built: new Map(), settled: new Map() });
    expect(project.processes()).toEqual([]);
  });
});
