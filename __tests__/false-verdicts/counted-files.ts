import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { resolveConfig } from '../../src/config/resolve.ts';
import { commandTree } from '../../src/planning/named-runtime/command-tree.ts';
import { installedVersions } from '../../src/planning/named-runtime/installed-versions.ts';
import { namedDifference } from '../../src/planning/named-runtime/named-version.ts';
import { configurable } from '../../src/planning/plan.ts';
import { subjectResolver } from '../../src/planning/subjects.ts';
import { allowedEnvironment, runtimeSettingsIn } from '../../src/processes/environment.ts';
import type { SubjectRef } from '../../src/records/plan.ts';
import { openRepository, type Repository } from '../../src/repository/repository.ts';
import { type CommandContext, workerProgram } from '../../src/run/context.ts';
import { locateRuntime } from '../../src/runtime/library.ts';
import { describeRuntime } from '../../src/runtime/runtime-spec.ts';
import { configuration, Project, packageRoot, quickPoint } from '../commands/project.ts';
import { environment, root, ScratchRepository } from '../repository/scratch-repository.ts';
import { parseConfig } from '../testkit/config.ts';
import type { Situation } from './situation.ts';

type Files = Readonly<Record<string, string>>;

interface Change {
  readonly example: string;
  readonly command: string;
  readonly inputs?: string;
  readonly setup?: string | null;
  readonly files: Files;
  /** Link → its target. */
  readonly links?: Files;
  readonly edit: Files;
  /** The working directory; the root unless told. */
  readonly folder?: string;
}

const program = (edit: string): Files => ({ 'tools/run.py': `${edit}\n` });

/** One repository for all rows, whose base has all of their files. */
interface Scene {
  readonly scratch: ScratchRepository;
  readonly base: string;
  readonly repository: Repository;
}
let made: Promise<Scene> | null = null;
const makeScene = async (): Promise<Scene> => {
  const scratch = ScratchRepository.create();
  for (const { files, links = {} } of [...compared, harmless]) {
    for (const [path, content] of Object.entries(files)) scratch.write(path, content);
    for (const [path, target] of Object.entries(links)) {
      mkdirSync(dirname(join(scratch.folder, path)), { recursive: true });
      symlinkSync(target.replace('{root}', scratch.folder), join(scratch.folder, path));
    }
  }
  const base = scratch.commit({ 'data/a.txt': 'a\n', 'other.md': 'x\n' });
  return { scratch, base, repository: await openRepository(scratch.folder, { environment, temporary: root }) };
};
const scene = (): Promise<Scene> => {
  made ??= makeScene();
  return made;
};

/** Digests of the code of base, and of head as a commit and on disk. */
const codesOf = async ({ edit, inputs = '[data/a.txt]', setup = null, folder = '', ...change }: Change): Promise<readonly string[]> => {
  const { scratch, base, repository } = await scene();
  const command = change.command.replace('{root}', scratch.folder);
  scratch.git('checkout', '--quiet', '--detach', base);
  const head = scratch.commit(edit);
  return Promise.all([base, head, null].map((commit) => codeAt(repository, { command, inputs, setup, folder }, commit)));
};

interface Written {
  readonly command: string;
  readonly inputs: string;
  readonly setup: string | null;
  /** The working directory; the root unless told. */
  readonly folder?: string;
}

const subjectAt = async (
  repository: Repository,
  { command, inputs, setup, folder = '' }: Written,
  commit: string | null,
): Promise<SubjectRef> => {
  const metrics = 'metrics: [{ id: size, unit: bytes, better: lower, kind: exact }]';
  const entry = ['engine', `measure: ${command}`, `inputs: ${inputs}`, metrics];
  const text = configuration([entry], setup === null ? [] : [`setup: ${setup}`]);
  const config = resolveConfig(parseConfig(text, 'optimization-gate.yml'), { optimizations: configurable, models: ['mini-qwen3-dense'] });
  const context = { root: repository.folder, worker: join(root, 'worker.js') } as CommandContext;
  const { subjectOf } = await subjectResolver('head', config, context, repository, commit, folder);
  const [subject] = config.optimizations.map(subjectOf);
  if (subject === undefined) throw new Error('no entry');
  return subject;
};

const codeAt = async (repository: Repository, written: Written, commit: string | null): Promise<string> =>
  (await subjectAt(repository, written, commit)).code;

