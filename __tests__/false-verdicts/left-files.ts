import { linkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { LeakScene, measure } from '../commands/leak-scene.ts';
import { ScratchRepository } from '../repository/scratch-repository.ts';
import type { Situation } from './situation.ts';

/** A program that measures what a file says, or 1000 where it is not there. */
export const falling = (path: string): string => `import json, os, sys
size = int(open(${JSON.stringify(path)}).read()) if os.path.exists(${JSON.stringify(path)}) else 1000
for line in sys.stdin:
    print(json.dumps({'size': size}), flush=True)
`;
/** The same, which makes the file where it is not there, under a name that \`name\` computes. */
const keeping = (folder: string, name: string): string => `import hashlib, json, os, sys
os.makedirs(${JSON.stringify(folder)}, exist_ok=True)
path = os.path.join(${JSON.stringify(folder)}, ${name})
if not os.path.exists(path): open(path, 'w').write('400')
size = int(open(path).read())
for line in sys.stdin:
    print(json.dumps({'size': size}), flush=True)
`;
const ignored = { '.gitignore': '*.so\nbuild\n.cache\nvenv\nnode_modules\n__pycache__\n.optimization-gate\n' };
const inPython = measure('python3 bench/bench.py');
/** Compiles `fast.c` where that is there, and only once, as `make` does. */
const makes = "sh -c 'test ! -e bench/fast.c || test -e bench/_fast.so || cp bench/fast.c bench/_fast.so'";

/** Another repository, inside the checkout and no submodule of it. */
const nested = (scene: LeakScene, path: string): void => {
  const library = ScratchRepository.create();
  library.commit({ 'table.bin': '400' });
  scene.git('clone', '--quiet', library.folder, path);
};

/** A repository in which `program` is edited, with `files` in base and `more` in head. */
const edited = (program: string, files: Readonly<Record<string, string>> = {}, more: Readonly<Record<string, string>> = {}): LeakScene => {
  const scene = LeakScene.make();
  scene.commit({ ...ignored, 'bench/bench.py': program, ...files });
  scene.commit({ 'bench/bench.py': `# Faster.\n${program}`, ...more });
  return scene;
};

const left = (path: string): unknown =>
  expect.objectContaining({
    error: expect.objectContaining({
      code: 'inputs-leak',
      message: expect.stringContaining(`It read ${path}, which an earlier step of the job left`),
    }),
  });
const clean = { error: null, warning: null };

const kind = { kind: 'same-files', source: 'neighbour', speed: 'slow' } as const;
const uneven = { ...kind, before: 'improved', now: 'failed, inputs-leak' } as const;
const harmless = { ...kind, before: 'compared', now: 'compared' } as const;

const unlike: readonly Situation[] = [
  {
    ...uneven,
    source: 'reported',
    speed: 'fast',
    example: 'an earlier step compiles a library into the checkout, and base falls back on slow code: 100 → 400 beside 1000',
    check: async () => {
      const scene = edited(falling('bench/_fast.so'));
      scene.leave({ 'bench/_fast.so': '400' });
      expect(await scene.find({ door: inPython })).toEqual(left('bench/_fast.so'));
    },
  },
  {
    ...uneven,
    example: 'an earlier step leaves a table in a folder that git ignores, beside which base’s setup makes another',
    check: async () => {
      const scene = edited(falling('build/table.bin'));
      scene.leave({ 'build/table.bin': '400' });
      linkSync(join(scene.folder, 'build/table.bin'), join(scene.folder, 'build/same.bin'));
      const setup = "sh -c 'mkdir -p build/$$ && echo 1 > build/other.bin && echo 1 > build/$$/other.bin'";
      expect(await scene.find({ door: inPython, setup })).toEqual(left('build/table.bin'));
    },
  },
  {
    ...uneven,
    example: 'an earlier step compiles a library inside a submodule',
    check: async () => {
      const library = ScratchRepository.create();
      library.commit({ '.gitignore': '*.so\n', 'fast.c': '400' });
      const scene = LeakScene.make();
      scene.git('submodule', '--quiet', 'add', library.folder, 'vendor');
      scene.commit({ ...ignored, 'bench/bench.py': falling('vendor/fast.so') });
      scene.commit({ 'bench/bench.py': `# Faster.\n${falling('vendor/fast.so')}` });
      scene.leave({ 'vendor/fast.so': '400' });
      expect(await scene.find({ door: inPython })).toEqual(left('vendor/fast.so'));
    },
  },
  {
    ...uneven,
    source: 'reported',
    example: 'an earlier step checks another repository out into the checkout, in a folder that git ignores or not',
    check: async () => {
      for (const path of ['vendor', 'build/vendor']) {
        const scene = edited(falling(`${path}/table.bin`));
        nested(scene, path);
        expect(await scene.find({ door: inPython, dirty: true })).toEqual(left(`${path}/table.bin`));
      }
    },
  },
  {
    ...uneven,
    source: 'reported',
    example: 'an earlier step checks another repository out beside the checkout, in the folder of the job',
    check: async () => {
      const library = ScratchRepository.create();
      library.commit({ 'table.bin': '400' });
      const path = `../${basename(library.folder)}/table.bin`;
      const scene = edited(falling(path));
      expect(await scene.find({ door: inPython, reviewed: true })).toEqual(left(path));
    },
  },
  {
    ...uneven,
    source: 'reported',
    example: 'an earlier step leaves a file that git does not ignore, beside the commit that the event names',
    check: async () => {
      const scene = edited(falling('table.bin'));
      scene.leave({ 'table.bin': '400' });
      expect(await scene.find({ door: inPython, dirty: true, reviewed: true })).toEqual(left('table.bin'));
    },
  },
  {
    ...uneven,
    source: 'reported',
    example: 'an earlier step edits a file of the commit that the event names',
    check: async () => {
      const scene = edited(falling('table.bin'), { 'table.bin': '1000' });
      scene.leave({ 'table.bin': '400' });
      expect(await scene.find({ door: inPython, dirty: true, reviewed: true })).toEqual(left('table.bin'));
    },
  },
];

const alike: readonly Situation[] = [
  {
    ...harmless,
    example: '`setup` makes on each side what an earlier step made in head’s checkout',
    check: async () => {
      const scene = edited(falling('bench/_fast.so'), { 'bench/fast.c': '400' });
      scene.leave({ 'bench/_fast.so': '400' });
      expect(await scene.find({ door: inPython, setup: makes })).toEqual(clean);
    },
  },
  {
    ...harmless,
    example: 'the change adds what `setup` compiles, committed or not, and an earlier run has compiled it',
    check: async () => {
      const scene = edited(falling('bench/_fast.so'), {}, { 'bench/fast.c': '400' });
      scene.leave({ 'bench/_fast.so': '400' });
      expect(await scene.find({ door: inPython, setup: makes })).toEqual(clean);
      const uncommitted = edited(falling('bench/_fast.so'));
      uncommitted.leave({ 'bench/_fast.so': '400', 'bench/fast.c': '400' });
      expect(await uncommitted.find({ door: inPython, setup: makes, dirty: true })).toEqual(clean);
    },
  },
  {
    ...harmless,
    example: 'a program keeps a cache from run to run, under a name of its folder',
    check: async () => {
      const name = "hashlib.md5(os.getcwd().encode()).hexdigest() + '/' + 'kernel.bin'";
      const program = keeping('.cache', name).replace('if not', 'os.makedirs(os.path.dirname(path), exist_ok=True)\nif not');
      const scene = edited(program);
      await scene.find({ door: inPython });
      expect(await scene.find({ door: inPython })).toEqual(clean);
    },
  },
  {
    ...harmless,
    example: 'a program keeps a cache from run to run, under a name that the change has changed',
    check: async () => {
      const scene = edited(keeping('.cache', "'one'"), {}, { 'bench/bench.py': keeping('.cache', "'two'") });
      scene.leave({ '.cache/two': '400' });
      expect(await scene.find({ door: inPython })).toEqual(clean);
    },
  },
  {
    ...harmless,
    example: 'both sides read a file of head’s checkout that git ignores, by the path that the environment names',
    check: async () => {
      const program = falling('').replaceAll('""', "os.environ['XDG_CACHE_HOME'] + '/data'");
      const scene = edited(program);
      scene.leave({ '.cache/data': '400' });
      expect(await scene.find({ door: inPython, environment: { XDG_CACHE_HOME: join(scene.folder, '.cache') } })).toEqual(clean);
    },
  },
  {
    ...harmless,
    example: 'a package manager keeps its store in head’s checkout, of which the packages are hard links',
    check: async () => {
      const reading = "import os\nif os.path.exists('node_modules/one.js'): open('node_modules/one.js').read()\n";
      const scene = edited(`${reading}${falling('none')}`);
      scene.leave({ 'build/store/one.js': '1', 'node_modules/two.js': '2' });
      linkSync(join(scene.folder, 'build/store/one.js'), join(scene.folder, 'node_modules/one.js'));
      expect(await scene.find({ door: inPython })).toEqual(clean);
    },
  },
  {
    ...harmless,
    example: 'bytecode, packages, and metadata of an installation in place lie in head’s checkout alone',
    check: async () => {
      const paths = [
        'bench/__pycache__/one.pyc',
        'venv/lib/two',
        'node_modules/three/index.js',
        'bench/four.pyc',
        'build/five.egg-info/PKG-INFO',
      ];
      const reading = `import os\nfor path in ${JSON.stringify(paths)}:\n    if os.path.exists(path): open(path).read()\n`;
      const scene = edited(`${reading}${falling('none')}`);
      scene.leave(Object.fromEntries([...paths, 'venv/pyvenv.cfg'].map((path) => [path, 'x'])));
      expect(await scene.find({ door: inPython })).toEqual(clean);
    },
  },
];

const atEvents: readonly Situation[] = [
  {
    ...harmless,
    source: 'reported',
    before: 'error[internal]: ENOTDIR or ELOOP, exit 3',
    example: 'a folder becomes a file, a file becomes a folder, a folder becomes a ring of links',
    check: async () => {
      const program = keeping('build', "'table.bin'");
      const scene = LeakScene.make();
      scene.commit({ ...ignored, 'bench/bench.py': program, 'one/x.c': '1', two: '1', 'three/x.c': '1' });
      scene.git('rm', '--quiet', '-r', 'one', 'two', 'three');
      scene.link('three', 'three');
      scene.commit({ one: '2', 'two/x.c': '2', 'bench/bench.py': `# Slower.\n${program}` });
      expect(await scene.find({ door: inPython })).toEqual(clean);
      // The same before it is committed, of which a fresh copy is made for the table.
      scene.git('reset', '--quiet', 'HEAD~1');
      scene.git('commit', '--quiet', '--allow-empty', '-m', 'nothing');
      scene.leave({ 'build/table.bin': '400' });
      expect(await scene.find({ door: inPython, dirty: true })).toEqual(clean);
    },
  },
  {
    ...harmless,
    example: '`setup` leaves and edits files on each side as an earlier step does, beside the commit that the event names',
    check: async () => {
      const program = `open('other.bin').read()\n${falling('table.bin')}`;
      const scene = edited(program, { 'table.bin': '1000' });
      scene.leave({ 'table.bin': '400', 'other.bin': '1' });
      const setup = "sh -c 'printf 400 > table.bin; printf 1 > other.bin'";
      expect(await scene.find({ door: inPython, setup, dirty: true, reviewed: true })).toEqual(clean);
    },
  },
  {
    ...harmless,
    example: 'a developer’s own run of files that are not committed yet, or edited',
    check: async () => {
      const scene = edited(falling('table.bin'), { 'other.bin': '1' });
      scene.leave({ 'table.bin': '400', 'other.bin': '2' });
      expect(await scene.find({ door: inPython, dirty: true })).toEqual(clean);
    },
  },
];

export const situations: readonly Situation[] = [...unlike, ...alike, ...atEvents];
