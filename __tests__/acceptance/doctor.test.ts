import { appendFileSync, chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import { checkedCodes, doctorCodes } from '../commands/doctor-codes.ts';
import { configuration, copied, copyProgram, model, Project, packageRoot } from '../commands/project.ts';
import { ScratchRepository } from '../repository/scratch-repository.ts';

interface Situation {
  readonly code: ErrorCode;
  /** Id of the check that finds it, or its beginning. */
  readonly check: string;
  readonly make: (project: Project) => readonly string[] | undefined;
  /** What the words name. */
  readonly names: string;
  /** A run finds it only when it builds or measures. */
  readonly late?: boolean;
}

const good = configuration([['structured-pruning']]);
const own = (lines: readonly string[], rest: readonly string[] = []): string => configuration([lines], rest);
const measured = (command: string): string =>
  own(['speed', `measure: ${command}`, 'metrics:', '  - { id: time, unit: ms, better: lower, kind: timing }']);

const config =
  (text: string) =>
  (project: Project): undefined => {
    project.commit({ 'optimization-gate.yml': text });
  };

const situations: readonly Situation[] = [
  { code: 'config-unknown-key', check: 'configuration', make: config('gate: { alhpa: 1 }\n'), names: 'alhpa' },
  { code: 'config-syntax', check: 'configuration', make: config('gate: {\n'), names: 'optimization-gate.yml' },
  { code: 'config-invalid', check: 'configuration', make: config('gate: { must-detect: many }\n'), names: 'must-detect' },
  { code: 'config-too-large', check: 'configuration', make: config(`# ${'x'.repeat(300_000)}\n`), names: 'optimization-gate.yml' },
  { code: 'config-missing', check: 'configuration', make: () => ['--config', 'other.yml'], names: 'other.yml' },
  {
    code: 'link-invalid',
    check: 'configuration',
    make: (project) => {
      rmSync(join(project.folder, 'optimization-gate.yml'));
      symlinkSync('../outside.yml', join(project.folder, 'optimization-gate.yml'));
      project.commit({});
    },
    names: 'optimization-gate.yml',
  },
  {
    code: 'lfs-pointer',
    check: 'configuration',
    make: config(`version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12\n`),
    names: 'optimization-gate.yml',
  },
  { code: 'model-unknown', check: 'plan', make: config(good.replace(model, 'no-such-model')), names: 'no-such-model' },
  {
    code: 'model-unknown',
    check: 'plan',
    make: (project) => void project.commit({ 'models/mine/weights.bin': 'x', 'optimization-gate.yml': good.replace(model, 'mine') }),
    names: 'mine',
  },
  {
    code: 'model-missing',
    check: 'plan',
    make: (project) =>
      void project.commit({ '.gitignore': 'models/\n.optimization-gate\n', 'optimization-gate.yml': good.replace(model, 'mine') }),
    names: 'mine',
  },
  {
    code: 'model-invalid',
    check: 'model',
    make: (project) => void project.commit({ 'models/mine/card.json': '{}', 'optimization-gate.yml': good.replace(model, 'mine') }),
    names: 'mine',
  },
  {
    code: 'model-digest-mismatch',
    check: 'model',
    make: (project) => {
      cpSync(join(packageRoot, 'models', model), join(project.folder, 'models', 'mine'), { recursive: true });
      const card = join(project.folder, 'models/mine/card.json');
      writeFileSync(card, readFileSync(card, 'utf8').replaceAll(model, 'mine'));
      appendFileSync(join(project.folder, 'models/mine/calibration.safetensors'), 'x');
      project.commit({ 'optimization-gate.yml': good.replace(model, 'mine') });
    },
    names: 'calibration.safetensors',
  },
  {
    code: 'acceptance-invalid',
    check: 'plan',
    make: (project) => {
      const accepted = [{ cell: 'no/such', retire: true, expires: '2099-01-31', reason: 'it went' }];
      project.commit({ 'baselines/accepted.json': JSON.stringify({ schema: 'optimization-gate/accepted/1', accepted }) });
      return undefined;
    },
    names: 'no/such',
  },
  { code: 'optimization-unknown', check: 'plan', make: config(configuration([['no-such-thing']])), names: 'no-such-thing' },
  { code: 'option-invalid', check: 'plan', make: config(configuration([['structured-pruning', 'with: { ratio: many }']])), names: 'ratio' },
  { code: 'base-not-found', check: 'git', make: () => ['--base', 'no-such-branch'], names: 'no-such-branch' },
  {
    code: 'folder-refused',
    check: 'run folder',
    make: (project) => {
      project.commit({ 'results/mine.txt': 'x' });
      return ['--run-dir', 'results'];
    },
    names: 'mine.txt',
  },
  {
    code: 'provider-unavailable',
    check: 'provider nosuch',
    make: config(own(['structured-pruning'], ['runtime: { provider: nosuch }'])),
    names: 'nosuch',
    late: true,
  },
  { code: 'runtime-not-found', check: 'runtime', make: ({ folder }) => ['--ort-path', folder], names: 'onnxruntime-node' },
  {
    code: 'baseline-invalid',
    check: 'plan',
    make: (project) => {
      project.commit({ [`baselines/linux/${model}.json`]: '{' });
      return ['--base', 'HEAD~1'];
    },
    names: `baselines/linux/${model}.json`,
  },
  {
    code: 'acceptance-invalid',
    check: 'plan',
    make: (project) => {
      project.commit({ 'baselines/accepted.json': '{}' });
      return ['--base', 'HEAD~1'];
    },
    names: 'baselines/accepted.json',
  },
  {
    code: 'submodule-missing',
    check: 'base tree',
    make: (project) => {
      const library = ScratchRepository.create();
      library.commit({ 'lib.py': '1' });
      project.git('submodule', '--quiet', 'add', library.folder, 'vendor/lib');
      project.commit({
        'optimization-gate.yml': own([...copied('own').slice(0, 3), 'inputs: [copy.mjs, vendor/**]']),
        'copy.mjs': copyProgram(false),
      });
      const inside = new ScratchRepository(join(project.folder, 'vendor/lib'));
      inside.git('checkout', '--quiet', '--orphan', 'other');
      inside.commit({ 'lib.py': '2' });
      project.commit({});
      inside.git('branch', '-D', 'main');
      inside.git('remote', 'remove', 'origin');
      rmSync(library.folder, { recursive: true });
      inside.git('reflog', 'expire', '--expire=now', '--all');
      inside.git('gc', '--quiet', '--prune=now');
      return ['--base', 'HEAD~1'];
    },
    names: 'vendor/lib',
    late: true,
  },
  {
    code: 'setup-failed',
    check: 'program of setup',
    make: (project) => {
      project.commit({
        'copy.mjs': copyProgram(false),
        'optimization-gate.yml': own(copied('own').slice(0, 4), ['setup: no-such-program install']),
      });
      return undefined;
    },
    names: 'no-such-program',
    late: true,
  },
  {
    code: 'build-failed',
    check: 'program of command',
    make: config(own(['own', 'like: structured-pruning', 'command: no-such-program {model} {output}', 'inputs: [optimization-gate.yml]'])),
    names: 'no-such-program',
    late: true,
  },
  {
    code: 'build-failed',
    check: 'program of command',
    make: config(
      own(['own', 'like: structured-pruning', 'command: node no/such/file.mjs {model} {output}', 'inputs: [optimization-gate.yml]']),
    ),
    names: 'no/such/file.mjs',
    late: true,
  },
  {
    code: 'subject-crashed',
    check: 'program of measure',
    make: config(measured('./no-such-program')),
    names: './no-such-program',
    late: true,
  },
  {
    code: 'subject-crashed',
    check: 'program of measure',
    make: (project) => {
      project.commit({ 'bench.sh': '#!/bin/sh\n', 'optimization-gate.yml': measured('./bench.sh') });
      chmodSync(join(project.folder, 'bench.sh'), 0o644);
    },
    names: 'may not be run',
    late: true,
  },
];

interface Report {
  readonly ready: boolean;
  readonly checks: readonly { readonly id: string; readonly status: string; readonly says: string }[];
}

const started = (): Project => {
  const project = Project.make();
  project.commit({ 'optimization-gate.yml': good });
  project.commit({ 'note.md': 'base of what follows' });
  return project;
};
const bad = (report: Report) => report.checks.filter(({ status }) => status === 'bad');

describe('doctor', { timeout: 120_000 }, () => {
  it.each(situations.map((situation) => [`${situation.code}: ${situation.names}`, situation] as const))(
    'finds what a run refuses: %s',
    async (_, { code, check, make, names, late }) => {
      const project = started();
      // What the change brings is refused; what base has already is only warned of.
      const given = make(project) ?? [];
      const args = given.includes('--base') ? given : [...given, '--base', 'HEAD~1'];
      const ended = await project.gate('doctor', '--json', ...args);
      const report = JSON.parse(ended.stdout) as Report;
      const found = report.checks.filter(({ id, says }) => id.startsWith(check) && says.includes(`[${code}]`));
      expect(found, JSON.stringify(bad(report))).not.toEqual([]);
      expect(found[0]).toMatchObject({ status: 'bad', says: expect.stringContaining(names) });
      expect(report.ready).toBe(false);
      expect(ended.code).not.toBe(0);
      if (late !== true) {
        const planned = await project.gate('plan', ...args);
        expect(planned).toMatchObject({ code: 2, stderr: expect.stringContaining(`error[${code}]`) });
        expect(ended.code).toBe(2);
      }
    },
  );

  it('finds a clone that cannot be deepened', async () => {
    const origin = started();
    origin.commit({ a: '1' });
    const { folder } = origin.clone('--depth=1');
    rmSync(origin.folder, { recursive: true });
    const ended = await new Project(folder).gate('doctor', '--json', '--event', 'change', '--base', 'HEAD~1');
    expect(bad(JSON.parse(ended.stdout) as Report).map(({ id, says }) => [id, /\[(.*?)\]/.exec(says)?.[1]])).toEqual([
      ['git', 'shallow-clone'],
    ]);
    expect(ended.code).toBe(3);
  });

  it('finds a base whose files cannot be had, and one that git does not lay out', async () => {
    const found = async (project: Project): Promise<readonly (string | undefined)[]> => {
      const { stdout } = await project.gate('doctor', '--json', '--base', 'HEAD~1');
      return bad(JSON.parse(stdout) as Report).map(({ says }) => /\[([a-z-]+)\]/.exec(says)?.[1]);
    };
    const project = started();
    project.commit({ 'bench.py': 'import sys\nfor _ in sys.stdin: print(1)\n', 'optimization-gate.yml': measured('python3 bench.py') });
    project.commit({ 'bench.py': 'import sys\nfor _ in sys.stdin: print(2)\n' });
    project.git('config', 'uploadpack.allowFilter', 'true');
    const partial = project.clone('--filter=blob:none');
    partial.git('remote', 'set-url', 'origin', '/nonexistent');
    expect(await found(new Project(partial.folder))).toEqual(['objects-missing']);
    project.write('.git/worktrees', 'in the way');
    expect(await found(project)).toEqual(['base-unavailable']);
  });

  it('finds a folder that is no checkout', async () => {
    const project = started();
    rmSync(join(project.folder, '.git'), { recursive: true });
    const ended = await project.gate('doctor', '--json');
    expect(bad(JSON.parse(ended.stdout) as Report)[0]).toMatchObject({ id: 'git', says: expect.stringContaining('[not-a-repository]') });
  });

  it.each([
    ['git-too-old', 'echo git version 2.25.1', 'got "git version 2.25.1"'],
    ['git-failed', 'exit 127', 'Expected release 2.30 or newer'],
  ])('finds a git that does not do: %s, and so does a run at its start', async (code, body, words) => {
    const project = started();
    const folder = mkdtempSync(join(tmpdir(), 'gate-bin-'));
    writeFileSync(join(folder, 'git'), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    const before = process.env['PATH'];
    process.env['PATH'] = `${folder}:${before}`;
    const [doctor, run] = [project.start('doctor', '--json').ended, project.start('run').ended];
    process.env['PATH'] = before;
    const found = bad(JSON.parse((await doctor).stdout) as Report);
    expect(found.find(({ id }) => id === 'git')?.says).toMatch(new RegExp(`${words}.*\\[${code}\\]`));
    expect((await doctor).code).toBe(2);
    expect(await run).toMatchObject({ code: 2, stderr: expect.stringContaining(`error[${code}]`) });
    rmSync(folder, { recursive: true });
  });

  it('is content with programs that are there, and says which ones only setup can bring', async () => {
    const project = started();
    const commands = own(copied('own').slice(0, 4));
    project.commit({ 'copy.mjs': copyProgram(false), 'optimization-gate.yml': commands });
    const good = JSON.parse((await project.gate('doctor', '--json')).stdout) as Report;
    expect([good.ready, bad(good)]).toEqual([true, []]);
    expect(good.checks.find(({ id }) => id === 'programs')?.says).toBe('1 command of the configuration: every program is there');
    project.commit({
      'optimization-gate.yml': own(
        ['own', 'like: structured-pruning', 'command: .venv/bin/python copy.mjs {model} {output}', 'inputs: [copy.mjs]'],
        ['setup: node --version'],
      ),
    });
    const later = JSON.parse((await project.gate('doctor', '--json')).stdout) as Report;
    expect(later.ready).toBe(true);
    expect(later.checks.find(({ id }) => id === 'program of command of own')).toMatchObject({
      status: 'warning',
      says: expect.stringContaining('setup'),
    });
  });

  it('leaves nothing in the repository, and no worktree', async () => {
    const project = started();
    project.commit({ 'copy.mjs': copyProgram(false), 'optimization-gate.yml': own(copied('own').slice(0, 4)) });
    await project.gate('doctor', '--base', 'HEAD~1');
    expect(project.git('status', '--porcelain', '--ignored')).toBe('');
    expect(project.git('worktree', 'list').split('\n')).toHaveLength(1);
  });
});

it('there is a situation for every error that doctor has a check for, or another test', () => {
  const elsewhere: readonly ErrorCode[] = [
    'not-a-repository',
    'shallow-clone',
    'git-too-old',
    'git-failed',
    'document-too-large',
    'objects-missing',
    'base-unavailable',
    'isolation-unavailable',
    'store-unwritable',
    'folder-unwritable',
    'gate-in-project',
  ];
  const shown = new Set([...situations.map(({ code }) => code), ...elsewhere]);
  expect(checkedCodes.filter(({ code }) => !shown.has(code))).toEqual([]);
  expect(situations.filter(({ code }) => !('check' in doctorCodes[code]))).toEqual([]);
});
