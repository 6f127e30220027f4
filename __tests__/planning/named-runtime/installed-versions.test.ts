import { rmSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type CommandTree, commandTree } from '../../../src/planning/named-runtime/command-tree.ts';
import { installedVersions } from '../../../src/planning/named-runtime/installed-versions.ts';
import { namedDifference, specsOf } from '../../../src/planning/named-runtime/named-version.ts';
import { openRepository } from '../../../src/repository/repository.ts';
import { environment, removeRoot, root, ScratchRepository } from '../../repository/scratch-repository.ts';

afterAll(removeRoot);

type Files = Readonly<Record<string, string>>;

/** As git has it: a dot is a character like others. */
const isMatched = (path: string, glob: string): boolean => {
  const [own, pattern] = [path, glob].map((each) => each.replace(/(^|\/)\./g, '$1dot-'));
  return matchesGlob(own!, pattern!);
};

/** A side without git: its files, looked through as `git grep` does. */
const inMemory = (files: Files): CommandTree => {
  const filesWith = async (_: string, expression: string, globs: readonly string[]): Promise<readonly string[]> => {
    const pattern = expression.replaceAll('[^[:alnum:]_', '[^\\w').replaceAll('[[:space:]]', '\\s');
    const matching = Object.entries(files).filter(([path]) => globs.some((glob) => isMatched(path, glob)));
    return matching.flatMap(([path, text]) => (text.split('\n').some((line) => new RegExp(pattern).test(line)) ? [path] : []));
  };
  return commandTree({ filesWith }, '', async (paths) => paths.map((path) => files[path] ?? null));
};

const scratch = ScratchRepository.create();

const inRepository = async (files: Files, edit: Files): Promise<readonly CommandTree[]> => {
  for (const path of scratch.git('ls-files').split('\n')) if (path !== '') rmSync(join(scratch.folder, path));
  const commits = [scratch.commit(files), scratch.commit(edit)];
  const repository = await openRepository(scratch.folder, { environment, temporary: root });
  return commits.map((commit) => commandTree(repository, commit, (paths) => repository.textsAt(commit, paths, 1e6)));
};

let seen = 0;

/** What two sides name, and where they differ. Each eighth one is looked at in a repository, too. */
const compared = async (
  files: Files,
  edit: Files,
): Promise<{ readonly base: string; readonly head: string; readonly file: string | null }> => {
  const base = { 'optimization-gate.yml': 'models: [mini-qwen3-dense]\n', ...files };
  const head = { ...base, ...edit };
  const look = async ([was, is]: readonly CommandTree[]) => {
    const named = await installedVersions(was!, is!, { action: null, workflow: null, configuration: 'optimization-gate.yml' });
    return { base: specsOf(named.base), head: specsOf(named.head), file: namedDifference(named.base, named.head)?.file ?? null };
  };
  const found = await look([inMemory(base), inMemory(head)]);
  if (seen++ % 8 === 0) expect(await look(await inRepository(base, edit))).toEqual(found);
  return found;
};

const actionFile = '.github/actions/ort/action.yml';
const workflow = '.github/workflows/gate.yml';
const gateStep = '      - uses: a/optimization-gate@v1\n        with:\n          ort-path: ~/ort\n';
/** A workflow whose job runs the gate behind some steps. */
const gate = (steps: string, { env = '', job = '', after = '' } = {}): string =>
  `on: pull_request\n${env}jobs:\n  gate:\n    runs-on: ubuntu-latest\n${job}    steps:\n      - uses: actions/checkout@v4\n${steps}${gateStep}${after}`;
const run = (command: string): string => gate(`      - run: ${command}\n`);
const install = (spec: string): string => `npm install --prefix ~/ort "onnxruntime-node@${spec}"\n`;
const withEnv = (version: string, command: string): string =>
  gate(`      - run: ${command}\n`, { env: `env:\n  ORT_VERSION: ${version}\n` });

const action = (step: string, version = ''): string =>
  `name: ONNX Runtime\ninputs:\n  version:\n    description: version to install\n    required: true\n${version}runs:\n  using: composite\n  steps:\n    - shell: bash\n      run: ${step}\n`;
const useAction = (version: string): string => gate(`      - uses: ./.github/actions/ort\n        with:\n          version: ${version}\n`);

/** A file with one version, and then with another. */
const both = (path: string, text: (version: string) => string, others: Files = {}): readonly [Files, Files] => [
  { ...others, [path]: text('1.29.0') },
  { [path]: text('1.30.0') },
];

