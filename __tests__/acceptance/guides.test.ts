import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { python } from '../commands/judged-example.ts';
import { Project, packageRoot } from '../commands/project.ts';
import { type GuideStep, guideSteps } from '../testkit/guide.ts';

const scratch = mkdtempSync(join(tmpdir(), 'guides-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const expectedStatus = ' || test $? -eq 1';

/** Carries a guide out in a scratch repository; returns the verdict of each command of the gate. */
const carryOut = async (project: Project, steps: readonly GuideStep[]): Promise<readonly string[]> => {
  const verdicts: string[] = [];
  for (const step of steps) {
    if ('file' in step) {
      mkdirSync(dirname(join(project.folder, step.file)), { recursive: true });
      writeFileSync(join(project.folder, step.file), step.text);
      continue;
    }
    for (const line of step.commands) {
      if (!line.startsWith('optimization-gate ')) {
        const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` };
        const { status, stderr } = spawnSync('sh', ['-c', line], { cwd: project.folder, env, encoding: 'utf8' });
        expect(status, `${line}\n${stderr}`).toBe(0);
        continue;
      }
      const [, ...args] = line.replace(expectedStatus, '').split(' ');
      const { code, stderr } = await project.gate(...args);
      expect(code, `${line}\n${stderr}`).toBe(line.endsWith(expectedStatus) ? 1 : 0);
      const at = args.indexOf('--working-directory');
      const folder = at === -1 ? '.' : (args[at + 1] ?? '.');
      const { cells } = JSON.parse(readFileSync(join(project.folder, folder, '.optimization-gate', 'verdict.json'), 'utf8')) as {
        cells: readonly { verdict: string }[];
      };
      verdicts.push([...new Set(cells.map(({ verdict }) => verdict))].join(' and '));
    }
  }
  return verdicts;
};

/** Whether pip finds a package from here. */
const isAvailable = (name: string): boolean =>
  spawnSync('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', scratch, name]).status === 0;

const canImport = (name: string): boolean => spawnSync('python3', ['-c', `import ${name}`]).status === 0;

describe('the guides, each in a repository of its own', () => {
  it('a Node repository: modules, and commands with packages', async () => {
    expect(await carryOut(Project.make(), guideSteps('node'))).toEqual(['unchanged', 'regressed']);
  }, 900_000);

  it('a monorepo: a change of one project leaves the other unchanged', async () => {
    expect(await carryOut(Project.make(), guideSteps('monorepo'))).toEqual(['unchanged', 'unchanged', 'regressed', 'unchanged']);
  }, 900_000);

  it.skipIf(!python)(
    'a Python repository: an environment for each side',
    async ({ skip }) => {
      if (!isAvailable('onnx')) skip('onnx cannot be installed here');
      const project = Project.make();
      // Where pip finds its packages is a setting of the user.
      project.environment = { HOME: process.env['HOME'] ?? '' };
      mkdirSync(join(project.folder, 'optimize'));
      copyFileSync(join(packageRoot, 'examples', 'python', 'prune.py'), join(project.folder, 'optimize', 'prune.py'));
      expect(await carryOut(project, guideSteps('python'))).toEqual(['unchanged', 'regressed']);
    },
    900_000,
  );

  it.skipIf(!canImport('torch'))(
    'an engine behind measure: PyTorch',
    async () => {
      // The block of vLLM stands in place of that of PyTorch, which is the one that runs here.
      const isOther = (step: GuideStep): boolean => 'file' in step && step.text.startsWith('from vllm');
      const steps = guideSteps('engine').filter((step) => !isOther(step));
      expect(await carryOut(Project.make(), steps)).toEqual(['unchanged', 'regressed']);
    },
    900_000,
  );
});
