import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineConfiguration } from './engine-configuration.ts';
import { type EngineScene, engineProgram, expectRegressed, openEngineScene } from './engine-scene.ts';

const builtIn = '  - id: structured-pruning\n    points: [{ id: quick, length: 4, batch: 1, rounds: 20 }]\n';

/** Says in the working directory that it ran, whatever runs it. */
const trap = "require('node:fs').appendFileSync(process.env.HOME + '/trapped', __filename + '\\n');\n";
const trapModule = "import fs from 'node:fs';\nfs.appendFileSync(process.env.HOME + '/trapped', import.meta.url + '\\n');\n";
const manifest = JSON.stringify({ name: 'optimization-gate', main: 'worker.js', exports: './worker.js' });

/** Files of head that bear the names of the gate's own, or of settings of Node and Python. */
const borrowed: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'a package of the name of the gate': { 'package.json': manifest, 'worker.js': trap, 'dist/worker.js': trapModule, 'dist/cli.js': trap },
  'a dependency of the name of the gate': {
    'node_modules/optimization-gate/package.json': manifest,
    'node_modules/optimization-gate/worker.js': trap,
    'node_modules/optimization-gate/dist/worker.js': trap,
  },
  'a runtime of its own': {
    'node_modules/onnxruntime-node/package.json': JSON.stringify({ name: 'onnxruntime-node', version: '1.99.0', main: 'dist/index.js' }),
    'node_modules/onnxruntime-node/dist/index.js': trap,
    'node_modules/onnxruntime-node/bin/napi-v6/linux/x64/onnxruntime_binding.node': trap,
    'node_modules/onnxruntime-common/package.json': JSON.stringify({ name: 'onnxruntime-common', version: '1.99.0', main: 'index.js' }),
    'node_modules/onnxruntime-common/index.js': trap,
  },
  'settings of Node and Python': {
    '.npmrc': 'node-options=--require ./worker.js\n',
    '.env': 'NODE_OPTIONS=--require ./worker.js\nNODE_PATH=.\nPYTHONPATH=.\n',
    'node.config.json': JSON.stringify({ nodeOptions: { import: ['./worker.js'] } }),
    'worker.js': trap,
    'sitecustomize.py': "open(__import__('os').environ['HOME'] + '/trapped', 'a').write('python')\n",
    'package.json': JSON.stringify({ name: 'x', imports: { '#worker': './worker.js' }, type: 'commonjs' }),
  },
  'modules of the names of those that Node has': { 'fs.js': trap, 'node_modules/fs/index.js': trap, 'node_modules/node:fs/index.js': trap },
};

describe('a head that is nine times as big', { timeout: 400_000 }, () => {
  let scene: EngineScene;
  beforeAll(async () => {
    scene = await openEngineScene({ 'optimization-gate.yml': `${engineConfiguration()}${builtIn}` });
  });
  afterAll(() => scene?.close());

  it.each(Object.entries(borrowed))('regresses with %s', async (_, files) => {
    const judged = await scene.change(files);
    expectRegressed(scene, judged);
    const { cells } = JSON.parse(readFileSync(judged.run.outputs['report-json'] ?? '', 'utf8'));
    expect(cells).toContainEqual(expect.objectContaining({ optimization: 'structured-pruning', verdict: 'unchanged' }));
    expect(existsSync(join(scene.home, 'trapped'))).toBe(false);
  });
});

describe('a search path with a folder that head can write to', { timeout: 400_000 }, () => {
  let scene: EngineScene;
  beforeAll(async () => {
    const files = { '.gitignore': '.optimization-gate\nmade\nran\n', 'setup.mjs': '' };
    scene = await openEngineScene({ ...files, 'optimization-gate.yml': engineConfiguration('setup: node setup.mjs') });
  });
  afterAll(() => scene?.close());

  it.each(['git', 'nvidia-smi', 'touch', 'unshare', 'env', 'sh', 'tar', 'zstd'])(
    'does not make a %s of head a program of the gate',
    async (name) => {
      const programs = join(scene.workspace, 'made');
      const ran = join(scene.workspace, 'ran');
      const plant = `import fs from 'node:fs';\nfs.mkdirSync('made', { recursive: true });\nfs.writeFileSync('made/${name}', '#!/bin/bash\\necho $0 "$@" >> ${ran}\\nexit 1\\n', { mode: 0o755 });\n`;
      const environment = { PATH: [dirname(process.execPath), programs, process.env['PATH'] ?? ''].join(delimiter) };
      expectRegressed(scene, await scene.change({ 'setup.mjs': plant, 'bench.mjs': engineProgram(900) }, { environment }));
      expect(existsSync(join(programs, name))).toBe(true);
      expect(existsSync(ran)).toBe(false);
    },
  );

  it('does not make a git that its commit brings one of the gate', async () => {
    const ran = join(scene.workspace, 'ran');
    const git = { program: `#!/bin/sh\necho "$@" >> ${ran}\nexec /usr/bin/git "$@"\n` };
    const environment = { PATH: ['tools', join(scene.workspace, 'tools'), process.env['PATH'] ?? ''].join(delimiter) };
    expectRegressed(scene, await scene.change({ 'tools/git': git, 'tools/git-lfs': git }, { environment }));
    expect(existsSync(join(scene.workspace, 'tools', 'git'))).toBe(true);
    expect(existsSync(ran)).toBe(false);
  });
});
