import { describe, expect, it } from 'vitest';
import { configuration, Project } from '../commands/project.ts';

const program = `import os, sys, json
for line in sys.stdin:
    print(json.dumps({"set": 1 + int(os.environ.get("MY_DEVICE") == "3"), "secret": 1 + int("MY_TOKEN" in os.environ)}), flush=True)
`;
const metric = (id: string): string => `{ id: ${id}, unit: n, better: lower, kind: exact }`;
const text = (rest: readonly string[]): string =>
  configuration([['engine', 'measure: python3 m.py', 'inputs: [m.py]', `metrics: [${metric('set')}, ${metric('secret')}]`]], rest);
const declaring = text(['environment: [MY_DEVICE]']);
const file = 'optimization-gate.yml';
const ignored = { '.gitignore': '.optimization-gate\n' };

const project = (...commits: readonly Readonly<Record<string, string>>[]): Project => {
  const made = Project.make();
  for (const files of commits) made.commit(files);
  return made;
};
const run = async (made: Project, device: string, command = 'run'): Promise<{ readonly code: number | null; readonly stderr: string }> =>
  made.gateWith({ MY_DEVICE: device, MY_TOKEN: 'x', CUDA_VISIBLE_DEVICES: '0' }, command, '--base', 'HEAD~1');
const heads = (made: Project): readonly unknown[] => made.verdict().cells[0]?.metrics.map(({ id, head }) => [id, head]) ?? [];

describe('variables that the configuration declares', { timeout: 120_000 }, () => {
  it('reach measured code once base declares them', async () => {
    const made = project({ ...ignored, [file]: declaring, 'm.py': program }, { 'm.py': `${program}# other\n` });
    const { code, stderr } = await run(made, '3');
    expect(code, stderr).toBe(0);
    expect(heads(made)).toEqual([
      ['set', 2],
      ['secret', 1],
    ]);
  });

  it('do not reach it before, and are listed as an edit of the policy', async () => {
    const made = project({ ...ignored, [file]: text([]), 'm.py': program }, { [file]: declaring, 'm.py': `${program}# other\n` });
    const { code, stderr } = await run(made, '3');
    expect(code, stderr).toBe(0);
    expect(heads(made)).toEqual([
      ['set', 1],
      ['secret', 1],
    ]);
    expect(made.plan().policyChanges).toEqual([expect.stringMatching(/^environment was changed from none to MY_DEVICE; none is in force/)]);
  });

  it('belong to the digest of the arms, and those of devices to that of the runtime', async () => {
    const made = project({ ...ignored, [file]: declaring, 'm.py': program }, { 'README.md': '' });
    const digests = async (device: string, cuda: string): Promise<readonly (string | undefined)[]> => {
      const { code, stderr } = await made.gateWith({ MY_DEVICE: device, CUDA_VISIBLE_DEVICES: cuda }, 'plan', '--base', 'HEAD~1');
      expect(code, stderr).toBe(0);
      const { cells, runtime } = made.plan();
      return [cells[0]?.arms[0]?.code, runtime.digest];
    };
    const [arm, runtime] = await digests('3', '0');
    expect(await digests('3', '0')).toEqual([arm, runtime]);
    expect(await digests('4', '0')).toEqual([expect.not.stringMatching(arm ?? ''), runtime]);
    expect(await digests('3', '1')).toEqual([arm, expect.not.stringMatching(runtime ?? '')]);
  });

  it.each(['MY_TOKEN', 'GITHUB_OUTPUT', 'INPUT_BASE', 'ACTIONS_RUNTIME_TOKEN', 'LD_PRELOAD'])('are refused by name: %s', async (name) => {
    const made = project({ ...ignored, [file]: text([]), 'm.py': program }, { [file]: text([`environment: [MY_DEVICE, ${name}]`]) });
    const { code, stderr } = await run(made, '3', 'plan');
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/error\[config-invalid\] optimization-gate\.yml:\d+:\d+: environment: /),
    });
    made.commit({ 'README.md': '' });
    expect(await run(made, '3', 'plan')).toMatchObject({ code: 0 });
    expect(made.plan().warnings).toEqual([expect.stringContaining(`got ${name}: `)]);
  });
});
