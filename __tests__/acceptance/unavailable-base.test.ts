import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openScene } from '../action/scene.ts';
import { configuration, Project, quickPoint } from '../commands/project.ts';
import { ScratchRepository } from '../repository/scratch-repository.ts';

const file = 'optimization-gate.yml';
const bench = (bytes: number): string =>
  `import sys, json\nfor line in sys.stdin:\n    print(json.dumps({"size": ${bytes}}), flush=True)\n`;
const measured = configuration([
  ['engine', 'measure: python3 bench/m.py', 'inputs: [bench/**]', 'metrics: [{ id: size, unit: bytes, better: lower, kind: exact }]'],
]);
const builtIn = configuration([['structured-pruning', quickPoint]]);

const worse = (configured: string): Readonly<Record<string, Readonly<Record<string, string>>>> => ({
  base: { '.gitignore': '.optimization-gate\n', [file]: configured, 'bench/m.py': bench(100) },
  head: { 'bench/m.py': bench(900) },
});

/** Its own history, and what a clone of it lacks when its remote is gone. */
const origin = (configured: string): ScratchRepository => {
  const made = ScratchRepository.create();
  const { base = {}, head = {} } = worse(configured);
  made.commit(base);
  made.git('config', 'uploadpack.allowFilter', 'true');
  made.git('config', 'uploadpack.allowAnySHA1InWant', 'true');
  made.git('checkout', '--quiet', '-b', 'topic');
  made.commit(configured === builtIn ? { [file]: configured.replace('points:', 'with: { ratio: 0.3 }\n    points:') } : head);
  made.git('checkout', '--quiet', 'main');
  return made;
};

const cut = (clone: ScratchRepository): Project => {
  clone.git('remote', 'set-url', 'origin', '/nonexistent');
  return new Project(clone.folder);
};

describe('base that cannot be had', { timeout: 300_000 }, () => {
  it.each([
    ['a partial clone without blobs', '--filter=blob:none', measured],
    ['a partial clone without trees', '--filter=tree:0', measured],
    ['a partial clone, of built-ins alone', '--filter=blob:none', builtIn],
  ])('is an error of the run: %s', async (_, filter, configured) => {
    const source = origin(configured);
    const { code, stderr } = await cut(source.clone('--branch=topic', filter)).gate('run', '--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining('error[objects-missing]') });
    expect(stderr).toContain('persist-credentials: true');
    // With its remote the same clone compares.
    const whole = await new Project(source.clone('--branch=topic', filter).folder).gate(
      configured === measured ? 'run' : 'plan',
      '--base',
      'HEAD~1',
    );
    expect(whole, whole.stderr).toMatchObject({ code: configured === measured ? 1 : 0 });
  });

  it('is an error of the run: objects that are lost', async () => {
    const project = new Project(origin(measured).folder);
    project.git('checkout', '--quiet', 'topic');
    const lost = project.git('rev-parse', 'HEAD~1:bench/m.py');
    rmSync(join(project.folder, '.git', 'objects', lost.slice(0, 2), lost.slice(2)));
    const { code, stderr } = await project.gate('run', '--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringMatching(/error\[(objects-missing|base-unavailable)\]/) });
  });

  it('is an error of the run: a tree that git does not lay out', async () => {
    const project = new Project(origin(measured).folder);
    project.git('checkout', '--quiet', 'topic');
    project.write('.git/worktrees', 'in the way');
    const { code, stderr } = await project.gate('run', '--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('error[base-unavailable] base: The files of base commit '),
    });
  });

  it('is an error of the run: a shallow clone that cannot be deepened', async () => {
    const { code, stderr } = await cut(origin(measured).clone('--branch=topic', '--depth=1', '--no-single-branch')).gate('run');
    expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining('error[shallow-clone]') });
    expect(stderr).toContain('fetch-depth: 0');
  });

  it('is an error of the run: the commit that base pins of a submodule', async () => {
    const library = ScratchRepository.create();
    library.commit({ 'm.py': bench(100) });
    const made = ScratchRepository.create();
    made.git('submodule', 'add', '--quiet', `file://${library.folder}`, 'bench');
    made.commit({ '.gitignore': '.optimization-gate\n', [file]: measured });
    made.git('checkout', '--quiet', '-b', 'topic');
    library.commit({ 'm.py': bench(900) });
    new ScratchRepository(join(made.folder, 'bench')).git('pull', '--quiet');
    made.commit({});
    const clone = made.clone('--branch=topic');
    clone.git('-c', 'protocol.file.allow=always', 'submodule', 'update', '--quiet', '--init', '--depth=1');
    const inside = new ScratchRepository(join(clone.folder, 'bench'));
    for (const each of [clone, inside]) each.git('remote', 'set-url', 'origin', '/nonexistent');
    clone.git('config', 'submodule.bench.url', '/nonexistent');
    const project = new Project(clone.folder);
    rmSync(library.folder, { recursive: true });
    const { code, stderr } = await project.gate('run', '--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining('error[submodule-missing] bench of base') });
  });
});

describe('an action on a checkout that lacks base', { timeout: 300_000 }, () => {
  it('fails the job with the way out, on worse code', async () => {
    const { base = {}, head = {} } = worse(measured);
    const scene = await openScene(base, { clone: ['--filter=blob:none', '--no-checkout'], cutOff: true });
    try {
      await scene.commit('worse', 'Worse', head);
      const run = await scene.pullRequest(5, 'worse');
      expect(run.code, run.stdout).toBe(3);
      expect(run.outputs).toEqual({ verdict: 'error', 'exit-code': '3' });
      expect(run.summary).toContain('error[objects-missing]');
      expect(run.summary).toContain('persist-credentials');
    } finally {
      await scene.close();
    }
  });
});
