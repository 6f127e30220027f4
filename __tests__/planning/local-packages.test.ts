import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { installedFiles, moduleAndImports, namedFiles } from '../../src/planning/named-files.ts';
import type { NamingTree } from '../../src/planning/naming-tree.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { environment, removeRoot, root, ScratchRepository } from '../repository/scratch-repository.ts';

const files: Readonly<Record<string, string>> = {
  '.gitignore': 'node_modules\n',
  'package.json': '{"name": "all", "workspaces": ["packages/*"], "exports": {".": "./main.js", "./own/*": "./own/*.js"}}',
  'main.js': '',
  'own/one.js': '',
  'own/two.js': '',
  'packages/engine/package.json': '{"name": "@our/engine", "bin": {"spin": "./spin.js"}}',
  'packages/engine/index.js': "export * from 'core';\n",
  'packages/core/package.json': '{"name": "core"}',
  'packages/core/index.js': "import '../../shared/table.js';\n",
  'shared/table.js': '',
  'packages/other/package.json': '{"name": "other"}',
  'bench/run.js': "import { a } from '@our/engine/lib/a.js';\nimport 'node:fs';\n",
  'bench/old.js': "require('engine-by-link')\n",
  'bench/self.js': "import 'all/own/one';\n",
  'bench/start.py': "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'tools.go'])\nopen(join(HERE, '..', 'data', 'v.bin'))\n",
  'tools/go.py': '',
  'data/v.bin': '',
  'linked/index.js': '',
  'alias/package.json': '{"dependencies": {"fast": "file:../linked", "slow": "workspace:../packages/other"}}',
  'alias/run.js': "import 'fast';\n",
  'typed/tsconfig.json': '{\n// paths\n"extends": "./base.json", "compilerOptions": {"paths": {"@lib/*": ["./lib/*"],},},}',
  'typed/base.json': '{"compilerOptions": {"baseUrl": "../shared"}}',
  'typed/lib/one.ts': '',
  'typed/lib/two.ts': '',
  'typed/run.ts': "import '@lib/one';\nimport 'table';\n",
  'mapped/package.json': '{"imports": {"#lib/*": {"node": "./lib/*.js", "default": "other"}}}',
  'mapped/lib/one.js': '',
  'mapped/lib/two.js': '',
  'mapped/run.js': "import '#lib/one';\n",
  'python/one/pyproject.toml': '[project]\nname = "fast-kernel"\n[project.scripts]\nfast-bench = "fast.main:run"\n',
  'python/one/src/fast/__init__.py': '',
  'python/one/csrc/kernel.cpp': '',
  'python/two/setup.py': "setup(\n  name='compiled')\n",
  'python/two/lib.rs': '',
  'python/three/lib/helper.py': '',
  'python/three/types.py': '',
  'python/three/__init__.py': '',
  'python/app/run.py': 'import types\nfrom fast import kernel\n',
  'python/app/load.py': "import importlib\nimportlib.import_module('compiled')\n",
  'python/app/beside.py': "sys.path.insert(0, join(HERE, '..', 'three', 'lib'))\nimport helper\n",
};

let scratch: ScratchRepository;
let tree: (folder?: string) => NamingTree;
beforeAll(async () => {
  scratch = ScratchRepository.create();
  const commit = scratch.commit(files);
  mkdirSync(join(scratch.folder, 'node_modules'));
  symlinkSync('../linked', join(scratch.folder, 'node_modules/engine-by-link'));
  const repository = await openRepository(scratch.folder, { environment, temporary: root });
  const paths = await repository.paths({ commit });
  const read: NamingTree['read'] = async (names) => names.map((name) => files[name] ?? null);
  tree = (folder = '') => ({ paths, read, folder, root: scratch.folder });
});
afterAll(removeRoot);

const named = (command: string, folder?: string): Promise<readonly string[]> => namedFiles(command, tree(folder));
const packages = ['packages/core', 'packages/engine', 'shared/table.js'];

it('counts a package of the workspace with what it loads, however it is named', async () => {
  expect(await named('node bench/run.js')).toEqual(['bench/run.js', ...packages]);
  expect(await moduleAndImports('bench/run.js', tree())).toEqual(['bench/run.js', ...packages]);
  expect(await named('node run.js', 'bench')).toEqual(['bench/run.js', ...packages]);
  expect(await named('npx spin')).toEqual(expect.arrayContaining(packages));
  expect(await named('pnpm --filter @our/engine bench')).toEqual(expect.arrayContaining(packages));
  expect(await named('node bench/run.js')).not.toContain('package.json');
});

it('counts what an installer linked, and what a manifest calls by another name', async () => {
  expect(await named('node bench/old.js')).toEqual(['bench/old.js', 'linked']);
  expect(await named('node alias/run.js')).toEqual(['alias/run.js', 'linked']);
  expect(await named('npm run x', 'alias')).toEqual(expect.arrayContaining(['linked', 'packages/other']));
});

it('follows the maps of manifests', async () => {
  expect(await named('node mapped/run.js')).toEqual([
    'main.js',
    'mapped/lib/one.js',
    'mapped/package.json',
    'mapped/run.js',
    'package.json',
    'packages/other',
  ]);
  expect(await named('node typed/run.ts')).toEqual(['shared/table.js', 'typed/lib/one.ts', 'typed/run.ts']);
  expect(await named('node bench/self.js')).toEqual(['bench/self.js', 'main.js', 'own/one.js', 'package.json']);
});

it('counts a Python project that lies elsewhere in the tree, and modules on a path that is added', async () => {
  expect(await named('python3 python/app/run.py')).toEqual(['python/app/run.py', 'python/one']);
  expect(await named('python3 python/app/load.py')).toEqual(['python/app/load.py', 'python/two']);
  expect(await named('python3 python/app/beside.py')).toEqual(['python/app/beside.py', 'python/three/lib/helper.py']);
  expect(await named("python3 -c 'import fast'")).toEqual(['python/one']);
  expect(await named('python3 -m fast.kernel')).toEqual(['python/one']);
  expect(await named('fast-bench --rounds 3')).toEqual(['python/one']);
  expect(await installedFiles('pip install -e python/two', tree('python/app'))).toEqual([]);
  expect(await installedFiles('pip install -e ../two', tree('python/app'))).toEqual(['python/two']);
});

it('counts what the literals of a program start or load', async () => {
  expect(await named('python3 bench/start.py')).toEqual(['bench/start.py', 'data/v.bin', 'tools/go.py']);
});
