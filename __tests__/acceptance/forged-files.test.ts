import { existsSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Project } from '../commands/project.ts';
import { engineConfiguration } from './engine-configuration.ts';

const config = engineConfiguration();

/** Answers each round with a size; before its first answer it does what it is told. */
const program = (size: number, before = ''): string =>
  `import fs from 'node:fs';\nimport { createInterface } from 'node:readline';\n${before}\nfor await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify({ size: ${size} }));\n`;

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
    { line: 'launch', launch, cell, purpose: 'screen', index, control: 'none' },
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
  'puts links in the place of its files': `
for (const name of ['samples.jsonl', 'verdict.json', 'verdict.json.partial', 'report']) {
  fs.rmSync('${folder}/' + name, { recursive: true, force: true });
  fs.symlinkSync('../elsewhere/' + name, '${folder}/' + name);
}`,
};

describe("a head whose setup edits git's own files", () => {
  it.each([
    ['attributes', "appendFileSync('.git/info/attributes', '*.mjs working-tree-encoding=UTF-16\\n')"],
    [
      'a filter',
      "appendFileSync('.git/info/attributes', '*.mjs filter=nine\\n'); execFileSync('git', ['config', 'filter.nine.smudge', 'sed s/100/900/'])",
    ],
    ['another commit in the place of base', "execFileSync('git', ['replace', 'HEAD~1', 'HEAD'])"],
  ])('regresses: %s', async (_, edit) => {
    const project = Project.make();
    const imports = "import { execFileSync } from 'node:child_process';\nimport { appendFileSync } from 'node:fs';\n";
    const quiet = { '.gitignore': `${folder}\n`, 'optimization-gate.yml': `setup: node setup.mjs\n${config}` };
    project.commit({ ...quiet, 'setup.mjs': imports, 'bench.mjs': program(100) });
    project.commit({ 'setup.mjs': `${imports}${edit};\n`, 'bench.mjs': program(900) });
    const { code, stderr } = await project.gate('--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(project.cell('engine').metrics[0]).toMatchObject({ verdict: 'regressed', base: 100, head: 900 });
  });
});

describe('a head that is nine times as big', () => {
  it.each(Object.entries(attacks))('regresses although it %s', async (_, attack) => {
    const project = Project.make();
    project.commit({ '.gitignore': `${folder}\nelsewhere\n`, 'optimization-gate.yml': config, 'bench.mjs': program(100) });
    project.commit({ 'bench.mjs': program(900, attack) });
    mkdirSync(join(project.folder, 'elsewhere'));
    const { code, stderr } = await project.gate('--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(lstatSync(project.run).isDirectory()).toBe(true);
    expect(project.cell('engine').metrics[0]).toMatchObject({ verdict: 'regressed', base: 100, head: 900 });
    // What lies on disk is what was judged.
    expect(await project.gate('gate')).toMatchObject({ code: 1 });
    expect(existsSync(join(project.run, 'report', 'comment.md'))).toBe(true);
    expect(readdirSync(join(project.folder, 'elsewhere'))).toEqual([]);
  });
});