describe('another version is seen', () => {
  test.each<readonly [string, readonly [Files, Files]]>([
    ['in a step of the workflow', both(workflow, (v) => run(install(v)))],
    ['as a range, a part of a version, a tag', [{ [workflow]: run(install('~1.29')) }, { [workflow]: run(install('~1.30')) }]],
    ['as the name of an archive', both(workflow, (v) => run(`npm i --prefix ~/ort https://mirror/onnxruntime-node-${v}.tgz`))],
    [
      'in continued lines',
      both(workflow, (v) =>
        gate(`      - run: |\n          npm install \\\n            --prefix ~/ort \\\n            onnxruntime-node@${v}\n`),
      ),
    ],
    ['by an input of an action', both(workflow, useAction, { '.github/actions/ort/action.yml': action(install('${{ inputs.version }}')) })],
    [
      'by the default of an input',
      both('.github/actions/ort/action.yml', (v) => action(install('${{ inputs.version }}'), `    default: ${v}\n`), {
        [workflow]: gate('      - uses: ./.github/actions/ort\n'),
      }),
    ],
    [
      'by a variable of the step that an action runs',
      both(workflow, useAction, {
        '.github/actions/ort/action.yml': action(`${install('$V')}      env:\n        V: \${{ inputs.version }}`),
      }),
    ],
    [
      'by an input of a reusable workflow, whose caller has a matrix',
      both(
        '.github/workflows/ci.yml',
        (v) =>
          `on: push\njobs:\n  one:\n    strategy:\n      matrix:\n        ort: [${v}]\n    uses: ./.github/workflows/gate.yml\n    with:\n      version: \${{ matrix.ort }}\n`,
        {
          [workflow]: `on: { workflow_call: { inputs: { version: { type: string } } } }\n${run(install('${{ inputs.version }}')).replace('on: pull_request\n', '')}`,
        },
      ),
    ],
    ['by a variable of the workflow', both(workflow, (v) => withEnv(v, 'sh install.sh'), { 'install.sh': install('$ORT_VERSION') })],
    [
      'by a variable with a default',
      both(workflow, (v) => withEnv(v, 'sh install.sh'), { 'install.sh': install('${ORT_VERSION:-1.29.0}') }),
    ],
    ['by the default of a variable', both('install.sh', (v) => install(`\${ORT_VERSION:-${v}}`), { [workflow]: run('sh install.sh') })],
    [
      'by a variable that holds another one',
      both(workflow, (v) => withEnv(v, 'sh install.sh'), { 'install.sh': `V=\${ORT_VERSION:-1.29.0}\nW="$V"\n${install('$W')}` }),
    ],
    ['by an argument', both(workflow, (v) => run(`sh install.sh ${v}`), { 'install.sh': install('$1') })],
    ['by an argument with a default', both(workflow, (v) => run(`./ci/install.sh ${v}`), { 'ci/install.sh': install('${1:-1.29.0}') })],
    [
      'by an argument that is a variable',
      both(workflow, (v) => run(`sh install.sh ${v}`), { 'install.sh': `ORT=1.29.0\n[ -z "$1" ] || ORT=$1\n${install('$ORT')}` }),
    ],
    [
      'by all arguments',
      both(workflow, (v) => run(`sh install.sh --quiet ${v}`), { 'install.sh': `for each in "$@"; do\n  ${install('$each')}done\n` }),
    ],
    [
      'by an argument of a function',
      both('install.sh', (v) => `add() {\n  ${install('$1')}}\nadd ${v}\n`, { [workflow]: run('sh install.sh') }),
    ],
    [
      'by a parameter of PowerShell',
      both(workflow, (v) => run(`./install.ps1 -Version ${v}`), {
        'install.ps1': 'param([string]$Version = \'1.28.0\')\nnpm i --prefix ort "onnxruntime-node@$Version"\n',
      }),
    ],
    [
      'by a variable of PowerShell',
      both(workflow, (v) =>
        gate(`      - shell: pwsh\n        run: |\n          $env:ORT = "${v}"\n          npm i "onnxruntime-node@$env:ORT"\n`),
      ),
    ],
    [
      'by a variable of a batch file',
      both('install.cmd', (v) => `@echo off\nset ORT=${v}\nnpm i onnxruntime-node@%ORT%\n`, { [workflow]: run('install.cmd') }),
    ],
    [
      'by an output of a step',
      both(workflow, (v) =>
        gate(
          `      - id: ort\n        run: echo "version=${v}" >> "$GITHUB_OUTPUT"\n      - run: ${install('${{ steps.ort.outputs.version }}')}`,
        ),
      ),
    ],
    [
      'by an output of a job',
      both(workflow, (v) =>
        gate(`      - run: ${install('${{ needs.pick.outputs.ort }}')}`, {
          job: '    needs: pick\n',
          after: `  pick:\n    outputs:\n      ort: \${{ steps.one.outputs.v }}\n    steps:\n      - id: one\n        run: echo "v=${v}" >> $GITHUB_OUTPUT\n`,
        }),
      ),
    ],
    [
      'by a matrix',
      both(workflow, (v) =>
        gate(`      - run: ${install('${{ matrix.ort }}')}`, {
          job: `    strategy:\n      matrix:\n        include:\n          - ort: ${v}\n`,
        }),
      ),
    ],
    ['by a literal of an expression', both(workflow, (v) => run(install(`\${{ vars.ORT || '${v}' }}`)))],
    ['by a file', both('.ort-version', (v) => `${v}\n`, { [workflow]: run(`npm i "onnxruntime-node@$(cat .ort-version)"`) })],
    [
      'by a file of an action',
      both('ci/ort', (v) => `${v}\n`, { [workflow]: run('sh ci/install.sh'), 'ci/install.sh': install('$(< ci/ort)') }),
    ],
    [
      'by a field of a manifest',
      both(
        'package.json',
        (v) => JSON.stringify({ name: 'x', description: 'y'.repeat(90), devDependencies: { 'onnxruntime-node': v } }, null, 1),
        {
          [workflow]: run(
            `npm i --prefix ~/ort onnxruntime-node@$(node -p "require('./package.json').devDependencies['onnxruntime-node']")`,
          ),
        },
      ),
    ],
    [
      'by a file of variables',
      both('versions.env', (v) => `ORT_VERSION=${v}\n`, {
        [workflow]: run('. ./versions.env; sh install.sh'),
        'install.sh': install('${ORT_VERSION}'),
      }),
    ],
    [
      'by a variable of a Makefile',
      both('Makefile', (v) => `VERSION ?= ${v}\nort:\n\t${install('$(VERSION)')}`, { [workflow]: run('make ort') }),
    ],
    [
      'by a command of a Makefile',
      both('ort.txt', (v) => `${v}\n`, {
        [workflow]: run('make ort'),
        Makefile: `VERSION := $(shell cat ort.txt)\nort:\n\t${install('$(VERSION)')}`,
      }),
    ],
    [
      'by a variable given to make',
      both(workflow, (v) => run(`make ort VERSION=${v}`), { Makefile: `VERSION ?= 1.29.0\nort:\n\t${install('$(VERSION)')}` }),
    ],
    [
      'by two variables',
      both(workflow, (v) => gate(`      - run: ${install('1.${MINOR}.0')}`, { env: `env:\n  MINOR: ${v.slice(2, 4)}\n` })),
    ],
    [
      'by a variable that holds the name',
      both(workflow, (v) => run(`sh install.sh ${v}`), { 'install.sh': 'PKG=onnxruntime-node\nnpm i "$PKG@$1"\n' }),
    ],
    [
      'by a variable that holds name and version',
      both('install.sh', (v) => `PKG=onnxruntime-node@${v}\nnpm i $PKG\n`, { [workflow]: run('sh install.sh') }),
    ],
    [
      'as a key',
      both('ci/versions.yml', (v) => `packages:\n  onnxruntime-node: ${v}\n`, { [workflow]: run('node ci/install.mjs ci/versions.yml') }),
    ],
    [
      'in a script of a manifest',
      both('package.json', (v) => JSON.stringify({ scripts: { ort: install(v) } }), { [workflow]: run('npm run ort') }),
    ],
    [
      'in a script that an installation starts',
      both('package.json', (v) => JSON.stringify({ scripts: { postinstall: install(v) } }), { [workflow]: run('npm ci') }),
    ],
    [
      'in a program of another language',
      both('ci/install.py', (v) => `import subprocess\nsubprocess.run(["npm", "i", "onnxruntime-node@${v}"])\n`, {
        [workflow]: run('python3 ci/install.py'),
      }),
    ],
    ['in a script without an ending', both('ci/install', (v) => `#!/bin/sh\n${install(v)}`, { [workflow]: run('ci/install') })],
    [
      'in the setup of the configuration',
      both('install.sh', install, { 'optimization-gate.yml': 'models: [mini-qwen3-dense]\nsetup: sh install.sh\n' }),
    ],
    [
      'in a job of another host',
      both(
        '.gitlab-ci.yml',
        (v) => `variables:\n  ORT: "${v}"\ngate:\n  script:\n    - ${install('$ORT')}    - npx optimization-gate run\n`,
      ),
    ],
    [
      'in a workflow that starts the gate by a Makefile',
      both(workflow, (v) => `on: push\njobs:\n  gate:\n    steps:\n      - run: ${install(v)}      - run: make gate\n`, {
        Makefile: 'gate:\n\tnpx optimization-gate run\n',
      }),
    ],
    [
      'in a workflow that starts the gate by a script of a manifest',
      both(workflow, (v) => `on: push\njobs:\n  gate:\n    steps:\n      - run: ${install(v)}      - run: npm run gate\n`, {
        'package.json': '{"scripts": {"gate": "optimization-gate run"}}',
      }),
    ],
    ['where no text runs the gate', both('ci/one.sh', install)],
    [
      'by an argument, where no text runs the gate',
      both(workflow, (v) => `on: push\njobs:\n  one:\n    steps:\n      - run: sh ci/one.sh ${v}\n`, { 'ci/one.sh': install('$1') }),
    ],
    [
      'where a version takes the place of none',
      [{ [workflow]: run('npm i --prefix ~/ort onnxruntime-node') }, { [workflow]: run(install('1.30.0')) }],
    ],
    [
      'by a variable beside a job in an included file',
      both('.gitlab-ci.yml', (v) => `include:\n  - local: ci/gate.yml\nvariables:\n  ORT_VERSION: ${v}\n`, {
        'ci/gate.yml': `gate:\n  script:\n    - npm i "onnxruntime-node@$ORT_VERSION"\n    - npx optimization-gate\n`,
      }),
    ],
    [
      'by an argument of a container',
      both(workflow, (v) => run(`docker build --build-arg ORT=${v} -t x .`), {
        Dockerfile: 'FROM node:24\nARG ORT=1.29.0\nRUN npm i onnxruntime-node@${ORT}\n',
      }),
    ],
    [
      'by a variable of a container',
      both('Dockerfile', (v) => `FROM node:24\nENV ORT ${v}\nRUN npm i onnxruntime-node@$ORT\n`, { [workflow]: run('docker build .') }),
    ],
    [
      'by an argument of a composed service',
      both(
        'docker-compose.yml',
        (v) => `services:\n  gate:\n    build:\n      context: .\n      args:\n        ORT: ${v}\n    command: npx optimization-gate run\n`,
        { Dockerfile: 'ARG ORT\nRUN npm i onnxruntime-node@$ORT\n', [workflow]: run('docker compose run gate') },
      ),
    ],
    [
      'by a variable that an earlier step sets',
      both(workflow, (v) => gate(`      - run: echo "ORT=${v}" >> "$GITHUB_ENV"\n      - run: ${install('$ORT')}`)),
    ],
    [
      'by a variable that an earlier step reads from a file',
      both('.ort', (v) => `${v}\n`, {
        [workflow]: gate(`      - run: echo "ORT=$(cat .ort)" >> "$GITHUB_ENV"\n      - run: ${install('$ORT')}`),
      }),
    ],
    [
      'by a matrix that a job computes from a file',
      both('versions.json', (v) => JSON.stringify({ ort: [v] }), {
        [workflow]: gate(`      - run: ${install('${{ matrix.ort }}')}`, {
          job: '    needs: v\n    strategy:\n      matrix: ${{ fromJSON(needs.v.outputs.m) }}\n',
          after:
            '  v:\n    outputs:\n      m: ${{ steps.m.outputs.m }}\n    steps:\n      - id: m\n        run: echo "m=$(cat versions.json)" >> $GITHUB_OUTPUT\n',
        }),
      }),
    ],
    ['by a variable below an anchor', both(workflow, (v) => gate(`      - run: ${install('$ORT')}`, { env: `env: &e\n  ORT: '${v}'\n` }))],
    ['by a variable of the step', both(workflow, (v) => gate(`      - env: { ORT: ${v}, A: 1 }\n        run: ${install('$ORT')}`))],
    [
      'by an argument of a script of a manifest',
      both(workflow, (v) => run(`npm run ort -- ${v}`), {
        'package.json': JSON.stringify({ scripts: { ort: 'sh ci/ort.sh' } }),
        'ci/ort.sh': install('$1'),
      }),
    ],
    [
      'by an input of an action of JavaScript',
      both(workflow, useAction, {
        [actionFile]: 'name: x\ninputs: {version: {description: d}}\nruns:\n  using: node24\n  main: index.js\n',
        '.github/actions/ort/index.js': "exec('npm i onnxruntime-node@' + process.env.INPUT_VERSION)\n",
      }),
    ],
    [
      'by an input that an action passes on',
      both(workflow, (v) => gate(`      - uses: ./.github/actions/setup\n        with:\n          ort: ${v}\n`), {
        '.github/actions/setup/action.yml':
          'inputs:\n  ort: {}\nruns:\n  steps:\n    - uses: ./.github/actions/ort\n      with:\n        version: ${{ inputs.ort }}\n',
        [actionFile]: action(install('${{ inputs.version }}')),
      }),
    ],
    [
      'beside an action that runs the gate',
      both(workflow, (v) => `on: push\njobs:\n  g:\n    steps:\n      - run: ${install(v)}      - uses: ./.github/actions/gate\n`, {
        '.github/actions/gate/action.yml': 'runs:\n  steps:\n    - uses: a/optimization-gate@v1\n',
      }),
    ],
    [
      'by an input of a reusable workflow and an argument',
      both('.github/workflows/a.yml', (v) => `on: push\njobs:\n  g:\n    uses: ./.github/workflows/b.yml\n    with: { ort: ${v} }\n`, {
        '.github/workflows/b.yml': gate('      - run: sh ci/x.sh ${{ inputs.ort }}\n').replace(
          'on: pull_request',
          'on:\n  workflow_call:\n    inputs:\n      ort: { type: string }',
        ),
        'ci/x.sh': install('${1}'),
      }),
    ],
    [
      'in a text of Python with a name in it',
      both('ci/i.py', (v) => `V = "${v}"\nsubprocess.run(["npm","i",f"onnxruntime-node@{V}"])\n`, { [workflow]: run('python ci/i.py') }),
    ],
    [
      'in a template of JavaScript',
      both('ci/i.mjs', (v) => `const version = '${v}';\nexecSync(\`npm i onnxruntime-node@\${version}\`);\n`, {
        [workflow]: run('node ci/i.mjs'),
      }),
    ],
    [
      'in a file that JavaScript imports',
      both('ci/ort.json', (v) => JSON.stringify({ version: v }), {
        'ci/i.mjs': "import { version } from './ort.json' with { type: 'json' };\nexecSync(`npm i onnxruntime-node@${version}`);\n",
        [workflow]: run('node ci/i.mjs'),
      }),
    ],
    [
      'in joined texts of JavaScript',
      both('ci/i.mjs', (v) => `const version = '${v}';\nexecSync('npm i onnxruntime-node@' + version);\n`, {
        [workflow]: run('node ci/i.mjs'),
      }),
    ],
    ['in joined texts of a shell', both('i.sh', (v) => `V=${v}\nnpm i onnxruntime-node@"$V"\n`, { [workflow]: run('sh i.sh') })],
    [
      'in an array of a shell',
      both('i.sh', (v) => `PK=(onnxruntime-node@${v} other)\nnpm i "\${PK[@]}"\n`, { [workflow]: run('bash i.sh') }),
    ],
    [
      'in a manifest that a script writes',
      both('i.sh', (v) => `cat > ~/ort/package.json <<E\n{"dependencies": {"onnxruntime-node": "${v}"}}\nE\ncd ~/ort && npm i\n`, {
        [workflow]: run('bash i.sh'),
      }),
    ],
    [
      'in a manifest whose folder is copied',
      both('ci/ort/package.json', (v) => JSON.stringify({ dependencies: { 'onnxruntime-node': v } }), {
        [workflow]: run('cp -r ci/ort ~/ort && npm ci --prefix ~/ort'),
      }),
    ],
    [
      'in a lock file that is copied',
      both('ci/ort/package-lock.json', (v) => JSON.stringify({ packages: { 'node_modules/onnxruntime-node': { version: v } } }), {
        [workflow]: run('cp ci/ort/package*.json ~/ort && npm ci --prefix ~/ort'),
      }),
    ],
    [
      'in a list of packages',
      both('ci/npm.txt', (v) => `onnxruntime-node@${v}\n`, { [workflow]: run('xargs npm i --prefix ~/ort < ci/npm.txt') }),
    ],
    [
      'by a variable of a justfile',
      both('justfile', (v) => `version := "${v}"\nort:\n  npm i onnxruntime-node@{{ version }}\n`, { [workflow]: run('just ort') }),
    ],
    [
      'by a variable of a task file',
      both('Taskfile.yml', (v) => `vars:\n  ORT: ${v}\ntasks:\n  ort:\n    cmds:\n      - npm i onnxruntime-node@{{.ORT}}\n`, {
        [workflow]: run('task ort'),
      }),
    ],
    [
      'by a variable of a pipeline',
      both(
        'azure-pipelines.yml',
        (v) =>
          `variables:\n  - name: ORT\n    value: ${v}\nsteps:\n  - script: npm i onnxruntime-node@$(ORT)\n  - script: npx optimization-gate run\n`,
      ),
    ],
    [
      'by a variable of a tool, where no script says so',
      both('mise.toml', (v) => `[env]\nORT_VERSION = "${v}"\n`, { [workflow]: run('mise run ort'), 'ci/i.sh': install('$ORT_VERSION') }),
    ],
    [
      'by an option',
      both(workflow, (v) => run(`bash i.sh --ort ${v}`), {
        'i.sh': `while [ $# -gt 0 ]; do case $1 in --ort) ORT=$2; shift 2;; esac; done\n${install('$ORT')}`,
      }),
    ],
    [
      'by an option of one letter',
      both(workflow, (v) => run(`bash i.sh -v ${v}`), { 'i.sh': `while getopts v: o; do V=$OPTARG; done\n${install('$V')}` }),
    ],
    [
      'by an option with its value',
      both(workflow, (v) => run(`bash i.sh --ort=${v}`), { 'i.sh': `for a in "$@"; do ORT="\${a#*=}"; done\n${install('$ORT')}` }),
    ],
    ['by a variable before a command', both(workflow, (v) => run(`ORT=${v} bash i.sh`), { 'i.sh': install('$ORT') })],
    [
      'by a variable whose default is assigned',
      both(workflow, (v) => run(`bash i.sh`).replace('steps:', `env: {ORT: "${v}"}\n    steps:`), {
        'i.sh': `: "\${ORT:=1.28.0}"\n${install('$ORT')}`,
      }),
    ],
    [
      'by a variable of a sourced file',
      both('ci/v.sh', (v) => `ORT=${v}\n`, { 'ci/i.sh': `. "$(dirname "$0")/v.sh"\n${install('$ORT')}`, [workflow]: run('bash ci/i.sh') }),
    ],
    [
      'by an argument of a function in a sourced file',
      both('ci/i.sh', (v) => `source ci/lib.sh\nadd ${v}\n`, {
        'ci/lib.sh': `add() {\n  local v=$1\n  ${install('$v')}}\n`,
        [workflow]: run('bash ci/i.sh'),
      }),
    ],
    [
      'in folded lines',
      both(workflow, (v) => gate(`      - run: >-\n          npm install --prefix ~/ort\n          onnxruntime-node@${v}\n`)),
    ],
    ['as a range in a batch file', both('i.cmd', (v) => `npm i "onnxruntime-node@^${v}"\n`, { [workflow]: run('call i.cmd') })],
    [
      'beside the gate in one command',
      both(workflow, (v) => run(`npx -p onnxruntime-node@${v} -p optimization-gate optimization-gate run`)),
    ],
    ['by another package manager', both(workflow, (v) => run(`bun add onnxruntime-node@${v}`))],
    ['by a packed archive', both(workflow, (v) => run(`npm pack onnxruntime-node@${v} && tar xf onnxruntime-node-${v}.tgz`))],
    [
      'in lines that end as on Windows',
      both(workflow, (v) => gate(`      - run: sh i.sh ${v}\n`).replaceAll('\n', '\r\n'), { 'i.sh': install('$1') }),
    ],
    [
      'in a pipeline of another host',
      both(
        'bitbucket-pipelines.yml',
        (v) =>
          `pipelines:\n  default:\n    - step:\n        script:\n          - npm i onnxruntime-node@${v}\n          - npx optimization-gate\n`,
      ),
    ],
    ['in a Jenkinsfile', both('Jenkinsfile', (v) => `sh 'npm i onnxruntime-node@${v}'\nsh 'npx optimization-gate'\n`)],
    ['in a hook', both('.husky/pre-push', (v) => `npm i onnxruntime-node@${v}\nnpx optimization-gate\n`)],
    [
      'in a command of a container for developers',
      both('.devcontainer/devcontainer.json', (v) => `{"postCreateCommand":"npm i onnxruntime-node@${v} && optimization-gate doctor"}`),
    ],
  ])('%s', async (_, [files, edit]) => {
    const { base, head, file } = await compared(files, edit);
    expect(base).not.toBe(head);
    expect(file).not.toBeNull();
    for (const words of [base, head]) expect(words).toMatch(/^[\w.~^@, -]+$/);
  });
});