const changes = async (change: Change): Promise<void> => {
  const [base, head, onDisk] = await codesOf(change);
  expect(head).not.toBe(base);
  expect(onDisk).toBe(head);
};

const stays = async (change: Change): Promise<void> => {
  const [base, head, onDisk] = await codesOf(change);
  expect([head, onDisk]).toEqual([base, base]);
};

const row: Omit<Situation, 'example' | 'check'> = {
  kind: 'what-is-run',
  before: 'unchanged',
  now: 'compared',
  source: 'neighbour',
  speed: 'fast',
};

const run = program('SIZE = 100');
const edited = program('SIZE = 900');

/** The first rows; `named-files.test.ts` has the others in small. */
const fast = 2;

const compared: readonly Change[] = [
  {
    example: 'a glob matches a link, and the file behind it changes',
    command: 'python3 {model}',
    files: { 'tables/v.txt': '1' },
    inputs: '[one/**]',
    links: { 'one/v.txt': '../tables/v.txt' },
    edit: { 'tables/v.txt': '9' },
  },
  {
    example: 'a glob matches a link to a folder with another link in it',
    command: 'python3 {model}',
    files: { 'tables/one/a': '1', 'tables/two/v.txt': '1' },
    inputs: '[two/*]',
    links: { 'two/one': '../tables/one', 'tables/one/two': '../two/v.txt' },
    edit: { 'tables/two/v.txt': '9' },
  },
  {
    example: 'a glob matches a file by the name that a link to its folder gives it',
    command: 'python3 {model}',
    inputs: '[data/a.txt, alias/*.txt]',
    files: { 'tables/v.txt': '1' },
    links: { alias: 'tables' },
    edit: { 'tables/v.txt': '9' },
  },
  {
    example: 'a link holds the absolute path of a file of the checkout',
    command: 'python3 {model}',
    files: { 'tables/v.txt': '1' },
    inputs: '[three/v.*]',
    links: { 'three/v.txt': '{root}/tables/v.txt' },
    edit: { 'tables/v.txt': '9' },
  },
  {
    example: 'an attribute makes the checked-out file another one',
    command: 'python3 {model}',
    files: {},
    edit: { '.gitattributes': 'data/a.txt text eol=crlf\n' },
  },
  {
    example: 'a script is imported with a star',
    command: 'python3 run.py',
    files: { 'run.py': 'from tools.run import *\n', ...run },
    edit: edited,
  },
  {
    example: 'a script is imported behind a colon, and by a module of a package beside it',
    command: 'python3 bench/run.py',
    files: {
      'bench/run.py': 'try: import package.inner\nexcept ImportError: pass\n',
      'bench/package/inner.py': 'import beside\n',
      'bench/beside.py': '',
    },
    edit: { 'bench/beside.py': 'SIZE = 900\n' },
  },
  {
    example: 'a package lies in the folder `src`',
    command: 'python3 speed/run.py',
    files: { 'speed/run.py': 'import engine.core\n', 'src/engine/core.py': '' },
    edit: { 'src/engine/core.py': 'SIZE = 900\n' },
  },
  {
    example: 'a module is named by `-um`',
    command: 'python3 -um tools.run',
    files: run,
    edit: edited,
  },
  {
    example: 'a shell script starts a program beside itself',
    command: 'sh tools/start.sh',
    files: { 'tools/start.sh': 'exec python3 "$(dirname "$0")/run.py"\n', ...run },
    edit: edited,
  },
  {
    example: 'a script without an ending starts a program',
    command: 'bin/start',
    files: { 'bin/start': '#!/usr/bin/env bash\nexec python3 tools/run.py\n', ...run },
    edit: edited,
  },
  {
    example: 'a shell script starts a program by a variable that holds its folder',
    command: 'sh tools/here.sh',
    files: { 'tools/here.sh': 'HERE=$(dirname "$0")\nexec python3 "$HERE/run.py"\n', ...run },
    edit: edited,
  },
  {
    example: 'a script requires the package that it lies in',
    command: 'node parcel/speed/run.js',
    files: { 'parcel/speed/run.js': "require('..')\n", 'parcel/package.json': '{"main": "main.js"}', 'parcel/main.js': '' },
    edit: { 'parcel/main.js': 'exports.size = 900;\n' },
  },
  {
    example: 'a script imports a name that the package.json of its package leads elsewhere',
    command: 'node crate/run.mjs',
    files: { 'crate/run.mjs': "import '#table';\n", 'crate/package.json': '{"imports": {"#table": "./one.mjs"}}' },
    edit: { 'crate/package.json': '{"imports": {"#table": "./two.mjs"}}' },
  },
  {
    example: 'a script is named without its ending',
    command: 'node speed/start',
    files: { 'speed/start.js': '' },
    edit: { 'speed/start.js': '900;\n' },
  },
  {
    example: 'a module in the folder `src` is named by `-m`',
    command: 'python3 -m engine.start',
    files: { 'src/engine/start.py': '' },
    edit: { 'src/engine/start.py': 'SIZE = 900\n' },
  },
  {
    example: 'a program is named by the path that its checkout has on this machine',
    command: 'python3 {root}/tools/run.py',
    files: run,
    edit: edited,
  },
  {
    example: 'cargo builds with other flags',
    command: 'cargo run --release',
    files: { '.cargo/config.toml': '' },
    edit: { '.cargo/config.toml': '[build]\nrustflags = ["-C", "opt-level=0"]\n' },
  },
  {
    example: 'cargo builds a member of a workspace with the profile of its root',
    command: 'cargo run --release',
    folder: 'engine',
    files: { 'engine/Cargo.toml': '', 'Cargo.toml': '[profile.release]\nopt-level = 3\n' },
    edit: { 'Cargo.toml': '[profile.release]\nopt-level = 0\n' },
  },
  {
    example: '`make` is named by its path',
    command: '/usr/bin/make -s speed',
    files: { Makefile: 'speed:\n\tpython3 tools/run.py\n', ...run },
    edit: { Makefile: 'speed:\n\tpython3 tools/run.py 9\n' },
  },
  {
    example: 'a list of packages in a folder of such lists includes another',
    command: 'python3 {model}',
    setup: 'pip install -r requirements/dev.txt',
    files: { 'requirements/dev.txt': '-r base.txt  # what is needed\n', 'requirements/base.txt': 'one==1\n' },
    edit: { 'requirements/base.txt': 'one==2\n' },
  },
  {
    example: 'a list of packages installs a folder of the tree with extras',
    command: 'python3 {model}',
    setup: 'pip install -r lists/dev.txt',
    files: { 'lists/dev.txt': '-e ./engine[fast]\n', 'engine/core.py': '' },
    edit: { 'engine/core.py': 'SIZE = 900\n' },
  },
  {
    example: 'a shell script starts `make`, in another folder or its own',
    command: 'sh scripts/make.sh',
    files: { 'scripts/make.sh': 'cd kernels && exec make -s speed\n', 'kernels/Makefile': '' },
    edit: { 'kernels/Makefile': 'CFLAGS = -O0\n' },
  },
  {
    example: 'a shell script starts a module by `-m`',
    command: 'sh scripts/module.sh',
    files: { 'scripts/module.sh': 'exec python3 -m tools.run\n', ...run },
    edit: edited,
  },
  {
    example: 'the text behind `-c` imports a module',
    command: `python3 -c 'from tools.run import main; main()'`,
    files: run,
    edit: edited,
  },
  {
    example: 'a script that installs has a lock file in a folder that it goes to',
    command: 'python3 {model}',
    setup: 'sh scripts/install.sh',
    files: { 'scripts/install.sh': 'cd web && npm ci\n', 'web/package-lock.json': '{}' },
    edit: { 'web/package-lock.json': '{"lockfileVersion": 3}' },
  },
  {
    example: 'a manifest takes a package from a folder of the tree',
    command: 'node {model}',
    setup: 'npm ci',
    folder: 'app',
    files: { 'app/package.json': '{"dependencies": {"fast": "file:../fast"}}', 'fast/index.js': '' },
    edit: { 'fast/index.js': 'exports.size = 900;\n' },
  },
  {
    example: 'a script requires a package of the workspace, which lies outside `inputs`',
    command: 'node space/bench/run.js',
    files: { 'space/bench/run.js': "require('spinner');\n", 'space/parts/spinner/package.json': '{"name": "spinner"}' },
    edit: { 'space/parts/spinner/index.js': 'exports.size = 900;\n' },
  },
  {
    example: 'a package of the workspace loads another one, and that a file beside it',
    command: 'node space/bench/deep.mjs',
    files: {
      'space/bench/deep.mjs': "import { a } from '@space/outer/lib/a.js';\n",
      'space/parts/outer/package.json': '{"name": "@space/outer"}',
      'space/parts/outer/lib/a.js': "export * from '@space/inner';\n",
      'space/parts/inner/package.json': '{"name": "@space/inner"}',
      'space/parts/inner/index.js': "import '../../table.js';\n",
      'space/table.js': '',
    },
    edit: { 'space/table.js': 'export const size = 900;\n' },
  },
  {
    example: 'a script imports what the configuration of TypeScript leads to a folder',
    command: 'tsx typed/run.ts',
    files: {
      'typed/run.ts': "import '@fast/one';\n",
      'typed/tsconfig.json': '{ "compilerOptions": { "paths": { "@fast/*": ["../quick/*"] } } }',
      'quick/one.ts': '',
    },
    edit: { 'quick/one.ts': 'export const size = 900;\n' },
  },
  {
    example: 'a Python program imports a project of the tree that an earlier step installed in place',
    command: 'python3 app/start.py',
    files: { 'app/start.py': 'from spindle import turn\n', 'libs/spindle/pyproject.toml': '[project]\nname = "spindle"\n' },
    edit: { 'libs/spindle/csrc/turn.cpp': 'int size = 900;\n' },
  },
  {
    example: 'a Python program adds a folder to its path and imports from there',
    command: 'python3 app/path.py',
    files: { 'app/path.py': "sys.path.insert(0, join(HERE, '..', 'more'))\nimport gears\n", 'more/gears.py': '' },
    edit: { 'more/gears.py': 'SIZE = 900\n' },
  },
  {
    example: 'a program starts another one by a list of words',
    command: 'python3 app/starts.py',
    files: { 'app/starts.py': "subprocess.run([sys.executable, '-u', 'workers/one.py'])\n", 'workers/one.py': '' },
    edit: { 'workers/one.py': 'SIZE = 900\n' },
  },
  {
    example: 'a program starts another one in a folder that it goes to',
    command: 'python3 app/goes.py',
    files: {
      'app/goes.py': "subprocess.run(['make'], cwd=join(HERE, '..', 'built'))\n",
      'built/Makefile': 'all:\n\tcc k.c\n',
      'built/k.c': '',
    },
    edit: { 'built/k.c': 'SIZE = 900\n' },
  },
  {
    example: 'a program starts `make -C` by a list of words',
    command: 'node app/makes.mjs',
    files: { 'app/makes.mjs': "execFileSync('make', ['-C', 'native']);\n", 'native/Makefile': 'all:\n\tcc k.c\n', 'native/k.c': '' },
    edit: { 'native/k.c': 'SIZE = 900\n' },
  },
  {
    example: 'a program lists the files of a folder, or matches them with a star',
    command: 'python3 app/lists.py',
    files: { 'app/lists.py': "for name in glob.glob('settings/*.json'): load(name)\n", 'settings/one.json': '{}' },
    edit: { 'settings/one.json': '{"size": 900}\n' },
  },
  {
    example: 'a program computes the name of a file in a folder that it names',
    command: 'python3 app/computes.py',
    files: { 'app/computes.py': "load(f'{ROOT}/variants/{name}.json')\n", 'variants/one.json': '{}' },
    edit: { 'variants/one.json': '{"size": 900}\n' },
  },
  {
    example: 'a package is started by its name, and a module of it imports what lies beside it',
    command: 'python3 -m starter',
    files: { 'starter/__main__.py': 'import lying\n', 'lying.py': '' },
    edit: { 'lying.py': 'SIZE = 900\n' },
  },
  {
    example: 'an environment of Nix is locked to another release',
    command: 'nix develop -c python3 {model}',
    files: { 'flake.lock': '{}' },
    edit: { 'flake.lock': '{"version": 7}' },
  },
];

