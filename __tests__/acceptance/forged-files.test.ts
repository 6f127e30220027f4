import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineConfiguration } from './engine-configuration.ts';
import { type EngineScene, engineProgram, expectRegressed, openEngineScene, said } from './engine-scene.ts';

/** Where the run folder lies, seen from head's program, which runs in the checkout. */
const folder = '.optimization-gate';

const attacks: Readonly<Record<string, string>> = {
  'appends launches with good numbers': `
const file = '${folder}/samples.jsonl';
const lines = fs.readFileSync(file, 'utf8').split('\\n').filter((line) => line !== '');
const cell = JSON.parse(lines.find((line) => line.includes('"settled"'))).cell;
for (let index = 0; index < 5; index += 1) {
  const launch = cell + '#screen-' + index;
  const values = { base: { size: Array(60).fill(100) }, head: { size: Array(60).fill(100) } };
  for (const line of [
    { line: 'launch', launch, cell, purpose: 'screen', index, selfCheck: false },
    { line: 'point', launch, point: 'rounds', values, warnings: [] },
    { line: 'end', launch, status: 'complete', error: null, process: null },
  ]) fs.appendFileSync(file, JSON.stringify(line) + '\\n');
}`,
  'loosens the plan': `
const plan = JSON.parse(fs.readFileSync('${folder}/plan.json', 'utf8'));
for (const cell of plan.cells) for (const metric of cell.metrics) metric.tolerance = 1e6;
fs.writeFileSync('${folder}/plan.json', JSON.stringify(plan, null, 2) + '\\n');`,
  'writes a verdict and a report': `
fs.writeFileSync('${folder}/verdict.json', '{}');
fs.mkdirSync('${folder}/report', { recursive: true });
fs.writeFileSync('${folder}/report/report.json', '{}');`,
  'removes the run folder': `fs.rmSync('${folder}', { recursive: true, force: true });`,
  'puts a link in its place': `
fs.rmSync('${folder}', { recursive: true, force: true });
fs.symlinkSync('elsewhere', '${folder}');`,
  'puts pipes in the place of its files': `
for (const name of ['samples.jsonl', 'verdict.json']) {
  fs.rmSync('${folder}/' + name, { recursive: true, force: true });
  execFileSync('mkfifo', ['${folder}/' + name]);
}`,
  'puts links in the place of its files': `
for (const name of ['samples.jsonl', 'verdict.json', 'verdict.json.partial', 'report']) {
  fs.rmSync('${folder}/' + name, { recursive: true, force: true });
  fs.symlinkSync('../elsewhere/' + name, '${folder}/' + name);
}`,
};

describe('a head that is nine times as big', { timeout: 400_000 }, () => {
  let scene: EngineScene;
  const imports = "import { execFileSync } from 'node:child_process';\nimport { appendFileSync } from 'node:fs';\n";
  beforeAll(async () => {
    const setup = { 'optimization-gate.yml': engineConfiguration('setup: node setup.mjs'), 'setup.mjs': imports };
    scene = await openEngineScene({ '.gitignore': `${folder}\nelsewhere\n`, ...setup });
    scene.step((workspace) => mkdirSync(join(workspace, 'elsewhere')));
  });
  afterAll(() => scene?.close());

  it.each([
    ['attributes', "appendFileSync('.git/info/attributes', '*.mjs working-tree-encoding=UTF-16\\n')"],
    [
      'a filter',
      "appendFileSync('.git/info/attributes', '*.mjs filter=nine\\n'); execFileSync('git', ['config', 'filter.nine.smudge', 'sed s/100/900/'])",
    ],
    ['another commit in the place of base', "execFileSync('git', ['replace', 'HEAD~1', 'HEAD'])"],
  ])('regresses although its setup gives git %s', async (_, edit) => {
    expectRegressed(scene, await scene.change({ 'setup.mjs': `${imports}${edit};\n` }));
  });

  it.each(Object.entries(attacks))('regresses although it %s', async (_, attack) => {
    const judged = await scene.change({ 'bench.mjs': engineProgram(900, attack) });
    expectRegressed(scene, judged);
    const run = join(scene.workspace, folder);
    expect(lstatSync(run).isDirectory()).toBe(true);
    expect(existsSync(join(run, 'report', 'comment.md'))).toBe(true);
    expect(readFileSync(join(run, 'samples.jsonl'), 'utf8')).toContain('900');
    expect(readdirSync(join(scene.workspace, 'elsewhere'))).toEqual([]);
    // What lies on disk is what was judged.
    const again = await scene.again({ mode: 'gate' });
    expect(again.outputs, said(again)).toMatchObject({ verdict: 'regressed', 'exit-code': '1' });
  });
});
