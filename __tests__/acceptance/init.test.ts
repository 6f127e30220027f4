import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openModelSource } from '../../src/models/model-source.ts';
import { buildReference } from '../../src/models/reference.ts';
import { python } from '../commands/judged-example.ts';
import { type Ended, model, Project, packageRoot } from '../commands/project.ts';
import { pruneProgram, roundModule } from '../init/program-texts.ts';
import { testFolder } from '../testkit/folder.ts';

interface Initialised {
  readonly files: readonly { readonly path: string }[];
  readonly next: readonly string[];
}

/** Whose name stands under the commits that the printed commands make. */
const withIdentity = (project: Project): Project => {
  project.git('config', 'user.name', 'A');
  project.git('config', 'user.email', 'a@example.org');
  return project;
};

const init = async (project: Project, ...args: readonly string[]): Promise<Initialised> => {
  const { code, stdout, stderr } = await project.gate('init', '--json', ...args);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
};

/** Runs the printed commands one after the other, as a person would type them. */
const typed = (project: Project, lines: readonly string[]): void => {
  for (const line of lines) {
    const environment = { PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, HOME: dirname(project.store) };
    const { status, stdout, stderr } = spawnSync('sh', ['-c', line], { cwd: project.folder, env: environment, encoding: 'utf8' });
    expect(status, `${line}\n${stdout}\n${stderr}`).toBe(0);
  }
};

const verdictOf = (project: Project): string => project.verdict().verdict;

/** A change that was committed, judged by the entry that `init` wrote. */
const judged = async (project: Project, change: () => void): Promise<Ended> => {
  change();
  project.git('commit', '--quiet', '--all', '--message', 'Change');
  return project.gate('--base', 'HEAD~1', '--quick');
};

const edit = (project: Project, path: string, from: string, to: string): void => {
  const file = join(project.folder, path);
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
};

describe('the commands that init prints', () => {
  it.skipIf(!python)(
    'lead to a green and a red gate in a repository of Python',
    async () => {
      const project = withIdentity(Project.make());
      const program = readFileSync(join(packageRoot, 'examples', 'python', 'decode.py'), 'utf8');
      project.commit({ 'requirements.txt': '# only what Python brings\n', 'bench/decode.py': program });
      const { next } = await init(project);
      expect(next[0]).toContain('.venv/');
      typed(project, next);
      expect(project.cell('bench-decode').verdict).toBe('unchanged');
      expect(project.git('status', '--porcelain')).toBe('');
      const better = await judged(project, () => edit(project, 'bench/decode.py', 'range(40_000)', 'range(30_000)'));
      expect(better.code, better.stderr).not.toBe(1);
      const worse = await judged(project, () => edit(project, 'bench/decode.py', 'range(30_000)', 'range(60_000)'));
      expect(worse.code, worse.stderr).toBe(1);
      expect(verdictOf(project)).toBe('regressed');
    },
    900_000,
  );

  it('lead to a green and a red gate in a repository of Node', async () => {
    const project = withIdentity(Project.make());
    const weights = [
      "import { readFileSync, writeFileSync } from 'node:fs';",
      'export const round = (from, to) => {',
      '  const [bytes, step] = [readFileSync(from), 2 ** (23 - 20)];',
      '  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(Math.round(bytes.readUInt32LE(at) / step) * step, at);',
      '  writeFileSync(to, bytes);',
      '};',
      '',
    ].join('\n');
    const module = `import { round } from './weights.mjs';\n${roundModule.replace('  return {', '  round(`${input.folder}/model.onnx.data`, `${output}/model.onnx.data`);\n  return {')}`;
    project.commit({ 'package.json': '{"name":"n","type":"module"}', 'optimize/round.mjs': module, 'optimize/weights.mjs': weights });
    typed(project, (await init(project)).next);
    expect(project.cell('round').verdict).toBe('unchanged');
    const same = await judged(project, () => edit(project, 'optimize/weights.mjs', '(23 - 20)', '(23 - 21)'));
    expect(same.code, same.stderr).not.toBe(1);
    const worse = await judged(project, () => edit(project, 'optimize/weights.mjs', '(23 - 21)', '(23 - 2)'));
    expect(worse.code, worse.stderr).toBe(1);
    expect(project.cell('round').verdict).toBe('regressed');
  }, 900_000);

  it('lead to a green and a red gate in a repository with an ONNX decoder', async () => {
    const project = withIdentity(Project.make());
    const exported = testFolder();
    buildReference(openModelSource(join(packageRoot, 'models', model)), exported);
    renameSync(join(exported, 'model.onnx'), join(exported, 'chat.onnx'));
    cpSync(exported, join(project.folder, 'exports'), { recursive: true });
    project.commit({});
    typed(project, (await init(project)).next);
    expect(project.cell('chat').verdict).toBe('unchanged');
    const worse = await judged(project, () => {
      const data = join(project.folder, 'exports', 'model.onnx.data');
      const bytes = readFileSync(data);
      for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE((bytes.readUInt32LE(at) & 0xff800000) >>> 0, at);
      writeFileSync(data, bytes);
    });
    expect(worse.code, worse.stderr).toBe(1);
    expect(project.cell('chat').verdict).toBe('regressed');
  }, 900_000);

  it('lead to a run in a repository without commits, where nothing is found', async () => {
    const project = withIdentity(Project.make());
    typed(project, (await init(project)).next);
    expect(project.cell('structured-pruning').verdict).toBe('unchanged');
  }, 900_000);
});

