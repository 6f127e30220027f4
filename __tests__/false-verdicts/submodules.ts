import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openRepository } from '../../src/repository/repository.ts';
import { type Entry, LeakScene, measure } from '../commands/leak-scene.ts';
import { configuration, copied, copyProgram, Project } from '../commands/project.ts';
import { environment, root, ScratchRepository } from '../repository/scratch-repository.ts';
import type { Situation } from './situation.ts';

const declaring = (...declared: readonly string[]) => ({ declared, possible: [], lfs: false });
const anything = { declared: [], possible: ['**'], lfs: false };
const inLibrary = declaring('bench/**', 'vendor/lib/src/**');
const beside = declaring('bench/**');

interface Change {
  readonly scratch: ScratchRepository;
  readonly library: ScratchRepository;
  readonly base: string;
}

/** A repository whose base pins a library, which pins a part of its own, and a change of it. */
const changed = (change: (scratch: ScratchRepository, library: ScratchRepository) => void, before = change): Change => {
  const part = ScratchRepository.create();
  part.commit({ 'part.py': 'PART = 1\n' });
  const library = ScratchRepository.create();
  library.git('submodule', '--quiet', 'add', part.folder, 'part');
  library.commit({ 'src/lib.py': 'SIZE = 100\n' });
  const scratch = ScratchRepository.create();
  scratch.git('submodule', '--quiet', 'add', library.folder, 'vendor/lib');
  if (before !== change) before(scratch, library);
  const base = scratch.commit({ 'bench/b.py': '1' });
  change(scratch, library);
  scratch.commit({});
  return { scratch, library, base };
};

const remove = (scratch: ScratchRepository): void => {
  scratch.git('rm', '--quiet', '-r', 'vendor/lib');
};

/** A clone as a checkout step makes it; `unreachable`: the address of the library leads nowhere. */
const checkedOut = ({ scratch, library }: Change, { submodules = true, unreachable = false } = {}): ScratchRepository => {
  const clone = scratch.clone();
  if (submodules) clone.git('submodule', '--quiet', 'update', '--init', '--recursive');
  if (unreachable) clone.git('config', 'url./nowhere.insteadOf', library.folder);
  return clone;
};

/** What base's worktree has of the library and of its part. */
const found = async (head: ScratchRepository, { base }: Change, needed: typeof anything | typeof inLibrary = inLibrary) => {
  const worktree = await (await openRepository(head.folder, { environment, temporary: root })).worktree(base, needed);
  const read = (path: string): string | null =>
    existsSync(join(worktree.folder, path)) ? readFileSync(join(worktree.folder, path), 'utf8').trim() : null;
  const files = [read('vendor/lib/src/lib.py'), read('vendor/lib/part/part.py')];
  await worktree.release();
  expect(existsSync(worktree.folder)).toBe(false);
  expect(head.git('worktree', 'list').split('\n')).toHaveLength(1);
  expect(head.git('status', '--porcelain')).toBe('');
  return files;
};
const whole = ['SIZE = 100', 'PART = 1'];
const nothing = [null, null];

const lookedInto = expect.stringContaining('The program of base looked into the submodule vendor/lib. It is empty there. ');
/** What is found of a program that measures `SIZE`, in a clone that cannot have the library that head removed. */
const withoutInputs = async (looking: string, entry: Partial<Entry> = {}) => {
  const change = changed(remove, (scratch) =>
    scratch.write('bench.py', `import json, sys\n${looking}\nfor line in sys.stdin: print(json.dumps({"size": SIZE}), flush=True)\n`),
  );
  const scene = new LeakScene(checkedOut(change, { unreachable: true }).folder);
  return scene.find({ door: measure('python3 bench.py'), ...entry });
};

const missing = { code: 'submodule-missing', where: expect.stringMatching(/^vendor\/lib of base/) };
const row = { kind: 'same-files', source: 'neighbour', speed: 'slow' } as const;
const lost = { ...row, before: 'base is measured without it: PASSED', now: 'base has it' } as const;
const left = { ...row, before: 'empty on both sides', now: 'empty on both sides' } as const;

const edited: Situation = {
  kind: 'tree-under-review',
  example: 'a tree is edited only inside a submodule, or the submodule is at another commit',
  before: 'it counts as the commit: its samples become baselines',
  now: 'it counts as edited',
  source: 'reported',
  speed: 'slow',
  check: async () => {
    const [part, library, scratch] = [ScratchRepository.create(), ScratchRepository.create(), ScratchRepository.create()];
    part.commit({ b: '1' });
    library.git('submodule', '--quiet', 'add', part.folder, 'part');
    const former = library.commit({ a: '1' });
    library.commit({ a: '2' });
    scratch.git('submodule', '--quiet', 'add', library.folder, 'lib');
    scratch.git('submodule', '--quiet', 'update', '--init', '--recursive');
    scratch.commit({});
    const repository = await openRepository(scratch.folder, { environment, temporary: root });
    const isDirty = async (...besides: readonly string[]): Promise<boolean> => (await repository.headRevision(besides)).dirty;
    expect(await isDirty()).toBe(false);
    for (const path of ['lib/a', 'lib/new', 'lib/part/b']) {
      scratch.write(path, 'x');
      expect([path, await isDirty(), await isDirty(path)]).toEqual([path, true, false]);
      new ScratchRepository(join(scratch.folder, 'lib')).git('stash', '--quiet', '--include-untracked');
      new ScratchRepository(join(scratch.folder, 'lib/part')).git('checkout', '--quiet', '.');
    }
    expect(await isDirty()).toBe(false);
    new ScratchRepository(join(scratch.folder, 'lib')).git('checkout', '--quiet', former);
    expect(await isDirty()).toBe(true);
    const clone = scratch.clone();
    const without = await openRepository(clone.folder, { environment, temporary: root });
    expect((await without.headRevision()).dirty).toBe(false);
    clone.write('lib/a', '2');
    expect((await without.headRevision()).dirty).toBe(true);
  },
};

