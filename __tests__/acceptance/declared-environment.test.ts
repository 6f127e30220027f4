import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Plan } from '../../src/records/plan.ts';
import { openScene, type Scene } from '../action/scene.ts';
import type { ActionRun } from '../testkit/run-action.ts';

const file = 'optimization-gate.yml';
const config = (...rest: readonly string[]): string =>
  [
    'models: [mini-qwen3-dense]',
    'optimizations:',
    '  - id: engine',
    '    measure: node bench.mjs',
    '    inputs: [bench.mjs]',
    '    metrics:',
    ...['usual', 'declared', 'secret'].map((id) => `      - { id: ${id}, unit: n, better: lower, kind: exact }`),
    ...rest,
    '',
  ].join('\n');
const declaring = config('environment: [MY_DEVICE]');

/** Variables that choose devices and files, which no configuration declares. */
const usual = {
  ROCR_VISIBLE_DEVICES: '0',
  ZE_AFFINITY_MASK: '0.1',
  HF_HUB_CACHE: '/models',
  NUMEXPR_NUM_THREADS: '2',
  VK_DRIVER_FILES: '/icd.json',
};
const job = { ...usual, MY_DEVICE: '3', MY_TOKEN: 'x', HF_TOKEN: 'x' };

/** Answers how many of the usual variables it sees, whether the declared one, and how many secrets; each is 1 more, since 0 is no size. */
const program = (comment = ''): string => `// ${comment}
import { createInterface } from 'node:readline';
const seen = (names) => 1 + names.filter((name) => name in process.env).length;
const answer = JSON.stringify({
  usual: seen(${JSON.stringify(Object.keys(usual))}),
  declared: seen(['MY_DEVICE']),
  secret: seen(['MY_TOKEN', 'HF_TOKEN', 'GITHUB_TOKEN', 'GITHUB_OUTPUT', 'INPUT_TOKEN', 'ACTIONS_RUNTIME_TOKEN']),
});
for await (const _ of createInterface({ input: process.stdin })) console.log(answer);
`;

describe('variables of the job', { timeout: 200_000 }, () => {
  let scene: Scene;
  let number = 0;
  /** A pull request with these files on top of a base whose configuration is this. */
  const change = async (base: string, files: Readonly<Record<string, string>>): Promise<string> => {
    number += 1;
    await scene.commit('main', 'Configure', { [file]: base });
    await scene.commit(`change-${number}`, 'Change', files);
    return `change-${number}`;
  };
  const ended = (run: ActionRun, code: number): ActionRun => {
    expect(run.code, `${run.stdout}${run.stderr}`).toBe(code);
    return run;
  };
  const heads = (run: ActionRun): Readonly<Record<string, number>> => {
    const { cells } = JSON.parse(readFileSync(run.outputs['report-json'] ?? '', 'utf8'));
    return Object.fromEntries(cells[0].metrics.map(({ id, head }: { id: string; head: number }) => [id, head]));
  };
  const plan = (): Plan => JSON.parse(readFileSync(join(scene.workspace, '.optimization-gate', 'plan.json'), 'utf8'));
  const comment = (): string | undefined => scene.github.state.comments.find(({ issue }) => issue === number)?.body;

  beforeAll(async () => {
    scene = await openScene({ [file]: declaring, 'bench.mjs': program(), 'README.md': '# models\n' });
  });
  afterAll(() => scene?.close());

  it('reach measured code where they choose devices and files, or base declares them; no token does', async () => {
    const branch = await change(declaring, { 'bench.mjs': program('other') });
    const run = ended(await scene.pullRequest(number, branch, {}, job), 0);
    expect(heads(run)).toEqual({ usual: 6, declared: 2, secret: 1 });
  });

  it('that only the change declares do not reach it, and the comment lists the edit', async () => {
    const branch = await change(config(), { [file]: declaring, 'bench.mjs': program('another') });
    const run = ended(await scene.pullRequest(number, branch, {}, job), 0);
    expect(heads(run)).toEqual({ usual: 6, declared: 1, secret: 1 });
    expect(comment()).toMatch(/environment was changed from none to MY\\?_DEVICE; none is in force/);
  });

  it('belong to the digest of the code where they are declared, and to that of the runtime where they choose devices', async () => {
    const branch = await change(declaring, { 'README.md': `# ${number}\n` });
    const digests = async (device: string, visible: string): Promise<readonly unknown[]> => {
      const variables = { ...job, MY_DEVICE: device, ROCR_VISIBLE_DEVICES: visible };
      ended(await scene.pullRequest(number, branch, { mode: 'plan' }, variables), 0);
      const { cells, runtime } = plan();
      return [cells[0]?.arms[0]?.code, runtime.digest];
    };
    const [code, runtime] = await digests('3', '0');
    expect(await digests('3', '0')).toEqual([code, runtime]);
    expect(await digests('4', '0')).toEqual([expect.not.stringMatching(String(code)), runtime]);
    expect(await digests('3', '1')).toEqual([code, expect.not.stringMatching(String(runtime))]);
  });

  it.each(['MY_TOKEN', 'GITHUB_OUTPUT', 'INPUT_BASE', 'ACTIONS_RUNTIME_TOKEN', 'LD_PRELOAD'])(
    'are refused by name in the change that declares them, and left out once base does: %s',
    async (name) => {
      const refused = config(`environment: [MY_DEVICE, ${name}]`);
      const breaks = await change(config(), { [file]: refused });
      const own = ended(await scene.pullRequest(number, breaks, {}, job), 2);
      expect(own.outputs).toEqual({ verdict: 'error', 'exit-code': '2' });
      expect(own.stdout).toMatch(/error\[config-invalid\] optimization-gate\.yml:\d+:\d+: environment: /);
      expect(comment()).toContain(name.replaceAll('_', '\\_'));
      const branch = await change(refused, { 'README.md': name });
      ended(await scene.pullRequest(number, branch, { mode: 'plan' }, job), 0);
      expect(plan().warnings).toEqual([expect.stringContaining(`got ${name}. It never reaches that code: `)]);
    },
  );
});