describe('init', () => {
  it('works from a subfolder and in a worktree, and refuses what is there', async () => {
    const project = withIdentity(Project.make());
    project.commit({ 'engine/optimize/round.mjs': roundModule });
    const { files } = await init(project, '--working-directory', 'engine');
    expect(files.map(({ path }) => path)).toEqual([
      'engine/optimization-gate.yml',
      '.github/workflows/optimization-gate-engine.yml',
      '.github/workflows/optimization-baselines-engine.yml',
    ]);
    const again = await project.gate('init', '--working-directory', 'engine');
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(/^error\[init-file-exists\] engine\/optimization-gate.yml: /);
    project.commit({});
    expect((await project.gate('init', '--force', '--working-directory', 'engine')).code).toBe(0);
    const worktree = testFolder();
    project.git('worktree', 'add', '--quiet', '--detach', worktree, 'HEAD~1');
    expect((await init(new Project(worktree), '--working-directory', 'engine')).files).toHaveLength(3);
  }, 120_000);

  it('of a monorepo writes configurations that can be planned', async () => {
    const project = withIdentity(Project.make());
    project.commit({
      'packages/chat/package.json': '{"name":"chat"}',
      'packages/chat/optimize/round.mjs': roundModule,
      'packages/search/pyproject.toml': '[project]\nname = "search"\n',
      'packages/search/optimize/prune.py': pruneProgram(),
    });
    const { next } = await init(project);
    const gates = next.filter((line) => line.includes('--base'));
    expect(gates.map((line) => line.replace(/^.* --base/, '--base'))).toEqual([
      '--base HEAD --quick --working-directory packages/chat',
      '--base HEAD --quick --working-directory packages/search',
    ]);
    typed(project, [...next.filter((line) => !gates.includes(line)), ...gates.map((line) => line.replace('--base', 'plan --base'))]);
  }, 120_000);

  it('prints and writes nothing with --dry-run, and belongs its options to no other command', async () => {
    const project = Project.make();
    const { code, stdout } = await project.gate('init', '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toContain('--- optimization-gate.yml');
    expect(stdout.split('\n').filter((line) => line.startsWith('  ') && line.length > 80 && !/[:#]/.test(line))).toEqual([]);
    expect(project.git('status', '--porcelain')).toBe('');
    const refused = await project.gate('run', '--dry-run');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('error[usage-bad-value] --dry-run');
  }, 120_000);

  it('outside of a repository says what to do', async () => {
    const { code, stderr } = await new Project(testFolder()).gate('init');
    expect(code).toBe(2);
    expect(stderr).toContain('error[not-a-repository]');
  }, 120_000);
});