const harmless: Change = {
  example: 'links that lead nowhere, in a circle and out of the tree, and a file that no pattern matches changes',
  command: 'python3 {model}',
  inputs: '[odd/**]',
  files: { 'tables/v.txt': '1' },
  links: {
    'odd/none': 'nothing',
    'odd/ring': 'ring',
    'odd/away': '/etc/hostname',
    'odd/up': '../../..',
    'odd/self': '.',
    docs: 'tables',
  },
  edit: { 'other.md': 'y\n', 'tables/v.txt': '9' },
};

const workflowOf = (step: string): Files => ({
  '.github/workflows/gate.yml': `jobs:\n  gate:\n    steps:\n      ${step}\n      - uses: a/optimization-gate@v1\n`,
});

const placeRuntime = (folder: string): void => {
  const [from, to] = [packageRoot, folder].map((each) => join(each, 'node_modules/onnxruntime-node'));
  mkdirSync(to ?? '', { recursive: true });
  cpSync(join(from ?? '', 'package.json'), join(to ?? '', 'package.json'));
  symlinkSync(join(from ?? '', 'bin'), join(to ?? '', 'bin'));
};

/** How a plan says that base's library is another one. `place`: the folder that holds the library, or null for one outside of the checkout. */
const differenceOf = async (files: Files, edit: Files, place: string | null) => {
  const project = Project.make();
  const folder = place === null ? ScratchRepository.create().folder : join(project.folder, place);
  placeRuntime(folder);
  const pruning = configuration([['structured-pruning', quickPoint]]);
  project.commit({ '.gitignore': 'node_modules\n.optimization-gate\n', 'optimization-gate.yml': pruning, ...files });
  project.commit(edit);
  await project.gate('plan', '--base', 'HEAD~1', '--ort-path', folder);
  const { runtime, baseRuntime } = project.plan();
  expect(runtime.digest === baseRuntime?.digest).toBe(baseRuntime?.named === undefined);
  return baseRuntime?.named;
};

