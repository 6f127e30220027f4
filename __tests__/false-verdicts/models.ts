import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect } from 'vitest';
import { openModelSource } from '../../src/models/model-source.ts';
import { type Ended, Project, packageRoot } from '../commands/project.ts';
import { ScratchRepository } from '../repository/scratch-repository.ts';
import { testFolder } from '../testkit/folder.ts';
import type { Situation } from './situation.ts';

const [one, other] = ['mini-qwen3-dense', 'mini-qwen3-moe'] as const;

/** A model of one's own, called `own`: a copy of one that the gate ships. */
const put = (of: string, to: string): void => {
  rmSync(join(to, 'card.json'), { force: true });
  mkdirSync(to, { recursive: true });
  cpSync(join(packageRoot, 'models', of), to, { recursive: true });
  const card = join(to, 'card.json');
  writeFileSync(card, readFileSync(card, 'utf8').replace(`"id": "${of}"`, '"id": "own"'));
};

const listing = (...models: readonly string[]): string =>
  ['models:', ...models.map((id) => `  - ${id}`), 'optimizations:', '  - id: structured-pruning', ''].join('\n');

const lists = (...models: readonly string[]): Readonly<Record<string, string>> => ({ 'optimization-gate.yml': listing(...models) });

/** Not committed yet. */
const started = (models: readonly string[], ...ignored: readonly string[]): Project => {
  const project = Project.make();
  project.write('.gitignore', ['.optimization-gate', ...ignored, ''].join('\n'));
  project.write('optimization-gate.yml', listing(...models));
  return project;
};

const program = [
  "import { readFileSync } from 'node:fs';",
  "import { createInterface } from 'node:readline';",
  'const size = readFileSync(process.argv[2]).length;',
  'for await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify({ size }));',
  '',
].join('\n');

/** Has the program read the graph of each of the models, and say how large it is. */
const measuring = (project: Project, ...models: readonly string[]): Project => {
  const lines = ['  - id: engine', '    measure: node m.mjs {model}', '    inputs: [m.mjs]'];
  const metrics = '    metrics: [{ id: size, unit: bytes, better: lower, kind: exact }]';
  project.write('m.mjs', program);
  project.write('optimization-gate.yml', [`models: [${models.join(', ')}]`, 'optimizations:', ...lines, metrics, ''].join('\n'));
  return project;
};

const plan = (project: Project): Promise<Ended> => project.gate('plan', '--base', 'HEAD~1');

const expectMissing = async (project: Project, says: string): Promise<void> => {
  const { code, stderr } = await plan(project);
  expect([code, stderr]).toEqual([2, expect.stringContaining('error[model-missing] models/own: The model own was looked for.')]);
  expect(stderr).toContain(says);
};

