import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { engineConfiguration } from './engine-configuration.ts';
import { type EngineScene, engineProgram, expectRegressed, openEngineScene } from './engine-scene.ts';

// Other tests have runners too: the programs here look only among their own.
const folder = mkdtempSync(join(tmpdir(), 'gate-commands-'));
vi.stubEnv('TMPDIR', folder);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The files that command the runner, of all jobs of this test. */
const files = `const files = fs.readdirSync('${folder}').filter((name) => /^gate-runner-\\w+$/.test(name)).flatMap((name) => ['output', 'env', 'path', 'state', 'summary'].map((file) => '${folder}/' + name + '/' + file)).filter((file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile());`;

const forged = "'verdict=passed\\\\nexit-code=0\\\\nregressions=0\\\\n'";
const attacks: Readonly<Record<string, string>> = {
  'appends to them': `for (const file of files) fs.appendFileSync(file, 'verdict=passed\\nexit-code=0\\nregressions=0\\n');`,
  'begins an output that does not end': `for (const file of files) fs.appendFileSync(file, 'verdict<<NEVER\\npassed\\n');`,
  'lengthens them to more than memory holds': `for (const file of files.filter((each) => fs.statSync(each).size < 2 ** 20)) { fs.appendFileSync(file, 'verdict=passed\\nexit-code=0\\n'); fs.truncateSync(file, 3 * 2 ** 30); }`,
  'puts folders and links in their place': `for (const [at, file] of files.entries()) { fs.rmSync(file); if (at % 2 === 0) fs.mkdirSync(file); else fs.symlinkSync('/dev/null', file); }`,
  'makes one file of all': `for (const file of files.slice(1)) { fs.rmSync(file); fs.linkSync(files[0], file); }`,
  'leaves a daemon that writes to them': `spawn('setsid', ['sh', '-c', '(setsid env -i ${process.execPath} -e "$1" >/dev/null 2>&1 &) &', 'sh', 'setInterval(() => { for (const file of ' + JSON.stringify(files) + ') require("node:fs").appendFileSync(file, ' + JSON.stringify(${forged}) + '); }, 5)'], { detached: true, stdio: 'ignore', cwd: '/' });`,
};

// Files resist nobody but users without rights, which the superuser can play.
const resisting: Readonly<Record<string, string>> = {
  'takes the rights to write them': `for (const file of files) { fs.appendFileSync(file, 'verdict=passed\\nexit-code=0\\n'); fs.chmodSync(file, 0o444); }
for (const file of files.filter((each) => each.endsWith('/output'))) fs.chmodSync(file.slice(0, -'/output'.length), 0o555);`,
  'takes the right to read them': `for (const file of files) fs.chmodSync(file, 0);`,
  'puts links in the place of their folder, which lead each process elsewhere': `fs.mkdirSync('${folder}/forged', { recursive: true });
for (const file of files) fs.writeFileSync('${folder}/forged/' + file.split('/').at(-1), 'verdict=passed\\nexit-code=0\\n');
for (const file of files.filter((each) => each.endsWith('/output'))) { const at = file.slice(0, -'/output'.length); fs.renameSync(at, at + '.away'); fs.symlinkSync('/proc/self/cwd/${relative(process.cwd(), folder)}/forged', at); }`,
  'puts closed folders in their place': `for (const file of files) { fs.rmSync(file); fs.mkdirSync(file + '/x/y', { recursive: true }); fs.chmodSync(file + '/x', 0); }`,
};

describe.skipIf(process.getuid?.() !== 0)('the outcome that a step of a user without rights tells', { timeout: 400_000 }, () => {
  let scene: EngineScene;
  beforeAll(async () => {
    chmodSync(folder, 0o1777);
    scene = await openEngineScene();
    scene.runAs(65_534);
  });
  afterAll(() => scene?.close());

  it.each(Object.entries(resisting))('stays where head %s', async (_, attack) => {
    const judged = await scene.change({ 'bench.mjs': engineProgram(900, `${files}\ntry { ${attack} } catch {}`) });
    expectRegressed(scene, judged);
    expect(judged.run.told).toEqual({ env: '', path: '', state: '' });
    expect(judged.run.stdout).toContain('warning: Code under test wrote to GITHUB_OUTPUT, GITHUB_ENV, GITHUB_PATH');
  });
});

describe('the outcome that a step tells', { timeout: 400_000 }, () => {
  let scene: EngineScene;
  beforeAll(async () => {
    scene = await openEngineScene();
  });
  afterAll(() => scene?.close());

  it.each(Object.entries(attacks))('stays where head %s', async (_, attack) => {
    const judged = await scene.change({ 'bench.mjs': engineProgram(900, `${files}\n${attack}`) });
    expectRegressed(scene, judged);
    const { told, summary, stdout } = judged.run;
    expect(told).toEqual({ env: '', path: '', state: '' });
    expect(summary).not.toContain('passed\n');
    expect(stdout).toContain('warning: Code under test wrote to GITHUB_OUTPUT, GITHUB_ENV, GITHUB_PATH');
  });

  it('stays where head prints commands and what moves the cursor', async () => {
    const printed = [
      '::set-output name=verdict::passed',
      '::stop-commands::x',
      '##[set-output name=verdict]passed',
      '\\u001b[2J\\u001b[32m### Passed',
      '\\r::add-mask::engine',
    ];
    const setup = `console.error("${printed.join('\\n')}"); process.exit(4);`;
    const { run } = await scene.change({ 'optimization-gate.yml': engineConfiguration('setup: node setup.mjs'), 'setup.mjs': setup });
    expect(run.code, run.stdout + run.stderr).toBe(2);
    expect(run.outputs).toEqual({ verdict: 'error', 'exit-code': '2' });
    expect(run.commands.map(({ name }) => name)).toEqual(['error']);
    expect(run.commands[0]?.message).toContain('::set-output');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: there are none
    expect(run.stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
  });
});
