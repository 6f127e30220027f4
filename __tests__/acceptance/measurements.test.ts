import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Project } from '../commands/project.ts';

/** No model is named, here or by the program. */
const configuration = `optimizations:
  - id: engine
    measure: node bench.mjs
    inputs: [bench.mjs]
    metrics: [{ id: size, unit: bytes, better: lower, kind: exact }]
`;

const program = (size: number): string =>
  `import { createInterface } from 'node:readline';\nfor await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify({ size: ${size} }));\n`;

it('a program that measures by itself needs no model: one cell of its own name, with baselines and acceptances of that name', {
  timeout: 300_000,
}, async () => {
  const project = Project.make();
  project.commit({ '.gitignore': '.optimization-gate\n', 'optimization-gate.yml': configuration, 'bench.mjs': program(100) });
  const update = await project.gate('update', '--base', 'HEAD', '--event', 'default-branch');
  expect(update.code, update.stderr).toBe(0);
  expect(project.plan()).toMatchObject({ models: [], cells: [{ id: 'engine', model: null }] });
  const [runnerClass = ''] = readdirSync(join(project.folder, 'baselines'));
  const file = join(project.folder, 'baselines', runnerClass, '_measurements.json');
  expect(existsSync(file), update.stderr).toBe(true);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
    model: null,
    entries: [{ cell: 'engine', metrics: [{ id: 'size', value: 100 }] }],
  });

  const accepted = { cell: 'engine', metric: 'size', bound: 9, expires: '9999-12-31', reason: 'it is worth it' };
  const acceptances = (entries: readonly unknown[]): string =>
    JSON.stringify({ schema: 'optimization-gate/accepted/1', accepted: entries });
  project.commit({ 'baselines/accepted.json': acceptances([]) });
  project.commit({ 'bench.mjs': program(900) });
  const worse = await project.gate('--base', 'HEAD~1');
  expect(worse.code, worse.stderr).toBe(1);
  expect(project.cell('engine')).toMatchObject({ id: 'engine', model: null, verdict: 'regressed', metrics: [{ base: 100, head: 900 }] });
  expect(worse.stdout).toMatch(/^REGRESSED {2}size \+800 % in engine\n1 cell: 1 regressed\n/);
  expect(worse.stdout).not.toMatch(/^model|nll-delta/m);

  project.git('checkout', '--quiet', 'HEAD~1');
  project.commit({ 'baselines/accepted.json': acceptances([accepted]) });
  project.commit({ 'bench.mjs': program(900) });
  const excused = await project.gate('--base', 'HEAD~1');
  expect(excused.code, excused.stdout).toBe(0);
  expect(project.cell('engine').metrics[0]).toMatchObject({ verdict: 'passed', reason: expect.stringContaining('accepted until') });
});
