import { symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installedFiles, literalPattern, moduleAndImports, namedFiles } from '../../src/planning/named-files.ts';
import type { NamingTree } from '../../src/planning/naming-tree.ts';
import { globTest } from '../../src/repository/glob.ts';
import { openRepository, type Repository } from '../../src/repository/repository.ts';
import type { TreePaths } from '../../src/repository/tree-paths.ts';
import { environment, removeRoot, root, ScratchRepository } from '../repository/scratch-repository.ts';

const files: Readonly<Record<string, string>> = {
  '.gitignore': 'venv/\n',
  'bench/m.py': 'import json, sys\nfrom helper import (scale,\n  shift)\nimport package.inner as inner\n',
  'bench/helper.py': 'from . import sibling\n',
  'bench/sibling.py': '',
  'bench/unrelated.py': '',
  'package/__init__.py': '',
  'package/inner.py': '',
  'package/other.py': '',
  'tools/run.sh': '# see bench\npython3 bench/m.py "$1"\n',
  'data/a b.json': '{}',
  'pinned/.python-version': '3.12\n',
  'pinned/deep/run.py': '',
  'crates/Cargo.toml': '[profile.release]\nopt-level = 3\n',
  'crates/engine/Cargo.toml': '',
  'crates/engine/Makefile': '',
  'crates/Makefile': '',
  'tasks/pixi.toml': '[tasks]\nspeed = "python bench/run.py"\n',
  'tasks/bench/run.py': '',
  'tasks/Makefile': 'include rules.mk\n',
  'tasks/rules.mk': 'speed:\n\tpython3 bench/run.py\n',
  'data/c.json': '{}',
  'policy/policy.mjs': "import { a } from './lib/a.mjs';\nexport const start = () => import('./late.mjs');\n",
  'policy/lib/a.mjs':
    "import { createRequire } from 'node:module';\nconst { b } = createRequire(import.meta.url)('./b');\nnew URL('../table.json', import.meta.url);\n",
  'policy/lib/b.js': "module.exports = require('./c');\n",
  'policy/lib/c/index.js': '',
  'policy/late.mjs': "export * from 'node:fs';\n",
  'policy/table.json': '{}',
  'policy/stranger.mjs': '',
  'requirements.txt': '-r deps/base.txt\n-c constraints.txt\n-e ./engine\nnumpy==2.0\n',
  'constraints.txt': '',
  'deps/base.txt': '',
  'engine/setup.py': '',
  'engine/src/x.py': '',
  'package.json': '{"scripts": {"bench": "node policy/lib/b.js 3"}}',
  'package-lock.json': '{}',
  Makefile: 'bench:\n\tpython3 bench/sibling.py 3\n',
  'venv/bin/python': '',
  'odd/[x]{a,b}!.json': '{}',
  'star/run.py':
    'from star.core import *\ntry: import star.late; from . import (  # one\n  one, # two\n  two)\nfrom \\\n  star import three\n',
  'star/core.py': 'import beside\n',
  'star/late.py': '',
  'star/one.py': '',
  'star/two.py': '',
  'star/three.py': '',
  'beside.py': 'import laid_out\n',
  'src/laid_out.py': '',
  'bin/start': '#!/usr/bin/env bash\nexec "$(dirname "$0")"/next "$@"\n',
  'bin/next': '#!/usr/bin/python3\nimport beside\n',
  'bin/data': 'bench/m.py\n',
  'requirements/dev.txt': '-r base.txt  # more\n-e ./engine[fast]\n',
  'requirements/base.txt': '',
  'typed/run.ts': "import './lib.js';\n",
  'typed/lib.ts': '',
  'steps/run.sh': 'HERE=$(dirname "$0")\npython3 "$HERE/one.py"\nexec "${HERE%/}/../steps/${NEXT:-two.py}"\n',
  'steps/one.py': '',
  'steps/two.py': '',
  'parcel/package.json': '{"main": "lib/main.js", "imports": {"#table": "./lib/table.js"}}',
  'parcel/lib/main.js': '',
  'parcel/lib/table.js': '',
  'parcel/speed/run.mjs': "import table from '#table';\n",
  'parcel/speed/old.js': "require('..'); require.resolve('./other');\n",
  'parcel/speed/other.js': '',
  'inner/all.sh': 'set -e\ncd inner/kernel && make -s\nexec python3 -m star.late\n',
  'inner/kernel/Makefile': 'all:\n\tpython3 -c "from beside import x; x()"\n',
  'inner/nodes.sh': 'exec node ./parcel/speed/old\n',
  'local/package.json': '{"dependencies": {"engine": "file:../engine", "other": "^1.2.3"}}',
  'local/Cargo.toml': '[dependencies]\nkernel = { path = "kernel" }\nserde = "1"\n',
  'local/kernel/Cargo.toml': '',
  'local/go.mod': 'module local\nreplace example.org/kernel => ../inner/kernel\n',
  'local/go.work': 'use (\n\t./kernel\n)\n',
  'quiet/Makefile': 'run:\n\t@python3 -c "import run"\n\t@$(MAKE) rest; $(PYTHON) run.py\n',
  'quiet/run.py': '',
  'nixed/flake.lock': '',
  'nixed/tasks.py': '',
};

