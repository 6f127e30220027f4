import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, vi } from 'vitest';
import { readModelCard } from '../../src/models/model-source.ts';
import { openSafetensors } from '../../src/models/safetensors.ts';
import { dataFile } from '../../src/onnx/external.ts';
import { readModel } from '../../src/onnx/read.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { type Entry, LeakScene, measure, measuring } from '../commands/leak-scene.ts';
import { hasLfs, LfsRepository } from '../repository/lfs-repository.ts';
import { environment, ScratchRepository } from '../repository/scratch-repository.ts';
import { testFolder } from '../testkit/folder.ts';
import type { Situation } from './situation.ts';

export const ignored = { '.gitignore': 'venv\nbuild\nnode_modules\n__pycache__\n.optimization-gate\n' };
const inPython = measure('python3 bench.py');
export const tables = (size: number): Readonly<Record<string, string>> => ({ 'src/tables/__init__.py': `SIZE = ${size}\n` });

/** Base has a table of 100, head one of 900. */
const twoSizes = (path: string | null): LeakScene => {
  const scene = LeakScene.make();
  scene.commit({ ...ignored, 'bench.py': measuring(path), ...tables(100) });
  scene.commit(tables(900));
  return scene;
};

/**
 * A virtual environment in the checkout; returns its folder of packages, relative to the checkout.
 */
const virtualEnvironment = (scene: LeakScene): string => {
  const [program = '', version = ''] = execFileSync('python3', ['-c', whichPython], { encoding: 'utf8' }).trim().split(' ');
  scene.leave({ 'venv/pyvenv.cfg': `home = ${dirname(program)}\n` });
  scene.link(program, 'venv/bin/python');
  const packages = `venv/lib/python${version}/site-packages`;
  mkdirSync(join(scene.folder, packages), { recursive: true });
  return packages;
};
const whichPython = "import os, sys; print(os.path.realpath(sys.executable), '%d.%d' % sys.version_info[:2])";
const compiling = { PYTHONDONTWRITEBYTECODE: '' };
const inVenv = (scene: LeakScene): Entry => ({
  environment: compiling,
  door: measure(`${join(scene.folder, 'venv/bin/python')} bench.py`),
});

/**
 * A setup that installs the version of the package `tables` that a list of packages names, of the size
 * 100 for each number of the version, and always one that nothing needs.
 */
const installing = (packages: string): Readonly<Record<string, string>> => ({
  'bench.py': measuring(null),
  'install.py': `import glob, os, shutil, time
def install(name, version, text):
    for one in glob.glob(${JSON.stringify(packages)} + '/' + name + '-*'): shutil.rmtree(one)
    folder = os.path.join(${JSON.stringify(packages)}, name + '-' + version + '.dist-info')
    os.makedirs(folder)
    open(os.path.join(${JSON.stringify(packages)}, name + '.py'), 'w').write(text)
    open(os.path.join(folder, 'RECORD'), 'w').write(name + '.py,sha256=' + str(hash(text)) + ',9\\n')
version = open('requirements.txt').read().strip().split('==')[1]
install('tables', version, 'SIZE = ' + version + '00')
install('unused', str(time.time()), 'TIME = ' + str(time.time()))
`,
});
/** A setup that installs a program, and the file beside it that says its size, for all of a machine. */
const installsProgram = (
  comment: string,
  base: number,
  head: number,
): { readonly scene: LeakScene; readonly entry: Entry; readonly program: string } => {
  const scene = LeakScene.make();
  const prefix = testFolder();
  const engine = `#!/bin/sh\nwhile read -r line; do echo "{\\"size\\": $(cat ${prefix}/lib/size)}"; done\n`;
  const install = `mkdir -p ${prefix}/bin ${prefix}/lib; cp size ${prefix}/lib; cp engine.sh ${prefix}/bin/engine; chmod +x ${prefix}/bin/engine\n`;
  const start = `exec ${prefix}/bin/engine\n`;
  scene.commit({ ...ignored, 'engine.sh': engine, 'install.sh': install, 'start.sh': start, size: `${base}` });
  scene.commit({ 'engine.sh': `${engine}${comment}`, size: `${head}` });
  const environment = { PATH: `${prefix}/bin:${process.env['PATH']}` };
  return { scene, entry: { door: measure('engine'), setup: 'sh install.sh', environment }, program: `${prefix}/bin/engine` };
};
const lists = (version: number): Readonly<Record<string, string>> => ({ 'requirements.txt': `tables==${version}\n` });