export const situations: readonly Situation[] = [
  ...compared.map(
    (change, at): Situation => ({ ...row, example: change.example, speed: at < fast ? 'fast' : 'slow', check: () => changes(change) }),
  ),
  {
    ...row,
    example: 'a program lies in a submodule',
    check: async () => {
      const library = ScratchRepository.create();
      const older = library.commit(run);
      const newer = library.commit(edited);
      const scratch = ScratchRepository.create();
      scratch.git('submodule', '--quiet', 'add', library.folder, 'vendor');
      const vendor = new ScratchRepository(join(scratch.folder, 'vendor'));
      vendor.git('checkout', '--quiet', older);
      const base = scratch.commit({ 'data/a.txt': 'a' });
      vendor.git('checkout', '--quiet', newer);
      const head = scratch.commit({});
      const repository = await openRepository(scratch.folder, { environment, temporary: root });
      const entry = { command: 'python3 vendor/tools/run.py', inputs: '[data/**]', setup: null };
      const codes = await Promise.all([base, head, null].map((commit) => codeAt(repository, entry, commit)));
      expect([codes[0] === codes[1], codes[1] === codes[2]]).toEqual([false, true]);
    },
  },
  {
    ...row,
    example: 'another version of onnxruntime-node is installed, in the checkout or by the workflow, and both sides are measured with it',
    now: 'compared; time and memory are inconclusive',
    speed: 'slow',
    check: async () => {
      const project = Project.make();
      const named = (version: string): Files => ({
        'package.json': JSON.stringify({ dependencies: { 'onnxruntime-node': version } }),
        '.github/workflows/gate.yml': `jobs: { gate: { steps: [run: npm install onnxruntime-node@${version}] } }\n`,
      });
      const isAnother = async (folder: string): Promise<boolean> => {
        await project.gate('plan', '--base', 'HEAD~1', '--ort-path', folder);
        const { runtime, baseRuntime } = project.plan();
        return runtime.digest !== baseRuntime?.digest;
      };
      placeRuntime(project.folder);
      const outside = ScratchRepository.create().folder;
      placeRuntime(outside);
      const pruning = configuration([['structured-pruning', quickPoint]]);
      project.commit({ '.gitignore': 'node_modules\n.optimization-gate\n', 'optimization-gate.yml': pruning, ...named('1.30.0') });
      const { 'package.json': manifest = '', ...workflow } = named('1.31.0');
      project.commit({ 'package.json': manifest });
      expect([await isAnother('.'), await isAnother(outside)]).toEqual([true, false]);
      project.commit(workflow);
      expect([await isAnother('.'), await isAnother(outside)]).toEqual([false, true]);
    },
  },
  {
    ...row,
    source: 'reported',
    example: 'another version of onnxruntime-node is installed by a variable, in a workflow or a script, or from a file',
    now: 'compared; time and memory are inconclusive',
    speed: 'slow',
    check: async () => {
      const scratch = ScratchRepository.create();
      const install = (spec: string): string => `npm install --prefix /opt/ort onnxruntime-node@${spec}\n`;
      const repository = await openRepository(scratch.folder, { environment, temporary: root });
      for (const [files, edit] of [
        [{ '.github/workflows/one.yml': `env: { ORT: 1.30.0 }\nrun: ${install('$ORT')}` }, `env: { ORT: 1.31.0 }\nrun: ${install('$ORT')}`],
        [{ 'versions.env': 'ORT_VERSION=1.30.0\n', 'ci/one.sh': install('"${ORT_VERSION}"') }, 'ORT_VERSION=1.31.0\n'],
        [{ 'ort.txt': '1.30.0\n', 'ci/two.sh': install('$(cat ort.txt)') }, '1.31.0\n'],
        [{ Makefile: `VERSION := 1.30.0\nort:\n\t${install('$(VERSION)')}` }, `VERSION := 1.31.0\nort:\n\t${install('$(VERSION)')}`],
      ] as const) {
        const [first = ''] = Object.keys(files);
        const base = scratch.commit({ ...files });
        const same = scratch.commit({ 'README.md': first });
        const head = scratch.commit({ [first]: edit });
        const differs = async (...commits: readonly [string, string]): Promise<boolean> => {
          const [was, is] = commits.map((commit) => commandTree(repository, commit, (paths) => repository.textsAt(commit, paths, 100_000)));
          if (was === undefined || is === undefined) throw new Error('two sides');
          const named = await installedVersions(was, is, { action: null, workflow: null, configuration: 'optimization-gate.yml' });
          expect([first, named.base.length]).not.toEqual([first, 0]);
          return namedDifference(named.base, named.head) !== null;
        };
        expect([first, await differs(base, same), await differs(base, head)]).toEqual([first, false, true]);
        for (const path of Object.keys(files)) scratch.git('rm', '--quiet', path);
      }
    },
  },
  {
    ...row,
    source: 'reported',
    example: 'the manifest names another range of onnxruntime-node, in the root or in a member of a workspace, and there is no lock file',
    now: 'compared; time and memory are inconclusive, and the reason names the file',
    speed: 'slow',
    check: async () => {
      const needs = (spec: string): string => JSON.stringify({ dependencies: { 'onnxruntime-node': spec } });
      const root = { 'package.json': '{"private": true, "workspaces": ["packages/*"]}' };
      expect(await differenceOf({ 'package.json': needs('~1.29') }, { 'package.json': needs('~1.30') }, '.')).toEqual({
        file: 'package.json',
        base: '~1.29',
        head: '~1.30',
      });
      const member = 'packages/a/package.json';
      expect(await differenceOf({ ...root, [member]: needs('1.29.0') }, { [member]: needs('1.30.0') }, '.')).toMatchObject({
        file: member,
      });
    },
  },
  {
    ...row,
    source: 'reported',
    example: 'another onnxruntime-node reaches the install command by an input of an action, a default or an argument',
    now: 'compared; time and memory are inconclusive, and the reason names the file',
    speed: 'slow',
    check: async () => {
      const action = `runs:\n  using: composite\n  steps:\n    - run: npm i --prefix ~/ort "onnxruntime-node@\${{ inputs.version }}"\n`;
      const used = (version: string): Files => workflowOf(`- uses: ./.github/actions/ort\n        with: { version: ${version} }`);
      const called = (version: string): Files => workflowOf(`- run: sh install.sh ${version}`);
      const script = 'V=${1:-1.28.0}\nnpm i --prefix ~/ort "onnxruntime-node@$V"\n';
      const expected = { file: '.github/workflows/gate.yml', base: '1.29.0', head: '1.30.0' };
      expect(await differenceOf({ ...used('1.29.0'), '.github/actions/ort/action.yml': action }, used('1.30.0'), null)).toEqual(expected);
      expect(await differenceOf({ ...called('1.29.0'), 'install.sh': script }, called('1.30.0'), null)).toEqual(expected);
    },
  },
  {
    ...row,
    source: 'reported',
    example: 'an issue template, a comment or another workflow names onnxruntime-node with another version',
    before: 'inconclusive: the runtime differs',
    now: 'unchanged',
    speed: 'slow',
    check: async () => {
      const files = workflowOf('- run: npm i --prefix ~/ort onnxruntime-node@1.30.0');
      for (const edit of [
        { '.github/ISSUE_TEMPLATE/bug.yml': 'body:\n  - attributes: { placeholder: onnxruntime-node 1.24.3 }\n' },
        { '.github/workflows/gate.yml': `# onnxruntime-node@1.29.0 was slower\n${files['.github/workflows/gate.yml']}` },
        { '.github/workflows/compat.yml': 'jobs:\n  compat:\n    steps:\n      - run: npm i onnxruntime-node@1.31.0\n' },
      ])
        expect(await differenceOf(files, edit, null)).toBeUndefined();
    },
  },
  {
    ...row,
    source: 'reported',
    example: 'a variable lets ONNX Runtime take session options from the metadata of a model, which no digest covers',
    now: 'no session sees it; other settings of the runtime are part of its digest',
    check: async () => {
      const worker = (variables: Files) =>
        workerProgram({
          host: { subjectEnvironment: allowedEnvironment(variables) },
          packageRoot,
          ortPath: null,
        } as unknown as CommandContext).environment;
      expect(worker({ ORT_LOAD_CONFIG_FROM_MODEL: '1', OMP_NUM_THREADS: '2' })).toEqual({ OMP_NUM_THREADS: '2', ORT_PATH: packageRoot });
      const location = locateRuntime([packageRoot]);
      const digest = async (variables: Files): Promise<string> =>
        (await describeRuntime(location, { provider: 'cpu', threads: 1, spinning: false }, runtimeSettingsIn(worker(variables)))).digest;
      expect(await digest({ ORT_GQA_DISABLE_FLASH_ATTENTION: '1' })).not.toBe(await digest({}));
      expect(await digest({ ORT_LOAD_CONFIG_FROM_MODEL: '1' })).toBe(await digest({}));
    },
  },
  {
    ...row,
    kind: 'same-files',
    example: 'a file that Git LFS keeps is named by the command line, or matched through a link',
    before: 'its pointer is measured',
    now: 'it is needed as itself',
    check: async () => {
      const { repository, base } = await scene();
      const written = { command: 'python3 bench/run.py other.md', inputs: '[one/v.txt, two/**]', setup: null };
      for (const commit of [base, null])
        expect((await subjectAt(repository, written, commit)).inputs).toEqual(
          expect.arrayContaining(['one/v.txt', 'other.md', 'bench/run.py', 'tables/v.txt', 'tables/one']),
        );
    },
  },
  {
    ...row,
    example: harmless.example,
    now: 'unchanged',
    check: () => stays(harmless),
  },
  {
    ...row,
    example: 'a pull request removes a Git LFS pointer and links that cannot be followed',
    before: 'error, lfs-pointer or link-invalid',
    now: 'compared',
    check: async () => {
      const scratch = ScratchRepository.create();
      const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 9\n`;
      symlinkSync('/etc/hostname', join(scratch.folder, 'away'));
      symlinkSync('ring', join(scratch.folder, 'ring'));
      symlinkSync('gate.yml', join(scratch.folder, 'linked.yml'));
      const base = scratch.commit({ 'picture.bin': pointer, 'gate.yml': 'models: []\n' });
      for (const path of ['picture.bin', 'away', 'ring']) rmSync(join(scratch.folder, path));
      scratch.commit({});
      const repository = await openRepository(scratch.folder, { environment, temporary: root });
      const removed = await repository.removedSince(base);
      expect(removed).toEqual(['away', 'picture.bin', 'ring']);
      expect(await repository.textsAt(base, [...removed, 'linked.yml'], 1000)).toEqual([null, null, null, 'models: []\n']);
      await expect(repository.textsAt(base, ['picture.bin'])).rejects.toMatchObject({ code: 'lfs-pointer' });
      await expect(repository.textsAt(base, ['ring'])).rejects.toMatchObject({ code: 'link-invalid' });
    },
  },
];
