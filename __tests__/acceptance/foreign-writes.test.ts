import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Project } from '../commands/project.ts';
import { engineConfiguration as config } from './engine-configuration.ts';

/** Answers each round with a size; before its first answer it does what it is told. */
const program = (size: number | string, before = ''): string =>
  `import fs from 'node:fs';\nimport { execFileSync, spawn } from 'node:child_process';\nimport { createInterface } from 'node:readline';\n${before}\nfor await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify({ size: ${size} }));\n`;

const common = { '.gitignore': '.optimization-gate\nmade\n' };
/** The base's tree, as any process of this user finds it. */
const baseTree = `execFileSync('git', ['worktree', 'list', '--porcelain']).toString().match(/^worktree (.*optimization-gate-tree.*)$/m)[1]`;
const setupWith = (what: string): Readonly<Record<string, string>> => ({
  'optimization-gate.yml': config('setup: node setup.mjs'),
  'setup.mjs': `import fs from 'node:fs';\nimport { execFileSync, spawn } from 'node:child_process';\n${what}\n`,
});

describe('a head that is nine times as big', () => {
  it.each([
    ["edits base's program in its setup", setupWith(`fs.writeFileSync(${baseTree} + '/bench.mjs', fs.readFileSync('bench.mjs'));`), ''],
    ["adds a file to base's tree in its setup", setupWith(`fs.writeFileSync(${baseTree} + '/sitecustomize.py', '');`), ''],
    ["edits base's program when it is measured", {}, `fs.writeFileSync(${baseTree} + '/bench.mjs', fs.readFileSync('bench.mjs'));`],
    [
      "edits base's program for a moment when it is measured",
      {},
      `for (const [, tree] of execFileSync('git', ['worktree', 'list', '--porcelain']).toString().matchAll(/^worktree (.*optimization-gate-tree.*)$/gm)) { const victim = tree + '/bench.mjs'; fs.writeFileSync(victim, ${JSON.stringify(program(900))}); setTimeout(() => fs.writeFileSync(victim, ${JSON.stringify(program(100))}), 60); }`,
    ],
    [
      "puts a link in the place of base's program",
      {},
      `fs.rmSync(${baseTree} + '/bench.mjs'); fs.symlinkSync(fs.realpathSync('bench.mjs'), ${baseTree} + '/bench.mjs');`,
    ],
  ])('ends the run when it %s', async (_, files, attack) => {
    const project = Project.make();
    project.commit({
      ...common,
      ...setupWith(''),
      ...(attack === '' ? {} : { 'optimization-gate.yml': config() }),
      'bench.mjs': program(100),
    });
    project.commit({ ...files, 'bench.mjs': program(900, attack) });
    const { code, stderr } = await project.gate('--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/error\[base-changed\].*(bench\.mjs|sitecustomize\.py) in base's tree/s),
    });
    expect(existsSync(join(project.run, 'verdict.json'))).toBe(false);
    // Nothing is left that a later run would resume from.
    expect(project.samples().launches).toEqual([]);
  });

  it.each(['', '/lib'])("ends the run when it puts another folder in the place of base's tree%s for a moment", async (below) => {
    const swap = `for (const [, tree] of execFileSync('git', ['worktree', 'list', '--porcelain']).toString().matchAll(/^worktree (.*optimization-gate-tree.*)$/gm)) {
      const victim = tree + '${below}';
      fs.renameSync(victim, victim + '.away'); fs.cpSync('.${below}', victim, { recursive: true });
      setTimeout(() => { fs.rmSync(victim, { recursive: true }); fs.renameSync(victim + '.away', victim); }, 60);
    }`;
    const project = Project.make();
    const size = "fs.readFileSync('lib/size.txt', 'utf8')";
    project.commit({ ...common, 'optimization-gate.yml': config(), 'lib/size.txt': '100', 'bench.mjs': program(`Number(${size})`) });
    project.commit({ 'lib/size.txt': '900', 'bench.mjs': program(`Number(${size})`, swap) });
    const { code, stderr } = await project.gate('--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining('error[base-changed]') });
  });

  const shared = 'sharedObjects';
  const library = Object.entries(process.report.getReport())
    .flatMap(([name, value]) => (name === shared && Array.isArray(value) ? value.map(String) : []))
    .find((path) => basename(path).startsWith('libm.so'));
  it.skipIf(library === undefined)('ends the run when it adds a library that the gate loads by LD_LIBRARY_PATH', async () => {
    const project = Project.make();
    const folder = join(project.folder, 'made');
    const adds = (name: string): string =>
      `fs.mkdirSync('${folder}', { recursive: true }); fs.copyFileSync('${library}', '${folder}/${name}');`;
    project.commit({ ...common, 'optimization-gate.yml': config(), 'bench.mjs': program(100) });
    project.commit({ 'bench.mjs': program(900, adds('libmine.so')) });
    const variables = { LD_LIBRARY_PATH: folder };
    const own = await project.gateWith(variables, '--base', 'HEAD~1');
    expect({ ...own }).toMatchObject({ code: 1 });
    project.commit({ 'bench.mjs': program(900, adds(basename(library ?? ''))) });
    const { code, stderr } = await project.gateWith(variables, '--base', 'HEAD~2');
    expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining('error[program-changed]') });
  });

  it('runs nothing that it sets as a filter of git', async () => {
    const project = Project.make();
    const trace = join(project.folder, 'made');
    const setup = setupWith(`
const git = (...args) => execFileSync('git', args).toString().trim();
for (const kind of ['clean', 'smudge', 'process']) git('config', 'filter.mine.' + kind, 'sh -c "echo ran >> ${trace}; cat"');
fs.writeFileSync(git('rev-parse', '--git-common-dir') + '/info/attributes', '* filter=mine\\n');
fs.utimesSync('bench.mjs', 1, 1);`);
    project.commit({ ...common, ...setupWith(''), 'bench.mjs': program(100) });
    project.commit({ ...setup, 'bench.mjs': program(900) });
    const { code, stderr } = await project.gate('--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(existsSync(trace)).toBe(false);
    // It was set all right.
    project.git('status', '--porcelain');
    expect(existsSync(trace)).toBe(true);
  });

  const installed = (project: Project, name: string): string => join(dirname(project.store), 'package', 'dist', name);
  let restore = (): void => {};
  afterEach(() => restore());

  it.each(['worker.js', 'cli.js', 'worker/new.js'])('ends the run when it writes to dist/%s', async (name) => {
    const project = Project.make();
    const file = installed(project, name);
    const before = existsSync(file) ? readFileSync(file) : null;
    restore = () => (before === null ? rmSync(file, { force: true }) : writeFileSync(file, before));
    project.commit({ ...common, 'optimization-gate.yml': config(), 'bench.mjs': program(100) });
    project.commit({ 'bench.mjs': program(900, `fs.appendFileSync('${file}', '\\n// changed\\n');`) });
    const { code, stderr } = await project.gate('--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining('error[program-changed]') });
    // Said once, although the end of the run meets it again.
    expect(stderr.match(/Something wrote to /g)).toHaveLength(1);
    expect(existsSync(join(project.run, 'verdict.json'))).toBe(false);
  });
});