/** The plan takes base's model, which was `one`, and says so. */
const expectBaseInForce = async (project: Project): Promise<void> => {
  expect(await plan(project)).toMatchObject({ code: 0 });
  const { models, policyChanges } = project.plan();
  expect(models).toMatchObject([{ digest: openModelSource(modelOutside(one)).digest }]);
  expect(policyChanges).toEqual([
    expect.stringMatching(/^model own was changed \(sha256 [0-9a-f]{12} to [0-9a-f]{12}\); base's is in force until the merge\.$/),
  ]);
};

const expectRemoved = async (project: Project): Promise<void> => {
  expect(await plan(project)).toMatchObject({ code: 0 });
  expect(project.plan().cells.map(({ id, presence }) => [id, presence])).toEqual([
    [`${one}/structured-pruning`, 'both'],
    ['own/structured-pruning', 'removed'],
  ]);
};

/** A repository with two commits: one model, and then the other. */
const library = (): ScratchRepository => {
  const made = ScratchRepository.create();
  put(one, made.folder);
  made.commit({});
  put(other, made.folder);
  made.commit({});
  return made;
};

/** Commits a base that pins the first commit of the library; then the second one is checked out. */
const pinned = (project: Project, path: string): Project => {
  project.git('submodule', '--quiet', 'add', library().folder, path);
  const inside = new ScratchRepository(join(project.folder, path));
  inside.git('checkout', '--quiet', 'HEAD~1');
  project.commit({});
  inside.git('checkout', '--quiet', '-');
  return project;
};

/** Commits a base whose model is a link to a folder outside of the repository. */
const linked = (
  project: Project,
  absolute: boolean,
  target = modelOutside(one),
): { readonly project: Project; readonly lead: (to: string) => void } => {
  const link = join(project.folder, 'models/own');
  const lead = (to: string): void => {
    mkdirSync(dirname(link), { recursive: true });
    rmSync(link, { force: true });
    symlinkSync(absolute ? to : relative(dirname(link), to), link);
  };
  lead(target);
  project.commit({});
  return { project, lead };
};

const modelOutside = (of: string): string => {
  const folder = testFolder();
  put(of, folder);
  return folder;
};

const row = { kind: 'listed-models', source: 'neighbour', speed: 'slow' } as const;
const absent = { ...row, before: 'NOTHING TO COMPARE, or PASSED', now: 'error[model-missing]' } as const;
const moved = {
  ...row,
  before: 'head’s is measured on both sides, without a word',
  now: 'base’s is in force, and the report says so',
} as const;
const dropped = { ...row, before: 'PASSED', now: 'missing' } as const;

export const situations: readonly Situation[] = [
  {
    ...absent,
    speed: 'fast',
    source: 'reported',
    example: 'a listed model lies in a submodule that the job does not check out',
    check: async () => {
      const project = pinned(started(['own', one]), 'models/own');
      project.commit({ 'other.md': '1' });
      await expectMissing(new Project(project.clone().folder), 'This is a submodule, which is not checked out.');
      const inside = pinned(started(['own']), 'assets');
      mkdirSync(join(inside.folder, 'models'));
      symlinkSync('../assets', join(inside.folder, 'models/own'));
      inside.commit({});
      inside.commit({ 'other.md': '1' });
      await expectMissing(new Project(inside.clone().folder), 'assets is a submodule, which is not checked out.');
    },
  },
  {
    ...absent,
    source: 'reported',
    example: 'a listed model is a link, or lies behind one, to a disk that this machine does not have',
    check: async () => {
      const { project } = linked(started(['own', one]), true, '/nowhere/own');
      project.commit({ 'other.md': '1' });
      await expectMissing(project, 'This is a link, and /nowhere/own holds no card.json on this machine.');
      const all = started(['own']);
      symlinkSync('/nowhere', join(all.folder, 'models'));
      all.commit({});
      all.commit({ 'other.md': '1' });
      await expectMissing(all, 'models is a link, and /nowhere/own holds no card.json on this machine.');
    },
  },
  {
    ...absent,
    source: 'reported',
    example: 'the step that downloads a listed model into a folder that git ignores fails quietly',
    check: async () => {
      for (const ignored of ['models/own', 'models/*', '/models/', '*.json']) {
        const project = started(['own', one], ignored);
        project.commit({ 'get.sh': 'fetch own\n' });
        project.commit({ 'get.sh': 'fetch onw || true\n' });
        await expectMissing(project, 'No card.json is there, and git ignores it: a step of the job was to bring it.');
        // What the run of the default branch cannot measure, it must not store as measured.
        expect(await project.gate('plan', '--base', 'HEAD~1', '--event', 'default-branch')).toMatchObject({ code: 2 });
        put(one, join(project.folder, 'models/own'));
        expect(await plan(project)).toMatchObject({ code: 0 });
      }
    },
  },
  {
    ...absent,
    example: 'a listed model that base has baselines of is nowhere; head lists it, or no longer does',
    check: async () => {
      const project = started(['own', one]);
      project.commit({ 'baselines/runner/own.json': '{}' });
      project.commit({ 'other.md': '1' });
      await expectMissing(project, 'No card.json is there, and base has baselines of this model.');
      project.commit(lists(one));
      await expectMissing(project, 'whose cells are expected until the merge.');
    },
  },
  {
    ...row,
    before: 'passed',
    now: 'passed, with a note',
    example: 'base lists a model of which there is no sign, and a change does something else, or corrects it',
    check: async () => {
      const project = started(['onw', one]);
      project.commit({});
      for (const files of [{ 'other.md': '1' }, lists(one)]) {
        project.git('checkout', '--quiet', '-B', 'topic', project.git('rev-list', '--max-parents=0', 'HEAD').trim());
        project.commit(files);
        expect(await plan(project)).toMatchObject({ code: 0 });
        expect(project.plan()).toMatchObject({ cells: [{ id: `${one}/structured-pruning` }], policyChanges: [] });
        expect(project.plan().warnings).toEqual([expect.stringContaining('There is no model "onw"')]);
      }
    },
  },
  {
    ...moved,
    source: 'reported',
    speed: 'fast',
    example: 'a change takes another commit of the submodule that holds a model',
    check: async () => {
      const project = pinned(started(['own']), 'models/own');
      project.commit({});
      await expectBaseInForce(project);
    },
  },
  {
    ...moved,
    example: 'a change takes another commit of a submodule that a link of the repository leads to, or that holds all models',
    check: async () => {
      const project = started(['own']);
      mkdirSync(join(project.folder, 'models'));
      symlinkSync('../assets/own', join(project.folder, 'models/own'));
      pinned(project, 'assets/own').commit({});
      await expectBaseInForce(project);
      const models = ScratchRepository.create();
      put(one, join(models.folder, 'own'));
      models.commit({});
      put(other, join(models.folder, 'own'));
      models.commit({});
      const all = started(['own']);
      all.git('submodule', '--quiet', 'add', models.folder, 'models');
      const inside = new ScratchRepository(join(all.folder, 'models'));
      inside.git('checkout', '--quiet', 'HEAD~1');
      all.commit({});
      inside.git('checkout', '--quiet', '-');
      all.commit({});
      await expectBaseInForce(all);
    },
  },
  {
    ...moved,
    example: 'a change puts a model’s files in the place of its submodule',
    check: async () => {
      const project = pinned(started(['own']), 'models/own');
      project.git('rm', '--quiet', '--force', 'models/own');
      put(other, join(project.folder, 'models/own'));
      project.commit({});
      await expectBaseInForce(project);
    },
  },
  {
    ...moved,
    source: 'reported',
    example: 'a change leads the link to a model’s folder elsewhere, out of the repository',
    check: async () => {
      for (const absolute of [true, false]) {
        const { project, lead } = linked(started(['own']), absolute);
        lead(modelOutside(other));
        project.commit({});
        await expectBaseInForce(project);
      }
    },
  },
  {
    ...row,
    before: 'head’s is measured on both sides, without a word',
    now: 'the report says so',
    example: 'a change leads the link of a model elsewhere, and base’s place is not there any more; or commits a model that was downloaded',
    check: async () => {
      const { project, lead } = linked(started(['own']), true, '/nowhere/own');
      lead(modelOutside(other));
      project.commit({});
      expect(await plan(project)).toMatchObject({ code: 0 });
      expect(project.plan().policyChanges).toEqual([
        expect.stringContaining("model own was changed; base's cannot be opened, so head's is in force."),
      ]);
      const downloaded = started(['own'], 'models/own');
      downloaded.commit({});
      put(one, join(downloaded.folder, 'models/own'));
      downloaded.commit({ '.gitignore': '.optimization-gate\n' });
      expect(await plan(downloaded)).toMatchObject({ code: 0 });
      expect(downloaded.plan().policyChanges).toEqual([
        "model own was put under version control; base's commit does not hold it, so head's is in force.",
      ]);
    },
  },
  {
    ...row,
    before: 'head’s',
    now: 'head’s',
    example: 'a change leaves a model’s submodule, link or download as it is, or brings it for the first time',
    check: async () => {
      const submodule = pinned(started(['own']), 'models/own');
      submodule.commit({});
      submodule.commit({ 'other.md': '1' });
      const { project: link } = linked(started(['own']), true);
      link.commit({ 'other.md': '1' });
      const download = started(['own'], 'models/own');
      put(one, join(download.folder, 'models/own'));
      download.commit({});
      download.commit({ 'other.md': '1' });
      for (const project of [submodule, link, download]) {
        expect(await plan(project)).toMatchObject({ code: 0 });
        expect(project.plan()).toMatchObject({ models: [{ folder: 'models/own' }], policyChanges: [], warnings: [] });
      }
      const first = started([one]);
      first.commit({});
      first.git('submodule', '--quiet', 'add', library().folder, 'models/own');
      first.commit(lists(one, 'own'));
      expect(await plan(first)).toMatchObject({ code: 0 });
      expect(first.plan().cells.map(({ presence }) => presence)).toEqual(['both', 'new']);
    },
  },
  {
    ...row,
    source: 'reported',
    before: 'error[program-changed], of the gate’s own look at who reads the model’s files',
    now: 'compared, and the new model is new',
    example: 'a change edits a program that measures models, and brings another model, or one from another place',
    check: async () => {
      const brings = (of: string, id: string, to: string): void => {
        put(of, to);
        const card = join(to, 'card.json');
        writeFileSync(card, readFileSync(card, 'utf8').replace('"id": "own"', `"id": "${id}"`));
      };
      const files = measuring(started(['own']), 'own');
      put(one, join(files.folder, 'models/own'));
      files.commit({});
      brings(one, 'second', join(files.folder, 'models/second'));
      measuring(files, 'own', 'second').commit({ 'm.mjs': `${program}// edited\n` });
      expect(await files.gate('--base', 'HEAD~1')).toMatchObject({ code: 0, stderr: expect.not.stringContaining('error[') });
      expect(files.verdict().cells.map(({ id, verdict }) => [id, verdict])).toEqual([
        ['own/engine', 'passed'],
        ['second/engine', 'new'],
      ]);
      const submodule = pinned(measuring(started(['own']), 'own'), 'models/own');
      submodule.commit({ 'm.mjs': `${program}// edited\n` });
      const ignored = measuring(started(['own'], 'models'), 'own');
      put(one, join(ignored.folder, 'models/own'));
      ignored.commit({});
      ignored.commit({ 'm.mjs': `${program}// edited\n` });
      const inside = measuring(started(['own']), 'own');
      put(one, join(inside.folder, 'assets/own'));
      mkdirSync(join(inside.folder, 'models'));
      symlinkSync('../assets/own', join(inside.folder, 'models/own'));
      inside.commit({});
      brings(one, 'second', join(inside.folder, 'assets/second'));
      symlinkSync('../assets/second', join(inside.folder, 'models/second'));
      measuring(inside, 'own', 'second').commit({ 'm.mjs': `${program}// edited\n` });
      for (const project of [submodule, ignored, inside]) {
        expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 0, stderr: expect.not.stringContaining('error[') });
        expect(project.verdict().cells[0]).toMatchObject({ id: 'own/engine', verdict: 'passed' });
      }
    },
  },
  {
    ...dropped,
    source: 'reported',
    example: 'a change drops a model that lies in a submodule, with it or without',
    check: async () => {
      const project = pinned(started(['own', one]), 'models/own');
      project.git('checkout', '--quiet', 'HEAD', '--', '.');
      project.commit(lists(one));
      await expectRemoved(project);
      const gone = pinned(started(['own', one]), 'models/own');
      gone.git('rm', '--quiet', '--force', 'models/own');
      gone.commit(lists(one));
      await expectRemoved(gone);
    },
  },
  {
    ...dropped,
    source: 'reported',
    example: 'a change drops a model behind a link out of the repository',
    check: async () => {
      const { project } = linked(started(['own', one]), true);
      project.git('rm', '--quiet', 'models/own');
      project.commit(lists(one));
      await expectRemoved(project);
    },
  },
];