/** A policy that serves what the package says. */
const policy = `import { createInterface } from 'node:readline';
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const ok = asked.do === 'next' ? { batch: (await import('tables')).size } : null;
  console.log(JSON.stringify({ ok }));
}
`;

const leaks = (finding: unknown, arm: string, file: string): void =>
  expect(finding).toMatchObject({
    error: { code: 'inputs-leak', message: expect.stringMatching(new RegExp(`^The program of ${arm} was watched\\. It ran .*${file}`)) },
  });
const clean = { error: null, warning: null };

const shared = { kind: 'shared-copy', before: 'passed', now: 'failed, inputs-leak', source: 'neighbour', speed: 'fast' } as const;
const harmless = { kind: 'shared-copy', before: 'passed', now: 'compared', source: 'neighbour', speed: 'fast' } as const;

const copies: readonly Situation[] = [
  {
    ...shared,
    source: 'reported',
    example: 'both sides import a package that is installed in place (.pth), from 100 to 900 bytes',
    check: async () => {
      const scene = twoSizes(null);
      scene.leave({ [`${virtualEnvironment(scene)}/tables.pth`]: `${join(scene.folder, 'src')}\n` });
      leaks(await scene.find(inVenv(scene)), 'base', 'src/tables/__init__.py');
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: 'both sides import an installed copy of the package',
    check: async () => {
      const scene = twoSizes(null);
      scene.leave({ [`${virtualEnvironment(scene)}/tables/__init__.py`]: 'SIZE = 900\n' });
      leaks(await scene.find(inVenv(scene)), 'base', 'src/tables/__init__.py');
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: 'the package is found by PYTHONPATH, and Python has compiled it before',
    check: async () => {
      const scene = twoSizes(null);
      const environment = { PYTHONPATH: join(scene.folder, 'src') };
      execFileSync('python3', ['-c', 'import tables'], { env: { ...process.env, ...environment } });
      leaks(await scene.find({ door: inPython, environment }), 'base', 'src/tables/__init__.py');
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: '`setup` installs in place into one environment, where the side that is set up last wins',
    check: async () => {
      const scene = twoSizes(null);
      const packages = join(scene.folder, virtualEnvironment(scene), 'tables.pth');
      scene.commit({ 'install.py': `import os\nopen(${JSON.stringify(packages)}, 'w').write(os.getcwd() + '/src')\n` });
      scene.commit(tables(1900));
      leaks(await scene.find({ ...inVenv(scene), setup: 'python3 install.py' }), 'head', 'src/tables/__init__.py');
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: 'a JavaScript policy first loads a linked package when it is asked, and `setup` shares node_modules',
    check: async () => {
      const scene = LeakScene.make();
      scene.commit({
        ...ignored,
        'policy.mjs': policy,
        'packages/tables/package.json': '{ "name": "tables", "type": "module", "main": "index.js" }',
        'packages/tables/index.js': 'export const size = 1;\n',
      });
      scene.commit({ 'packages/tables/index.js': 'export const size = 9;\n' });
      scene.link('../packages/tables', 'node_modules/tables');
      const setup = `sh -c 'test -e node_modules || ln -s "${scene.folder}/node_modules" node_modules'`;
      const entry = { door: { kind: 'serve', command: 'node policy.mjs' }, like: 'adaptive-batching', setup } as const;
      leaks(await scene.find(entry), 'base', 'packages/tables/index.js');
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: 'a link that the commit holds leads into the checkout of head',
    check: async () => {
      const scene = LeakScene.make();
      scene.link(join(scene.folder, 'src'), 'linked');
      scene.commit({ ...ignored, 'bench.py': measuring('linked'), ...tables(100) });
      scene.commit(tables(900));
      leaks(await scene.find({ door: inPython }), 'base', 'src/tables/__init__.py');
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: 'both sides load what was compiled in the checkout of head',
    check: async () => {
      const scene = LeakScene.make();
      const program = (path: string): string =>
        `import json, sys\nsize = len(open(${JSON.stringify(path)}).read())\nfor line in sys.stdin:\n    print(json.dumps({"size": size}), flush=True)\n`;
      scene.commit({ ...ignored, 'bench.py': program(join(scene.folder, 'build/libtables.so')), 'tables.c': 'int size = 100;\n' });
      scene.commit({ 'tables.c': 'int size = 900;\n' });
      scene.leave({ 'build/libtables.so': 'compiled' });
      leaks(await scene.find({ door: inPython }), 'base', 'build/libtables.so');
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: '`setup` installs another version of a package into one environment, where the side that is set up last wins',
    check: async () => {
      const scene = LeakScene.make();
      const packages = join(scene.folder, virtualEnvironment(scene));
      scene.commit({ ...ignored, ...installing(packages), ...lists(1) });
      scene.commit(lists(9));
      leaks(
        await scene.find({ ...inVenv(scene), setup: 'env PYTHONHASHSEED=0 python3 install.py' }),
        'head',
        'tables 1 instead of its own',
      );
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: 'a change brings the first `setup`, which replaces a package, or a program of the search path, that base runs as it is',
    check: async () => {
      const scene = LeakScene.make();
      const packages = virtualEnvironment(scene);
      scene.leave({ [`${packages}/tables.py`]: 'SIZE = 100', [`${packages}/tables-1.dist-info/RECORD`]: 'tables.py,sha256=1,9\n' });
      scene.commit({ ...ignored, ...installing(join(scene.folder, packages)) });
      scene.commit(lists(9));
      const replacing = { ...inVenv(scene), setup: 'python3 install.py', formerSetup: null };
      leaks(await scene.find(replacing), 'base', 'tables 9 instead of its own');
      const { scene: other, entry } = installsProgram('# Slower.\n', 100, 100);
      execFileSync('sh', ['-c', 'git show HEAD~1:engine.sh > former.sh; sed s/engine.sh/former.sh/ install.sh | sh; rm former.sh'], {
        cwd: other.folder,
      });
      leaks(await other.find({ ...entry, formerSetup: null }), 'base', 'engine instead of its own');
    },
  },
  {
    ...harmless,
    speed: 'slow',
    example: 'a change brings the first `setup`, which installs what an earlier step installed, at the version that was there or anew',
    check: async () => {
      for (const text of ['SIZE = 100', null]) {
        const scene = LeakScene.make();
        const packages = join(scene.folder, virtualEnvironment(scene));
        scene.commit({ ...ignored, ...installing(packages), ...lists(1) });
        scene.commit({ 'bench.py': `# Faster.\n${measuring(null)}` });
        const setup = 'env PYTHONHASHSEED=0 python3 install.py';
        if (text !== null) execFileSync('sh', ['-c', setup], { cwd: scene.folder });
        expect(await scene.find({ ...inVenv(scene), setup, formerSetup: null })).toEqual(clean);
      }
    },
  },
  {
    ...harmless,
    speed: 'slow',
    example: '`setup` installs the same version for both sides, and another package anew',
    check: async () => {
      const scene = LeakScene.make();
      const packages = join(scene.folder, virtualEnvironment(scene));
      scene.commit({ ...ignored, ...installing(packages), ...lists(1) });
      scene.commit({ 'bench.py': `# Faster.\n${measuring(null)}` });
      expect(await scene.find({ ...inVenv(scene), setup: 'env PYTHONHASHSEED=0 python3 install.py' })).toEqual(clean);
    },
  },
  {
    ...shared,
    source: 'reported',
    speed: 'slow',
    example:
      '`setup` installs a program in a folder of the search path (`make install`, `cargo install`), where the side that is set up last wins',
    check: async () => {
      const { scene, entry } = installsProgram('# Slower.\n', 100, 100);
      leaks(await scene.find(entry), 'head', 'engine instead of its own');
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: 'a program compiles or installs itself when it starts, in one place for both sides, and the later one answers for both',
    check: async () => {
      const scene = LeakScene.make();
      const place = testFolder();
      const site = join(scene.folder, virtualEnvironment(scene));
      const compile = `cp engine.sh ${place}/engine.$$; chmod +x ${place}/engine.$$; mv ${place}/engine.$$ ${place}/engine; exec ${place}/engine\n`;
      const inPlace = `echo "$PWD/src" > ${site}/own.pth; exec ${scene.folder}/venv/bin/python bench.py\n`;
      const engine = (size: number) => `#!/bin/sh\nwhile read -r line; do echo '{"size": ${size}}'; done\n`;
      scene.commit({ ...ignored, 'compile.sh': compile, 'install.sh': inPlace, 'bench.py': measuring(null), 'engine.sh': engine(100) });
      scene.commit(tables(100));
      scene.commit({ 'engine.sh': engine(900), ...tables(900) });
      for (const script of ['compile.sh', 'install.sh'])
        expect(await scene.find({ door: measure(`sh ${script}`) })).toMatchObject({
          error: { code: 'inputs-leak', message: expect.stringContaining(script === 'compile.sh' ? `${place}/engine` : 'own.pth') },
        });
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: 'a program compiles itself when it starts, for each side apart or the same for both, and keeps its answers in one place',
    now: 'compared',
    check: async () => {
      const place = testFolder();
      const own = `cp engine.sh "$TMPDIR/engine"; chmod +x "$TMPDIR/engine"; exec "$TMPDIR/engine"\n`;
      const same = `cp loop.sh ${place}/loop; chmod +x ${place}/loop; exec ${place}/loop\n`;
      const loop = `#!/bin/sh\nwhile read -r line; do sh engine.sh < /dev/null > ${place}/out.json; cat ${place}/out.json; done\n`;
      const engine = (size: number) => `#!/bin/sh\necho '{"size": ${size}}'; while read -r line; do echo '{"size": ${size}}'; done\n`;
      const scene = LeakScene.make();
      scene.commit({ 'own.sh': own, 'same.sh': same, 'loop.sh': loop, 'engine.sh': engine(100).replace('echo', ':') });
      scene.commit({ 'engine.sh': engine(900).replace('echo', ':') });
      expect(await scene.find({ door: measure('sh own.sh') })).toEqual({ error: null, warning: null });
      scene.commit({ 'engine.sh': engine(100) });
      scene.commit({ 'engine.sh': engine(900) });
      expect(await scene.find({ door: measure('sh same.sh') })).toEqual({ error: null, warning: null });
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: '`setup` installs a program outside of the search path, which the command or a script of it names by its path',
    check: async () => {
      for (const named of [true, false]) {
        const { scene, entry, program } = installsProgram('# Slower.\n', 100, 100);
        const door = measure(named ? program : 'sh start.sh');
        leaks(await scene.find({ ...entry, environment: {}, door }), 'head', 'engine instead of its own');
      }
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: 'the environment that `setup` installs into is found by a script, by `env PATH=…`, by its name, or by the folder of the start',
    check: async () => {
      for (const [door, files] of [
        ['sh start.sh', { 'start.sh': 'VENV={venv}\nPATH="$VENV/bin:$PATH" exec python bench.py\n' }],
        ['env PATH={venv}/bin:/usr/bin:/bin python bench.py', {}],
        ['make -s', { Makefile: 'run:\n\t@{venv}/bin/python bench.py\n' }],
        ['conda run -n own python bench.py', {}],
        ['chosen bench.py', { '.chosen': '' }],
      ] as const) {
        const scene = LeakScene.make();
        const packages = virtualEnvironment(scene);
        const venv = join(scene.folder, 'venv');
        const machine = testFolder();
        mkdirSync(join(venv, 'conda-meta'));
        mkdirSync(join(machine, 'envs'));
        symlinkSync(venv, join(machine, 'envs', 'own'));
        const program = (name: string, text: string): void => {
          mkdirSync(dirname(join(machine, name)), { recursive: true });
          writeFileSync(join(machine, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
        };
        program('condabin/conda', `shift 3; PATH="${machine}/envs/own/bin:$PATH" exec "$@"`);
        program('shims/python3', `if [ -e .chosen ]; then exec ${venv}/bin/python "$@"; fi; PATH="\${PATH#*shims:}" exec python3 "$@"`);
        const named = Object.entries(files).map(([path, text]) => [path, text.replaceAll('{venv}', venv)]);
        scene.commit({ ...ignored, ...installing(join(scene.folder, packages)), ...Object.fromEntries(named), ...lists(1) });
        scene.commit(lists(9));
        const command = door.replace('{venv}', venv).replace('chosen', 'python3');
        const environment = { ...compiling, PATH: `${machine}/condabin:${machine}/shims:${process.env['PATH']}` };
        const setup = 'env PYTHONHASHSEED=0 python3 install.py';
        const finding = await scene.find({ environment, door: measure(command), setup });
        leaks({ command, ...finding }, 'head', 'tables 1 instead of its own');
      }
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: '`setup` copies modules into a folder outside of both trees, which the command names, or a file in it',
    check: async () => {
      const place = testFolder();
      for (const command of [`env PYTHONPATH=${place} python3 bench.py`, `python3 ${place}/bench.py`]) {
        const scene = LeakScene.make();
        const copying = `mkdir -p ${place}; cp -r bench.py src/tables ${place}\n`;
        scene.commit({ ...ignored, 'bench.py': measuring(null), 'copy.sh': copying, ...tables(100) });
        scene.commit(tables(900));
        leaks({ command, ...(await scene.find({ door: measure(command), setup: 'sh copy.sh' })) }, 'head', 'tables');
      }
    },
  },
  {
    ...shared,
    source: 'reported',
    speed: 'slow',
    example: '`setup` makes a module in a folder outside of both trees, which only a Python program names',
    check: async () => {
      const scene = LeakScene.make();
      const place = testFolder();
      const make = `import os\nopen(os.path.join(${JSON.stringify(place)}, 'tables.py'), 'w').write('SIZE = ' + open('size').read())\n`;
      scene.commit({ ...ignored, 'bench.py': measuring(place), 'make.py': make, size: '100' });
      scene.commit({ size: '900' });
      leaks(await scene.find({ door: measure('python3 bench.py'), setup: 'python3 make.py' }), 'head', 'tables.py instead of its own');
    },
  },
  {
    ...shared,
    source: 'reported',
    speed: 'slow',
    example: '`setup` installs into an environment that only programs in Python or JavaScript name',
    check: async () => {
      for (const [command, file, text] of [
        ['python3 start.py', 'start.py', "import os\nos.execv('{venv}/bin/python', ['{venv}/bin/python', 'bench.py'])\n"],
        [
          'node start.js',
          'start.js',
          "require('node:child_process').spawnSync('{venv}/bin/python', ['bench.py'], { stdio: 'inherit' });\n",
        ],
      ] as const) {
        const scene = LeakScene.make();
        const packages = join(scene.folder, virtualEnvironment(scene));
        scene.commit({ ...ignored, ...installing(packages), ...lists(1), [file]: text.replaceAll('{venv}', join(scene.folder, 'venv')) });
        scene.commit(lists(9));
        const setup = 'env PYTHONHASHSEED=0 python3 install.py';
        const finding = await scene.find({ environment: compiling, door: measure(command), setup });
        leaks({ command, ...finding }, 'head', 'tables 1 instead of its own');
      }
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: '`setup` installs a library beside a program of the search path',
    check: async () => {
      const { scene, entry } = installsProgram('', 100, 900);
      leaks(await scene.find(entry), 'head', 'size instead of its own');
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: '`setup` installs a package of JavaScript for all of a machine (`npm install -g`), of which an inner module differs',
    check: async () => {
      const scene = LeakScene.make();
      const prefix = testFolder();
      const engine = `#!${process.execPath}
import { createInterface } from 'node:readline';
import { size } from './lib/size.mjs';
for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify({ size }));
`;
      const to = `${prefix}/lib/node_modules/engine`;
      const install = `rm -rf ${to}; mkdir -p ${to} ${prefix}/bin; cp -r bin.mjs lib ${to}; chmod +x ${to}/bin.mjs; ln -sf ${to}/bin.mjs ${prefix}/bin/engine\n`;
      scene.commit({ ...ignored, 'bin.mjs': engine, 'install.sh': install, 'lib/size.mjs': 'export const size = 100;\n' });
      scene.commit({ 'lib/size.mjs': 'export const size = 900;\n' });
      const environment = { PATH: `${prefix}/bin:${process.env['PATH']}` };
      leaks(await scene.find({ door: measure('engine'), setup: 'sh install.sh', environment }), 'head', 'lib/size.mjs');
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: '`setup` installs a package of a registry for all of a machine (`npm install -g`), at another version for each side',
    check: async () => {
      const engine = `#!${process.execPath}
const { size } = require('@tables/size');
require('readline').createInterface({ input: process.stdin }).on('line', () => console.log(JSON.stringify({ size })));
`;
      const installing = (versions: readonly [number, number]): Promise<unknown> => {
        const scene = LeakScene.make();
        const prefix = testFolder();
        const to = `${prefix}/lib/node_modules`;
        const install = `. ./version; rm -rf ${to}; mkdir -p ${prefix}/bin ${to}/engine ${to}/@tables/size
echo "{\\"version\\":\\"1.0.0\\"}" > ${to}/engine/package.json; cp cli.js ${to}/engine; chmod +x ${to}/engine/cli.js
echo "{\\"version\\":\\"$V.0.0\\"}" > ${to}/@tables/size/package.json; echo "exports.size = $V" > ${to}/@tables/size/index.js
ln -sf ${to}/engine/cli.js ${prefix}/bin/engine
`;
        scene.commit({ ...ignored, 'cli.js': engine, 'install.sh': install, version: `V=${versions[0]}\n` });
        scene.commit({ version: `V=${versions[1]}\n`, 'README.md': 'Faster.\n' });
        const environment = { PATH: `${prefix}/bin:${process.env['PATH']}` };
        return scene.find({ door: measure('engine'), setup: 'sh install.sh', environment });
      };
      leaks(await installing([1, 9]), 'head', 'size 1.0.0 instead of its own');
      expect(await installing([1, 1])).toMatchObject({ error: null });
    },
  },
  {
    ...harmless,
    speed: 'slow',
    example: '`setup` installs the same program for both sides',
    check: async () => {
      const { scene, entry } = installsProgram('', 100, 100);
      scene.commit({ 'README.md': 'Faster.\n' });
      expect((await scene.find(entry)).error).toBeNull();
    },
  },
  {
    ...harmless,
    before: 'failed, inputs-leak',
    speed: 'slow',
    example: 'the store lies in the checkout, and git does not ignore it',
    check: async () => {
      const scene = LeakScene.make();
      const program = "import json, sys\nopen(sys.argv[1])\nfor line in sys.stdin:\n    print(json.dumps({'size': 1}), flush=True)\n";
      scene.commit({ ...ignored, 'bench.py': program });
      scene.commit({ 'bench.py': `# Faster.\n${program}` });
      scene.leave({ 'kept/store/artefacts/model.onnx': 'a model' });
      const model = join(scene.folder, 'kept/store/artefacts/model.onnx');
      expect(await scene.find({ door: measure(`python3 bench.py ${model}`) })).toEqual(clean);
    },
  },
  {
    ...harmless,
    before: 'failed, inputs-leak',
    speed: 'slow',
    example: 'the temporary folder lies in the checkout, and git does not ignore it',
    check: async () => {
      const scene = twoSizes('src');
      const reading = "import os\nopen(os.path.join(os.path.dirname(os.environ['TMPDIR']), 'lock')).read()\n";
      for (const size of [100, 900]) scene.commit({ 'bench.py': `${reading}${measuring('src')}`, ...tables(size) });
      scene.leave({ '.tmp/lock': 'of the gate' });
      vi.stubEnv('TMPDIR', join(scene.folder, '.tmp'));
      try {
        expect(await scene.find({ door: inPython })).toEqual(clean);
      } finally {
        vi.unstubAllEnvs();
      }
    },
  },
  {
    ...harmless,
    speed: 'slow',
    example: 'each side imports its own files, with packages of one environment',
    check: async () => {
      const scene = twoSizes('src');
      scene.leave({ [`${virtualEnvironment(scene)}/other.py`]: 'OTHER = 1\n' });
      expect(await scene.find(inVenv(scene))).toEqual(clean);
    },
  },
  {
    ...harmless,
    speed: 'slow',
    example: 'a package is installed in place, and another file differs',
    check: async () => {
      const scene = LeakScene.make();
      scene.commit({ ...ignored, 'bench.py': measuring(null), ...tables(100) });
      scene.commit({ 'bench.py': `# Faster.\n${measuring(null)}` });
      scene.leave({ [`${virtualEnvironment(scene)}/tables.pth`]: `${join(scene.folder, 'src')}\n` });
      expect(await scene.find(inVenv(scene))).toEqual(clean);
    },
  },
  {
    ...harmless,
    speed: 'slow',
    example: 'a link to another folder, whose files have the same names, takes the place of a folder',
    before: 'failed, inputs-leak',
    check: async () => {
      const scene = LeakScene.make();
      scene.commit({ ...ignored, 'bench.py': measuring('one'), 'one/tables.py': 'SIZE = 100\n', 'two/tables.py': 'SIZE = 900\n' });
      scene.git('rm', '--quiet', '-r', 'one');
      scene.link('two', 'one');
      scene.commit({});
      expect(await scene.find({ door: inPython })).toEqual(clean);
    },
  },
  {
    ...harmless,
    now: 'compared, with a warning',
    speed: 'slow',
    example: 'a file is edited that no program reads',
    check: async () => {
      const scene = LeakScene.make();
      scene.commit({ ...ignored, 'bench.py': measuring('src'), ...tables(100), 'README.md': 'One.\n' });
      scene.commit({ 'README.md': 'Two.\n' });
      const { error, warning } = await scene.find({ door: inPython });
      expect({ error, warning }).toEqual({ error: null, warning: expect.stringMatching(/^None of the files that differ/) });
    },
  },
  {
    ...harmless,
    now: 'compared, without a warning',
    before: 'a warning says that both sides may run one installed copy',
    speed: 'slow',
    example: 'a manifest is edited that the `setup` of each side reads, and the program does not',
    check: async () => {
      const scene = LeakScene.make();
      scene.commit({ ...ignored, 'bench.py': measuring('src'), ...tables(100), 'requirements.txt': 'one==1\n' });
      scene.commit({ 'requirements.txt': 'one==2\n' });
      expect(await scene.find({ door: inPython, setup: 'cat requirements.txt' })).toEqual(clean);
    },
  },
  {
    ...harmless,
    now: 'compared, with a warning where both run without the edited files',
    speed: 'slow',
    example: 'the file system does not record reads',
    check: async () => {
      const blind = async (): Promise<null> => null;
      expect(await twoSizes('src').find({ door: inPython, watch: blind })).toEqual(clean);
      const scene = twoSizes(null);
      scene.leave({ [`${virtualEnvironment(scene)}/tables.pth`]: `${join(scene.folder, 'src')}\n` });
      const untold = { error: null, warning: expect.stringMatching(/^The code runs without the files that differ.*does not record/) };
      expect(await scene.find({ ...inVenv(scene), watch: blind })).toEqual(untold);
      const editing = twoSizes(null);
      editing.leave({ [`${virtualEnvironment(editing)}/tables.pth`]: `${join(editing.folder, 'src')}\n` });
      editing.git('reset', '--quiet', '--soft', 'HEAD~1');
      editing.commit({ 'bench.py': `${measuring(null)}# edited\n` });
      expect(await editing.find({ ...inVenv(editing), watch: blind })).toEqual(untold);
    },
  },
];

export const sized = (bytes: number): string => 'x'.repeat(bytes);
/** A program that measures the size of a file that Git LFS keeps. */
const weighing = `import json, os, sys
size = os.path.getsize('bench/table.bin')
for line in sys.stdin:
    print(json.dumps({'size': size}), flush=True)
`;
export const nineTimes = (): LfsRepository => {
  const made = LfsRepository.make();
  made.commit({ ...ignored, 'bench.py': weighing, 'bench/table.bin': sized(5000), 'pictures/one.bin': sized(3000) });
  made.commit({ 'bench/table.bin': sized(45_000) });
  return made;
};
const pointer =
  'version https://git-lfs.github.com/spec/v1\noid sha256:0000000000000000000000000000000000000000000000000000000000000000\nsize 9\n';

const alike = { kind: 'same-files', source: 'neighbour', speed: 'fast' } as const;

const lfs: readonly Situation[] = [
  {
    ...alike,
    source: 'reported',
    example: 'a checkout of Git LFS pointers, of a file that grows from 5 to 45 KB',
    before: 'improved, by the size of a pointer',
    now: 'error, lfs-pointer',
    check: async () => {
      const scene = new LeakScene(nineTimes().cloneOfPointers().folder);
      await expect(scene.find({ door: inPython, inputs: ['bench/**'] })).rejects.toMatchObject({
        code: 'lfs-pointer',
        where: 'bench/table.bin of head',
      });
    },
  },
  {
    ...alike,
    speed: 'slow',
    example: 'a program without `inputs` reads a pointer',
    before: 'improved, by the size of a pointer',
    now: 'failed, lfs-pointer',
    check: async () => {
      const made = nineTimes();
      made.commit({ 'bench.py': `import json, sys\ntext = open('bench/table.bin').read()\n${weighing}` });
      const scene = new LeakScene(made.cloneOfPointers().folder);
      expect(await scene.find({ door: inPython })).toMatchObject({
        error: { code: 'lfs-pointer', where: expect.stringMatching(/^bench\/table\.bin of /) },
      });
    },
  },
  {
    ...alike,
    speed: 'slow',
    example: 'base needs a file that Git LFS has lost, and head has its own',
    before: 'error, git-failed',
    now: 'error, lfs-pointer',
    check: async () => {
      const made = nineTimes();
      const scene = new LeakScene(made.cloneOfFiles().folder);
      made.lose();
      await expect(scene.find({ door: inPython, inputs: ['bench/**'] })).rejects.toMatchObject({
        code: 'lfs-pointer',
        where: 'bench/table.bin of base',
        message: expect.stringMatching(/got a Git LFS pointer.*Git LFS said: .*bench\/table\.bin/s),
      });
    },
  },
  {
    ...alike,
    speed: 'slow',
    example: 'a checkout with the files of Git LFS, of which one that no input needs was lost',
    before: 'error, git-failed',
    now: 'compared',
    check: async () => {
      const made = nineTimes();
      const scene = new LeakScene(made.cloneOfFiles().folder);
      made.lose();
      rmSync(join(scene.folder, '.git/lfs/objects'), { recursive: true });
      await expect(scene.find({ door: inPython, inputs: ['bench.py'] })).resolves.toMatchObject({ error: null });
    },
  },
];

const trees: readonly Situation[] = [
  {
    ...alike,
    example: 'a model of the checkout is a Git LFS pointer',
    before: 'error, model-digest-mismatch',
    now: 'error, lfs-pointer',
    check: () => {
      const folder = testFolder();
      for (const name of ['model.safetensors', 'model.onnx', 'card.json']) writeFileSync(join(folder, name), pointer);
      const refusal = expect.objectContaining({ code: 'lfs-pointer' });
      expect(() => openSafetensors(join(folder, 'model.safetensors'))).toThrow(refusal);
      expect(() => readModel(join(folder, 'model.onnx'))).toThrow(refusal);
      expect(() => readModelCard(folder)).toThrow(refusal);
      expect(() => dataFile(folder, { location: 'model.safetensors', written: 'model.safetensors' }, 'w')).toThrow(refusal);
    },
  },
  {
    ...alike,
    speed: 'slow',
    example: 'a library that both sides pin as a submodule, at another commit',
    before: 'no base to compare with',
    now: 'compared',
    check: async () => {
      const library = ScratchRepository.create();
      const older = library.commit({ 'tables/__init__.py': 'SIZE = 100\n' });
      const newer = library.commit({ 'tables/__init__.py': 'SIZE = 900\n' });
      const scene = LeakScene.make();
      scene.git('submodule', '--quiet', 'add', library.folder, 'vendor');
      const vendor = new ScratchRepository(join(scene.folder, 'vendor'));
      vendor.git('checkout', '--quiet', older);
      scene.commit({ ...ignored, 'bench.py': measuring('vendor') });
      vendor.git('checkout', '--quiet', newer);
      scene.commit({});
      expect(await scene.find({ door: inPython, inputs: ['vendor/**'] })).toEqual(clean);
    },
  },
  {
    ...alike,
    speed: 'slow',
    example: 'an edit inside a submodule that is not committed',
    before: 'unchanged',
    now: 'compared',
    check: async () => {
      const library = ScratchRepository.create();
      library.commit({ 'lib.py': 'SIZE = 100\n' });
      const scratch = ScratchRepository.create();
      scratch.git('submodule', '--quiet', 'add', library.folder, 'vendor');
      const commit = scratch.commit({});
      scratch.write('vendor/lib.py', 'SIZE = 900\n');
      const repository = await openRepository(scratch.folder, { environment });
      expect(await repository.inputsDigest('working-tree', ['vendor/*.py'])).not.toBe(
        await repository.inputsDigest({ commit }, ['vendor/*.py']),
      );
    },
  },
];

/** Rows of Git LFS need its program. */
export const situations: readonly Situation[] = [...copies, ...trees, ...lfs.map((row) => ({ ...row, available: hasLfs }))];