describe('what is no foreign write', () => {
  it("is what base's program writes to a tracked file in each run", async () => {
    const project = Project.make();
    const writes = "fs.writeFileSync('results.json', String(Date.now()));";
    project.commit({ ...common, 'optimization-gate.yml': config(), 'results.json': '0', 'bench.mjs': program(100, writes) });
    project.commit({ 'bench.mjs': program(900, writes) });
    const { code, stderr } = await project.gate('--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(project.verdict().verdict).toBe('regressed');
  });

  it("is what base's own setup does to base's files, and what both write to files that git does not track", async () => {
    const project = Project.make();
    const setup = setupWith(
      "fs.writeFileSync('tracked.txt', '100'); fs.mkdirSync('made', { recursive: true }); fs.writeFileSync('made/x', '1');",
    );
    const before = "fs.writeFileSync('made/y', '2'); fs.mkdirSync('made/z', { recursive: true });";
    const reads = "Number(fs.readFileSync('tracked.txt', 'utf8'))";
    project.commit({ ...common, ...setup, 'tracked.txt': '1', 'bench.mjs': program(reads, before) });
    project.commit({ 'bench.mjs': program(`9 * ${reads}`, before) });
    const { code, stderr } = await project.gate('--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(project.cell('engine').metrics[0]).toMatchObject({ verdict: 'regressed', base: 100, head: 900 });
  });
});

/** Leaves its session and its tree, clears its environment and closes its files, and then does it over and over. */
const daemon = (what: string): string => `
const code = ${JSON.stringify(`const fs = require('node:fs'); const { execFileSync } = require('node:child_process'); setInterval(() => { try { ${what} } catch {} }, 2)`)};
const again = 'require("node:child_process").spawn(process.execPath, ["-e", process.argv[1]], { detached: true, stdio: "ignore", env: { PATH: process.env.PATH } }).unref()';
execFileSync(process.execPath, ['-e', again, code], { env: { PATH: process.env.PATH } });`;

describe('a daemon of head', () => {
  const victim = 'made-by-daemon';
  it.each([
    ['its setup', true],
    ['its program', false],
  ])('ends with %s', async (_, inSetup) => {
    const project = Project.make();
    const seen = join(project.folder, victim);
    const what = daemon(`fs.appendFileSync('${seen}', 'x');`);
    const wait = 'await new Promise((done) => setTimeout(done, 300));';
    project.commit({ ...common, '.gitignore': `.optimization-gate\n${victim}\n`, ...setupWith(''), 'bench.mjs': program(100) });
    project.commit({ ...(inSetup ? setupWith(`${what}\n${wait}`) : {}), 'bench.mjs': program(900, inSetup ? '' : `${what}\n${wait}`) });
    const { code, stderr } = await project.gate('--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({ code: 1 });
    const last = readFileSync(seen, 'utf8');
    expect(last).toMatch(/^x+$/);
    await new Promise((done) => setTimeout(done, 100));
    expect(readFileSync(seen, 'utf8')).toBe(last);
    expect(project.processes()).toEqual([]);
    expect(project.samples().environment).toMatchObject({ confinement: expect.stringMatching(/^(namespaces|reaper|marks)$/) });
  });
});
