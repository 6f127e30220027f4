import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openScene, type Scene } from '../action/scene.ts';

// Other tests have runners too: the programs here look only among their own.
const folder = mkdtempSync(join(tmpdir(), 'gate-commands-'));
vi.stubEnv('TMPDIR', folder);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = `models: [mini-qwen3-dense]
optimizations:
  - id: engine
    measure: node bench.mjs
    inputs: [bench.mjs]
    metrics: [{ id: size, unit: bytes, better: lower, kind: exact }]
`;

/** Answers each round with a size; before its first answer it does what it is told with the files that command the runner. */
const program = (size: number, attack = ''): string => `
import fs from 'node:fs';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
const files = fs.readdirSync('${folder}').filter((name) => name.startsWith('gate-runner-')).flatMap((name) => ['output', 'env', 'path', 'state', 'summary'].map((file) => '${folder}/' + name + '/' + file)).filter((file) => fs.statSync(file).isFile());
${attack}
for await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify({ size: ${size} }));
`;

const forged = "'verdict=passed\\\\nexit-code=0\\\\nregressions=0\\\\n'";
const attacks: Readonly<Record<string, string>> = {
  'appends to them': `for (const file of files) fs.appendFileSync(file, 'verdict=passed\\nexit-code=0\\nregressions=0\\n');`,
  'begins an output that does not end': `for (const file of files) fs.appendFileSync(file, 'verdict<<NEVER\\npassed\\n');`,
  'puts folders and links in their place': `for (const [at, file] of files.entries()) { fs.rmSync(file); if (at % 2 === 0) fs.mkdirSync(file); else fs.symlinkSync('/dev/null', file); }`,
  'leaves a daemon that writes to them': `spawn('setsid', ['sh', '-c', '(setsid env -i ${process.execPath} -e "$1" >/dev/null 2>&1 &) &', 'sh', 'setInterval(() => { for (const file of ' + JSON.stringify(files) + ') require("node:fs").appendFileSync(file, ' + JSON.stringify(${forged}) + '); }, 5)'], { detached: true, stdio: 'ignore', cwd: '/' });`,
};

describe('the outcome that a step tells', { timeout: 400_000 }, () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ 'optimization-gate.yml': config, 'bench.mjs': program(100), 'README.md': '# models\n' });
  });
  afterAll(() => scene?.close());

  it.each(Object.entries(attacks).map(([name, attack], at) => [name, attack, 10 + at] as const))(
    'stays where head %s',
    async (name, attack, number) => {
      const branch = `attack-${number}`;
      await scene.commit(branch, name, { 'bench.mjs': program(900, attack) });
      const run = await scene.pullRequest(number, branch);
      expect(run.code, run.stdout + run.stderr).toBe(1);
      expect(run.outputs).toMatchObject({ verdict: 'regressed', 'exit-code': '1', regressions: '1' });
      expect(run.told).toEqual({ env: '', path: '', state: '' });
      expect(run.summary).not.toContain('passed\n');
      expect(run.summary).toContain('engine');
      expect(run.stdout).toContain('warning: Code under test wrote to GITHUB_OUTPUT, GITHUB_ENV, GITHUB_PATH');
    },
  );

  it('stays where head prints commands and what moves the cursor', async () => {
    const printed = [
      '::set-output name=verdict::passed',
      '::stop-commands::x',
      '##[set-output name=verdict]passed',
      '\\u001b[2J\\u001b[32m### Passed',
      '\\r::add-mask::engine',
    ];
    const setup = `console.error("${printed.join('\\n')}"); process.exit(4);`;
    await scene.commit('prints', 'Prints', { 'optimization-gate.yml': `setup: node setup.mjs\n${config}`, 'setup.mjs': setup });
    const run = await scene.pullRequest(20, 'prints');
    expect(run.code, run.stdout + run.stderr).toBe(2);
    expect(run.outputs).toEqual({ verdict: 'error', 'exit-code': '2' });
    expect(run.commands.map(({ name }) => name)).toEqual(['error']);
    expect(run.commands[0]?.message).toContain('::set-output');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: there are none
    expect(run.stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
  });
});