let repository: Repository;
let scratch: ScratchRepository;
let commit: string;
beforeAll(async () => {
  scratch = ScratchRepository.create();
  for (const [path, content] of Object.entries(files)) scratch.write(path, content);
  symlinkSync('../bench/m.py', join(scratch.folder, 'tools', 'linked.py'));
  symlinkSync('bench', join(scratch.folder, 'alias'));
  symlinkSync('/etc', join(scratch.folder, 'away'));
  symlinkSync('ring', join(scratch.folder, 'ring'));
  commit = scratch.commit({});
  repository = await openRepository(scratch.folder, { environment, temporary: root });
});
afterAll(removeRoot);

const listed = new Map<string, Promise<TreePaths>>();
const treeOf = async (at: 'working-tree' | 'commit', folder = ''): Promise<NamingTree> => {
  const paths = listed.get(at) ?? repository.paths(at === 'commit' ? { commit } : 'working-tree');
  listed.set(at, paths);
  return { paths: await paths, read: async (names) => names.map((name) => files[name] ?? null), folder, root: scratch.folder };
};
const python = ['bench/helper.py', 'bench/m.py', 'bench/sibling.py', 'package/__init__.py', 'package/inner.py'];

describe.each(['working-tree', 'commit'] as const)('of a %s', (at) => {
  const named = async (command: string, folder?: string): Promise<readonly string[]> => namedFiles(command, await treeOf(at, folder));

  it('a command names files and what they import, however the words stand in it', async () => {
    for (const command of [
      'python3 bench/m.py 1',
      'python3 ./bench/../bench/m.py --rounds=1',
      'python3 "bench/m.py"',
      "sh -c 'python3 bench/m.py | cat'",
      'python3 --script=bench/m.py',
      'env SCRIPT=bench/m.py python3 {model}',
      'python3 @bench/m.py',
      'python3 -sbench/m.py',
      'python3 -m bench.m',
    ])
      expect([command, (await named(command)).filter((path) => path !== 'bench')]).toEqual([command, python]);
  });

  it('a folder that is named counts with all that is in it, the working directory does not', async () => {
    expect(await named('python3 -m bench')).toEqual(['bench', 'package/__init__.py', 'package/inner.py']);
    expect(await named('pytest --rootdir=engine')).toEqual(['constraints.txt', 'deps/base.txt', 'engine', 'requirements.txt']);
    expect(await named('cp . ./')).toEqual([]);
    expect(await named('make run', 'engine')).toEqual([]);
  });

  it('paths begin at the folder that the command is started in', async () => {
    expect(await named('python3 m.py', 'bench')).toEqual(python);
    expect(await named('python3 ../data/c.json', 'bench')).toEqual(['data/c.json']);
    expect(await named('python3 bench/m.py', 'bench')).toEqual([]);
  });

  it('a file that names the version of a language counts, from the folder upwards', async () => {
    expect(await named('python3 run.py', 'pinned/deep')).toEqual(['pinned/.python-version', 'pinned/deep/run.py']);
    expect(await named('python3 pinned/deep/run.py')).toEqual(['pinned/deep/run.py']);
  });

  it('what a program reads without being told counts from the folders above, where the program looks there', async () => {
    expect(await named('cargo run', 'crates/engine')).toEqual(['crates/Cargo.toml', 'crates/engine/Cargo.toml']);
    expect(await named('make run', 'crates/engine')).toEqual(['crates/engine/Makefile']);
    expect(await named('npm run speed', 'data')).toEqual(await named('npm run speed'));
  });

  it('tasks of other runners, and rules that a Makefile includes, name what they start', async () => {
    expect(await named('pixi run speed', 'tasks')).toEqual(['tasks/bench/run.py', 'tasks/pixi.toml']);
    expect(await named('make speed', 'tasks')).toEqual(['tasks/Makefile', 'tasks/bench/run.py', 'tasks/rules.mk']);
  });

  it('links count, and so does what they lead to', async () => {
    expect(await named('python3 tools/linked.py')).toEqual([...python, 'tools/linked.py']);
    expect(await named('python3 alias/unrelated.py')).toEqual(['alias', 'bench/unrelated.py']);
    expect(await named('cat away/passwd ring')).toEqual(['away', 'ring']);
  });

  it('a shell script names what it starts, and so does a recipe that a program reads without being told', async () => {
    expect(await named('sh tools/run.sh 3')).toEqual([...python, 'tools/run.sh']);
    expect(await named('make -s speed')).toEqual(['Makefile', 'bench/sibling.py']);
    expect(await named("sh -c 'npm run speed'")).toEqual(['package-lock.json', 'package.json', 'policy/lib/b.js', 'policy/lib/c/index.js']);
  });

  it('commands inside a script lead to what they would lead to by themselves', async () => {
    const late = ['beside.py', 'src/laid_out.py', 'star/late.py'];
    expect(await named('sh inner/all.sh')).toEqual(
      ['Makefile', 'bench/sibling.py', ...late, 'inner/all.sh', 'inner/kernel/Makefile'].sort(),
    );
    const parcel = ['lib/main.js', 'lib/table.js', 'package.json', 'speed/old.js', 'speed/other.js'].map((name) => `parcel/${name}`);
    expect(await named('sh inner/nodes.sh')).toEqual(['inner/nodes.sh', ...parcel]);
    expect(await named("python3 -c 'import star.late'")).toEqual(['star/late.py']);
    expect(await named(`sh -c 'python3 -c "import sys; from star import late"'`)).toEqual(['beside.py', 'src/laid_out.py', 'star']);
    expect(await named('make', 'quiet')).toEqual(['quiet/Makefile', 'quiet/run.py']);
    expect(await named('nix develop -c inv speed', 'nixed')).toEqual(['nixed/flake.lock', 'nixed/tasks.py']);
  });

  it('a folder that a manifest takes a package from counts with all that is in it', async () => {
    expect(await named('npm run speed', 'local')).toEqual(expect.arrayContaining(['engine', 'local/package.json']));
    expect(await named('cargo run', 'local')).toEqual(['local/Cargo.toml', 'local/kernel']);
    expect(await named('go run .', 'local')).toEqual(['inner/kernel', 'local/go.mod', 'local/go.work', 'local/kernel']);
    expect(await named('npm run speed', 'local')).not.toContain('1.2.3');
  });

  it('imports are found in every form, and modules above the file and in `src` too', async () => {
    const found = ['beside', 'star/core', 'star/late', 'star/one', 'star/run', 'star/three', 'star/two', 'src/laid_out'];
    for (const command of ['python3 star/run.py', 'python3 -um star.run', 'python3 -mstar.run'])
      expect([command, await named(command)]).toEqual([command, found.map((name) => `${name}.py`).sort()]);
    expect(await named('tsx typed/run.ts')).toEqual(['typed/lib.ts', 'typed/run.ts']);
  });

  it('variables in the words of a shell script stand for some folder', async () => {
    expect(await named('sh steps/run.sh')).toEqual(['steps/one.py', 'steps/run.sh', 'steps/two.py']);
    expect(await named(`sh -c 'python3 "$PWD/steps/one.py"'`)).toEqual(['steps/one.py']);
  });

  it('a name of a script may lack its ending, or be that of a package', async () => {
    const parcel = ['lib/main.js', 'lib/table.js', 'package.json'].map((name) => `parcel/${name}`);
    const above = ['package.json', 'policy/lib/b.js', 'policy/lib/c/index.js'];
    expect(await named('node parcel/speed/run.mjs')).toEqual([...above, ...parcel, 'parcel/speed/run.mjs'].sort());
    expect(await named('node parcel/speed/old')).toEqual([...parcel, 'parcel/speed/old.js', 'parcel/speed/other.js']);
    expect(await named('node --import ./parcel/speed/other policy/late')).toEqual(['parcel/speed/other.js', 'policy/late.mjs']);
    expect(await named('cat parcel/speed/old')).toEqual([]);
  });

  it('a module may lie in `src`, and a path may begin at the root of the system', async () => {
    expect(await named('python3 -m laid_out')).toEqual(['src/laid_out.py']);
    expect(await named(`python3 ${scratch.folder}/bench/sibling.py`)).toEqual(['bench/sibling.py']);
    expect(await named(`python3 ${scratch.folder}/sibling.py`, 'bench')).toEqual([]);
  });

  it('a script without an ending says what runs it, and starts what lies beside it', async () => {
    expect(await named('bin/start 3')).toEqual(['beside.py', 'bin/next', 'bin/start', 'src/laid_out.py']);
    expect(await named('bin/data')).toEqual(['bin/data']);
    expect(await named('/usr/bin/make -s speed')).toEqual(['Makefile', 'bench/sibling.py']);
  });

  it('what git ignores, does not know or has elsewhere is not named', async () => {
    expect(await named('venv/bin/python /etc/passwd ../outside.py nowhere.py')).toEqual([]);
    expect(await named("python3 'data/a b.json'")).toEqual(['data/a b.json']);
    expect(await named("python3 'never closed bench/sibling.py")).toEqual(['bench/sibling.py']);
  });

  it('a module brings what it imports by relative path', async () => {
    expect(await moduleAndImports('policy/policy.mjs', await treeOf(at))).toEqual([
      'policy/late.mjs',
      'policy/lib/a.mjs',
      'policy/lib/b.js',
      'policy/lib/c/index.js',
      'policy/policy.mjs',
      'policy/table.json',
    ]);
    expect(await moduleAndImports('lib/b.js', await treeOf(at, 'policy'))).toEqual(['policy/lib/b.js', 'policy/lib/c/index.js']);
  });

  it('setup brings the lists that it names, and those of the usual names where it names none', async () => {
    const tree = await treeOf(at);
    expect(await installedFiles('uv-pip install -r requirements.txt', tree)).toEqual([
      'constraints.txt',
      'deps/base.txt',
      'engine',
      'requirements.txt',
    ]);
    expect(await installedFiles('pip install -r requirements/dev.txt', tree)).toEqual(
      expect.arrayContaining(['engine', 'requirements/base.txt', 'requirements/dev.txt']),
    );
    expect(await installedFiles('npm ci', tree)).toEqual(['package-lock.json', 'package.json', 'policy/lib/b.js', 'policy/lib/c/index.js']);
    expect(await installedFiles('sh tools/install', tree)).toEqual([
      'Makefile',
      'bench/sibling.py',
      'constraints.txt',
      'deps/base.txt',
      'engine',
      'package-lock.json',
      'package.json',
      'policy/lib/b.js',
      'policy/lib/c/index.js',
      'requirements.txt',
    ]);
    expect(await installedFiles('node --version', await treeOf(at, 'data'))).toEqual([]);
  });
});

describe('the working tree', () => {
  it('has files that were not committed yet, and lacks those that were removed', async () => {
    scratch.write('bench/fresh.py', '');
    unlinkSync(join(scratch.folder, 'bench', 'unrelated.py'));
    listed.clear();
    const tree = await treeOf('working-tree');
    expect(await namedFiles('python3 bench/fresh.py bench/unrelated.py', tree)).toEqual(['bench/fresh.py']);
    expect(await namedFiles('python3 bench/fresh.py bench/unrelated.py', await treeOf('commit'))).toEqual(['bench/unrelated.py']);
  });
});

describe('literalPattern', () => {
  it('matches its path and nothing else', () => {
    for (const path of [...Object.keys(files), '!a', '{x}', 'a\\b', '**', 'a,b', '[!x]']) {
      const test = globTest(literalPattern(path), 'inputs');
      expect([path, test(path), test(`${path}x`), test(`x${path}`)]).toEqual([path, true, false, false]);
    }
    expect(globTest(literalPattern('odd/[x]{a,b}!.json'), 'inputs')('odd/xa!.json')).toBe(false);
  });
});