const named = { [workflow]: run(install('1.30.0')) };
const bug = 'name: Bug\nbody:\n  - type: input\n    attributes: {label: Versions, placeholder: onnxruntime-node 1.24.3}\n';

describe('what installs nothing is no other version', () => {
  test.each<readonly [string, Files, Files]>([
    ['an issue template', named, { '.github/ISSUE_TEMPLATE/bug.yml': bug }],
    ['the same where no text runs the gate', { 'ci/one.sh': install('1.30.0') }, { '.github/ISSUE_TEMPLATE/bug.yml': bug }],
    ['a text in a workflow', named, { [workflow]: run(install('1.30.0')).replace('on:', 'name: onnxruntime-node@1.31.0\non:') }],
    [
      'a comment in the workflow of the gate',
      named,
      { [workflow]: `# from onnxruntime-node@1.29.0 on prefill is faster\n${run(install('1.30.0'))}` },
    ],
    ['a comment behind a command', named, { [workflow]: run(`${install('1.30.0').trim()} # not onnxruntime-node@1.29.0`) }],
    ['a comment in a script', { ...named, 'ci/a.sh': 'true\n' }, { 'ci/a.sh': '# onnxruntime-node@1.2.3\ntrue\n' }],
    [
      'a comment in a batch file',
      { [workflow]: run('ci/a.cmd'), 'ci/a.cmd': 'npm i onnxruntime-node@1.30.0\n' },
      { 'ci/a.cmd': 'rem onnxruntime-node@1.2.3\n:: onnxruntime-node@1.2.4\nnpm i onnxruntime-node@1.30.0\n' },
    ],
    [
      'a comment in a script of Node',
      { [workflow]: run('node ci/a.mjs'), 'ci/a.mjs': 'exec(`npm i onnxruntime-node@1.30.0`);\n' },
      { 'ci/a.mjs': '// onnxruntime-node@1.2.3\nexec(`npm i onnxruntime-node@1.30.0`);\n' },
    ],
    [
      'another workflow',
      named,
      { '.github/workflows/compat.yml': 'on: push\njobs:\n  compat:\n    steps:\n      - run: npm i onnxruntime-node@1.31.0\n' },
    ],
    [
      'another job of the same workflow',
      named,
      { [workflow]: `${run(install('1.30.0'))}  compat:\n    steps:\n      - run: npm i onnxruntime-node@1.31.0\n` },
    ],
    [
      'another workflow that uses the same action',
      { [workflow]: useAction('1.30.0'), '.github/actions/ort/action.yml': action(install('${{ inputs.version }}')) },
      {
        '.github/workflows/compat.yml':
          'on: push\njobs:\n  compat:\n    steps:\n      - uses: ./.github/actions/ort\n        with:\n          version: 1.31.0\n',
      },
    ],
    ['a document', named, { 'docs/install.md': 'npm i onnxruntime-node@1.31.0\n' }],
    ['a message', named, { [workflow]: gate(`      - run: ${install('1.30.0')}      - run: echo "needs onnxruntime-node@1.31.0"\n`) }],
    [
      'the description of an input',
      { [workflow]: useAction('1.30.0'), '.github/actions/ort/action.yml': action(install('${{ inputs.version }}')) },
      {
        '.github/actions/ort/action.yml': action(install('${{ inputs.version }}')).replace(
          'version to install',
          'such as onnxruntime-node@1.31.0',
        ),
      },
    ],
    [
      'the version of another action',
      { [workflow]: useAction('1.30.0'), '.github/actions/ort/action.yml': action(install('${{ inputs.version }}')) },
      {
        [workflow]: useAction('1.30.0').replace(
          '      - uses: a/',
          '      - uses: pnpm/action-setup@v4\n        with:\n          version: 9\n      - uses: a/',
        ),
      },
    ],
    [
      'another name of the variable',
      { [workflow]: withEnv('1.30.0', install('$ORT_VERSION')) },
      { [workflow]: withEnv('1.30.0', install('$ORT')).replace('ORT_VERSION', 'ORT') },
    ],
    ['another place of the same version', named, { [workflow]: run('sh install.sh'), 'install.sh': install('1.30.0') }],
    [
      'another package',
      named,
      {
        [workflow]: gate(
          `      - run: ${install('1.30.0')}      - run: npm i onnxruntime-node-gpu@1.2.3 my-onnxruntime-node@1.2.3 onnxruntime-web@1.2.3\n`,
        ),
      },
    ],
    ['another script that the gate does not start', { ...named, 'tools/a.sh': install('1.29.0') }, { 'tools/a.sh': install('1.31.0') }],
    [
      'a script of the same name in another folder',
      { [workflow]: run('sh ci/install.sh'), 'ci/install.sh': install('1.30.0'), 'web/install.sh': install('1.2.0') },
      { 'web/install.sh': install('1.3.0') },
    ],
    [
      'a script of a manifest that the gate does not start',
      { ...named, 'package.json': '{"scripts": {"web": "npm i onnxruntime-node@1.2.0"}}' },
      { 'package.json': '{"scripts": {"web": "npm i onnxruntime-node@1.3.0"}}' },
    ],
    [
      'the name in a line without a version',
      named,
      { [workflow]: run(`npm ci && node -e "require('onnxruntime-node')" && ${install('1.30.0')}`) },
    ],
    [
      'a setting of its install script',
      named,
      { [workflow]: run(install('1.30.0').replace('--prefix', '--onnxruntime-node-install=skip --prefix')) },
    ],
    [
      'the key of a cache',
      named,
      {
        [workflow]: gate(
          `      - uses: actions/cache@v4\n        with: { path: ~/ort, key: onnxruntime-node-1.30.0-b }\n      - run: ${install('1.30.0')}`,
        ),
      },
    ],
    [
      'the matrix of another workflow',
      {
        [workflow]: gate(`      - run: ${install('${{ matrix.ort }}')}`, { job: '    strategy:\n      matrix:\n        ort: [1.30.0]\n' }),
        '.github/workflows/b.yml': 'on: push\njobs:\n  x:\n    strategy:\n      matrix:\n        ort: [1.2.0]\n    steps: []\n',
      },
      { '.github/workflows/b.yml': 'on: push\njobs:\n  x:\n    strategy:\n      matrix:\n        ort: [1.3.0]\n    steps: []\n' },
    ],
    [
      'the variable of another job',
      { [workflow]: withEnv('1.30.0', install('$ORT_VERSION')) },
      { [workflow]: `${withEnv('1.30.0', install('$ORT_VERSION'))}  other:\n    env:\n      ORT_VERSION: 1.1.1\n    steps: []\n` },
    ],
    [
      'another target of a Makefile',
      { [workflow]: gate(`      - run: make lint\n      - run: ${install('1.30.0')}`), Makefile: 'lint:\n\ttrue\n' },
      { Makefile: 'lint:\n\ttrue\nall:\n\techo all\n' },
    ],
    [
      'another argument',
      { [workflow]: run('sh i.sh 1.30.0'), 'i.sh': install('$1') },
      { [workflow]: run('sh i.sh 1.30.0 --verbose'), 'i.sh': install('$1') },
    ],
    ['other quotes', { [workflow]: run('npm i onnxruntime-node@1.30.0') }, { [workflow]: run("npm i 'onnxruntime-node@1.30.0'") }],
    [
      'other quotes of a variable',
      { [workflow]: withEnv('1.30.0', install('$ORT_VERSION')) },
      { [workflow]: withEnv('"1.30.0"', install('${ORT_VERSION}')) },
    ],
    [
      'a rule of a bot',
      named,
      { '.github/dependabot.yml': 'updates:\n  - ignore:\n      - dependency-name: onnxruntime-node\n        versions: [1.31.0]\n' },
    ],
    ['another condition', named, { [workflow]: run(install('1.30.0')).replace('runs-on', '# x\n    if: github.actor != 1\n    runs-on') }],
    ['a note', named, { 'NOTES.txt': 'onnxruntime-node@1.31.0 is nice\n' }],
    ['a file of a test', named, { 'test/fixture.json': '{"a":"onnxruntime-node@1.31.0"}' }],
    ['a comment of a program', { ...named, 'src/x.py': 'x=1\n' }, { 'src/x.py': '# npm i onnxruntime-node@1.31.0\nx=1\n' }],
    [
      'a comment behind a variable',
      { [workflow]: withEnv('1.30.0 # was 1.29.0', install('$ORT_VERSION')) },
      { [workflow]: withEnv('1.30.0', install('$ORT_VERSION')) },
    ],
    [
      'a comment of several lines',
      { [workflow]: run('node a.mjs'), 'a.mjs': 'x(`npm i onnxruntime-node@1.30.0`)\n' },
      { 'a.mjs': '/* onnxruntime-node@1.2.3 */\nx(`npm i onnxruntime-node@1.30.0`)\n' },
    ],
    [
      'advice in a message',
      named,
      {
        'ci/c.sh': 'test -d ort || { echo "run npm i onnxruntime-node@1.31.0" >&2; exit 1; }\n',
        [workflow]: gate(`      - run: ${install('1.30.0')}      - run: sh ci/c.sh\n`),
      },
    ],
    ['the same version by a variable', named, { [workflow]: withEnv('1.30.0', install('$ORT_VERSION')) }],
    [
      'the version of another action, in the same one',
      { [workflow]: useAction('1.30.0'), [actionFile]: action(install('${{ inputs.version }}')) },
      { [actionFile]: `${action(install('${{ inputs.version }}'))}    - uses: x/y@v1\n      with:\n        version: 9\n` },
    ],
    [
      'the name of a step',
      { [workflow]: gate(`      - name: Install onnxruntime-node@1.30.0\n        run: ${install('1.30.0')}`) },
      { [workflow]: gate(`      - name: Install onnxruntime-node@1.30\n        run: ${install('1.30.0')}`) },
    ],
  ])('%s', async (_, files, edit) => {
    const { base, head, file } = await compared(files, edit);
    expect([base, head, file]).toEqual([base, base, null]);
    expect(base).toMatch(/1\.30\.0/);
  });

  test.each<readonly [string, Files]>([
    ['a variable that holds itself', { [workflow]: run('sh a.sh'), 'a.sh': `A=$B\nB=$A\n${install('$A')}` }],
    ['a script that calls itself', { [workflow]: run('sh a.sh'), 'a.sh': `sh a.sh $1\n${install('$1')}` }],
    ['a text that is no YAML', { [workflow]: `jobs:\n  gate: [\n  x: {{{\n optimization-gate ${install('${{ inputs.x }}')}` }],
    ['a manifest that is no JSON', { 'package.json': '{"scripts": {"ort": onnxruntime-node@', [workflow]: run('npm run ort') }],
    [
      'brackets that nobody closes',
      { [workflow]: run('sh a.sh'), 'a.sh': `npm i onnxruntime-node@\${${'{'.repeat(5000)} $(${'('.repeat(5000)} \`${'"'.repeat(5001)}\n` },
    ],
  ])('ends and differs in nothing: %s', async (_, files) => {
    const { base, head, file } = await compared(files, { 'other.md': 'x' });
    expect([head, file]).toEqual([base, null]);
  });
});

test('versions are shown, and nothing of the lines around them', async () => {
  const files = { [workflow]: useAction('1.29.0'), '.github/actions/ort/action.yml': action(install('${{ inputs.version }}')) };
  expect(await compared(files, { [workflow]: useAction('"1.30.0"') })).toEqual({
    base: '1.29.0',
    head: '1.30.0',
    file: workflow,
  });
});
