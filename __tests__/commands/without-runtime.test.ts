import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { configuration, Project } from './project.ts';

const program = (size: number): string =>
  `import { createInterface } from 'node:readline';\nfor await (const _ of createInterface({ input: process.stdin })) console.log('{"size": ${size}}');\n`;
const engine = [
  'engine',
  'measure: node bench.mjs',
  'inputs: [bench.mjs]',
  'metrics: [{ id: size, unit: bytes, better: lower, kind: exact }]',
];

describe('a machine without ONNX Runtime', () => {
  let project: Project;
  beforeAll(() => {
    project = Project.make();
    const empty = join(project.folder, '..', 'no-runtime');
    mkdirSync(empty, { recursive: true });
    project.environment = { ORT_PATH: empty };
    project.commit({ '.gitignore': '.optimization-gate\n', 'bench.mjs': program(100), 'optimization-gate.yml': configuration([engine]) });
    project.commit({ 'bench.mjs': program(900) });
  });

  it('compares programs that measure by themselves', async () => {
    expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 1, stderr: expect.not.stringContaining('error[') });
    expect(project.cell('engine').metrics).toMatchObject([{ verdict: 'regressed', base: 100, head: 900 }]);
    expect(project.plan().runtime).toMatchObject({ ort: null });
    const { stdout } = await project.gate('doctor', '--base', 'HEAD~1');
    expect(stdout).toMatch(/runtime +no entry needs ONNX Runtime: every program measures by itself/);
    expect(stdout).toContain('A run can begin.');
  });

  it('says so where a model is to be run', async () => {
    project.commit({ 'optimization-gate.yml': configuration([engine, ['structured-pruning']]) });
    expect(await project.gate('plan', '--base', 'HEAD~1')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('error[runtime-not-found]'),
    });
    expect(await project.gate('plan', '--base', 'HEAD~1', '--optimizations', 'engine')).toMatchObject({ code: 0 });
  });
});