export const situations: readonly Situation[] = [
  edited,
  {
    ...lost,
    example: 'a change removes a submodule, in a fresh clone that has no other',
    check: async () => {
      const change = changed(remove);
      const head = checkedOut(change);
      expect(await found(head, change)).toEqual(whole);
      expect(await found(head, change, anything)).toEqual(whole);
      expect(await found(head, change, beside)).toEqual(nothing);
    },
  },
  {
    ...lost,
    example: 'a change has the files of a submodule in its place',
    check: async () => {
      const change = changed((scratch) => {
        remove(scratch);
        scratch.write('vendor/lib/src/lib.py', 'SIZE = 900\n');
      });
      expect(await found(checkedOut(change), change)).toEqual(whole);
    },
  },
  {
    ...lost,
    example: 'a change adds a submodule anew at another path, or moves it there',
    check: async () => {
      const added = changed((scratch, library) => {
        remove(scratch);
        scratch.git('submodule', '--quiet', 'add', library.folder, 'third/lib');
      });
      const moved = changed((scratch) => scratch.git('mv', 'vendor/lib', 'third'));
      for (const change of [added, moved]) expect(await found(checkedOut(change), change)).toEqual(whole);
    },
  },
  {
    ...lost,
    example: 'a change says in .gitmodules that a submodule is not to be checked out',
    check: async () => {
      const change = changed((scratch) => scratch.git('config', '--file', '.gitmodules', 'submodule.vendor/lib.update', 'none'));
      expect(await found(checkedOut(change), change)).toEqual(whole);
    },
  },
  {
    ...lost,
    example: 'a submodule no longer pins one of its own',
    check: async () => {
      const change = changed((scratch) => {
        const inside = new ScratchRepository(join(scratch.folder, 'vendor/lib'));
        inside.git('rm', '--quiet', '-r', 'part');
        inside.commit({});
        inside.git('push', '--quiet', 'origin', 'HEAD:refs/heads/next');
      });
      expect(await found(checkedOut(change), change, declaring('vendor/lib'))).toEqual(whole);
    },
  },
  {
    ...row,
    example: 'a change takes a submodule from another address, where base’s commit is not',
    before: 'submodule-missing',
    now: 'base has it from its own address',
    check: async () => {
      const change = changed((scratch) => {
        const inside = new ScratchRepository(join(scratch.folder, 'vendor/lib'));
        inside.git('checkout', '--quiet', '--orphan', 'fresh');
        inside.commit({});
        const fork = inside.clone('--no-local');
        scratch.git('config', '--file', '.gitmodules', 'submodule.vendor/lib.url', fork.folder);
      });
      expect(await found(checkedOut(change), change)).toEqual(whole);
    },
  },
  {
    ...row,
    example: 'a removed submodule cannot be fetched, and a declared input may lie in it, or others are checked out',
    before: 'base is measured without it: PASSED',
    now: 'submodule-missing',
    check: async () => {
      const change = changed(remove);
      const head = checkedOut(change, { unreachable: true });
      await expect(found(head, change)).rejects.toMatchObject(missing);
      expect(await found(head, change, anything)).toEqual(nothing);
      const other = ScratchRepository.create();
      other.commit({ 'a.txt': 'a' });
      change.scratch.git('submodule', '--quiet', 'add', other.folder, 'other');
      change.scratch.commit({});
      const withOther = checkedOut(change, { unreachable: true });
      await expect(found(withOther, change, anything)).rejects.toMatchObject(missing);
      expect(await found(withOther, change, beside)).toEqual(nothing);
    },
  },
  {
    ...row,
    example: 'a program without `inputs` looks into a removed submodule that cannot be fetched for base',
    before: 'base is measured without it: PASSED',
    now: 'failed, submodule-missing',
    check: async () => {
      for (const looking of [
        "import sys; sys.path.insert(0, 'vendor/lib/src')\ntry: from lib import SIZE\nexcept ImportError: SIZE = 900",
        "try: SIZE = len(open('vendor/lib/src/lib.py').read())\nexcept OSError: SIZE = 900",
        "import os; SIZE = len(os.listdir('vendor/lib')) if os.path.isdir('vendor/lib') else 900",
        "import os; SIZE = 100 if os.path.exists('vendor/lib/src') else 900",
        "import os; SIZE = sum(len(files) for _, _, files in os.walk('.'))",
      ])
        expect(await withoutInputs(looking), looking).toMatchObject({ error: { code: 'submodule-missing', message: lookedInto } });
    },
  },
  {
    ...row,
    example: 'a program without `inputs` leaves alone a removed submodule that cannot be fetched for base',
    before: 'compared',
    now: 'compared',
    check: async () => {
      for (const looking of ['SIZE = 100', "import os; SIZE = len(os.listdir('vendor')) if os.path.isdir('vendor') else 0"])
        expect(await withoutInputs(looking), looking).toMatchObject({ error: null });
      // Declared inputs, of which it is none; and one that the setup fetches.
      const reading = "try: SIZE = len(open('vendor/lib/src/lib.py').read())\nexcept OSError: SIZE = 900";
      expect(await withoutInputs(reading, { inputs: ['bench.py'] })).toMatchObject({ error: null });
      const setup = `sh -c '[ ! -d vendor/lib ] || { mkdir -p vendor/lib/src && echo 1 > vendor/lib/src/lib.py; }'`;
      expect(await withoutInputs(reading, { setup })).toMatchObject({ error: null });
    },
  },
  {
    ...row,
    example: 'a run of a build and a measurement that look into a removed submodule, and of one that does not',
    before: 'PASSED',
    now: 'failed, submodule-missing; the third is passed',
    check: async () => {
      const sized = (size: string): string =>
        `import json, os, sys\nfor line in sys.stdin: print(json.dumps({"size": ${size}}), flush=True)\n`;
      const entry = (id: string): readonly string[] => [
        id,
        `measure: python3 ${id}.py`,
        'metrics: [{ id: size, unit: bytes, better: lower, kind: exact }]',
      ];
      const build = copied('own').filter((line) => !line.startsWith('inputs:'));
      const change = changed(remove, (scratch) => {
        scratch.write('engine.py', sized("100 if os.path.exists('vendor/lib/src/lib.py') else 900"));
        scratch.write('beside.py', sized('100'));
        scratch.write('copy.mjs', `import { existsSync } from 'node:fs';\nexistsSync('vendor/lib/src/lib.py');\n${copyProgram(false)}`);
        scratch.write('optimization-gate.yml', configuration([entry('engine'), build, entry('beside')]));
        scratch.write('.gitignore', '.optimization-gate*\n');
      });
      const project = new Project(checkedOut(change, { unreachable: true }).folder);
      expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 1 });
      const failed = { verdict: 'failed', reason: lookedInto };
      expect(project.cell('engine')).toMatchObject(failed);
      expect(project.cell('own')).toMatchObject(failed);
      expect(project.cell('beside').verdict).toBe('passed');
    },
  },
  {
    ...row,
    example: 'a removed submodule that cannot be fetched, on a file system that records no reads',
    before: 'base is measured without it: PASSED',
    now: 'a warning says that it is not known whether it is needed',
    check: async () => {
      expect(await withoutInputs('SIZE = 100', { watch: async () => null })).toMatchObject({
        error: null,
        warning: expect.stringContaining('Base lacks the submodule vendor/lib'),
      });
    },
  },
  {
    ...left,
    example: 'a checkout without submodules, also of one that base itself does not check out, or says no address of',
    check: async () => {
      const kept = changed(() => undefined);
      expect(await found(checkedOut(kept, { submodules: false }), kept)).toEqual(nothing);
      for (const quiet of [
        ['submodule.vendor/lib.update', 'none'],
        ['--unset', 'submodule.vendor/lib.url'],
      ]) {
        const change = changed(remove, (scratch) => scratch.git('config', '--file', '.gitmodules', ...quiet));
        expect(await found(checkedOut(change, { submodules: false }), change)).toEqual(nothing);
      }
    },
  },
  {
    ...row,
    kind: 'shared-copy',
    example: 'a setup installs in place the submodule that head no longer has',
    before: 'passed',
    now: 'failed, inputs-leak',
    check: async () => {
      const library = ScratchRepository.create();
      library.commit({ 'tables.py': 'SIZE = 100\n' });
      const scene = LeakScene.make();
      const path = join(root, `installed-${process.pid}`);
      scene.git('submodule', '--quiet', 'add', library.folder, 'vendor');
      scene.commit({
        'bench.py': [
          'import json, sys',
          `sys.path.insert(0, open(${JSON.stringify(path)}).read())`,
          'try: from tables import SIZE',
          'except ImportError: SIZE = 900',
          'for line in sys.stdin: print(json.dumps({"size": SIZE}), flush=True)',
          '',
        ].join('\n'),
      });
      scene.git('rm', '--quiet', '-r', 'vendor');
      scene.commit({});
      const setup = `sh -c '[ ! -d vendor ] || printf %s "$PWD/vendor" > ${path}; [ -e ${path} ] || : > ${path}'`;
      expect(await scene.find({ door: measure('python3 bench.py'), setup })).toMatchObject({
        error: { code: 'inputs-leak', message: expect.stringMatching(/It ran base's vendor\/tables.py/) },
      });
    },
  },
];
