import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Project } from '../commands/project.ts';

const config = [
  'models: [mini-qwen3-dense]',
  'optimizations:',
  '  - id: engine',
  '    measure: node bench.mjs',
  '    inputs: [bench.mjs]',
  '    metrics: [{ id: size, unit: bytes, better: lower, kind: exact }]',
  '  - id: structured-pruning',
  '    points: [{ id: quick, length: 4, batch: 1, rounds: 20 }]',
  '',
].join('\n');
const bench = (size: number): string =>
  `import { createInterface } from 'node:readline';\nfor await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify({ size: ${size} }));\n`;

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

describe('a head that is nine times as big', () => {
  it.each(Object.entries(borrowed))('regresses with %s', async (_, files) => {
    const project = Project.make();
    project.commit({ '.gitignore': '.optimization-gate\n', 'optimization-gate.yml': config, 'bench.mjs': bench(100) });
    project.commit({ ...files, 'bench.mjs': bench(900) });
    const { code, stderr } = await project.gate('--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(project.cell('engine').metrics[0]).toMatchObject({ verdict: 'regressed', base: 100, head: 900 });
    expect(project.cell('structured-pruning').verdict).toBe('unchanged');
    expect(existsSync(join(dirname(project.store), 'trapped'))).toBe(false);
  });
});

describe('a search path with a folder that head can write to', () => {
  it.each(['git', 'nvidia-smi', 'touch', 'unshare', 'env', 'sh'])('does not make a %s of head a program of the gate', async (name) => {
    const project = Project.make();
    const programs = join(project.folder, 'made');
    const plant = `import fs from 'node:fs';\nfs.mkdirSync('made', { recursive: true });\nfs.writeFileSync('made/${name}', '#!/bin/bash\\necho $0 "$@" >> ${join(project.folder, 'ran')}\\nexit 1\\n', { mode: 0o755 });\n`;
    const files = { '.gitignore': '.optimization-gate\nmade\nran\n', 'optimization-gate.yml': `setup: node setup.mjs\n${config}` };
    project.commit({ ...files, 'setup.mjs': '', 'bench.mjs': bench(100) });
    project.commit({ 'setup.mjs': plant, 'bench.mjs': bench(900) });
    project.searchFirst(programs);
    const { code, stderr } = await project.gate('--base', 'HEAD~1', '--optimizations', 'engine');
    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(project.cell('engine').metrics[0]).toMatchObject({ verdict: 'regressed', base: 100, head: 900 });
    expect(existsSync(programs)).toBe(true);
    expect(existsSync(join(project.folder, 'ran'))).toBe(false);
  });
});
