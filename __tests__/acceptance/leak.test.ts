import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { configuration, copied, copyProgram, model, Project } from '../commands/project.ts';

const ignored = { '.gitignore': '.optimization-gate*\n' };
/** Builds are made and settled, nothing is measured. */
const spent = 'budget: { minutes: 0.00001 }';

const settledAs = (project: Project, id: string) => project.samples().settled.get(`${model}/${id}`)?.status;

describe('a build whose code differs', () => {
  it('is no leak when only the code’s own file is read', async () => {
    const project = Project.make();
    project.commit({ ...ignored, 'copy.mjs': copyProgram(false), 'optimization-gate.yml': configuration([copied('own')], [spent]) });
    project.commit({ 'copy.mjs': copyProgram(false, 'only a comment') });
    const { code, stderr } = await project.gate('--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.not.stringContaining('error') });
    expect(settledAs(project, 'own')).toBe('unchanged');
  });

  it('is a leak when base runs head’s copy, and is not built', async () => {
    const project = Project.make();
    const there = JSON.stringify(pathToFileURL(join(project.folder, 'level.mjs')).href);
    const entry = copied('own').map((line) => line.replace('[copy.mjs]', '[copy.mjs, level.mjs]'));
    project.commit({
      ...ignored,
      'copy.mjs': `import ${there};\n${copyProgram(false)}`,
      'level.mjs': '1;\n',
      'optimization-gate.yml': configuration([entry], [spent]),
    });
    project.commit({ 'level.mjs': '2;\n' });
    expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 1 });
    expect(project.cell('own')).toMatchObject({
      verdict: 'failed',
      reason: expect.stringMatching(/error\[inputs-leak\]: The program of base was watched\. It ran head's level\.mjs/),
    });
    expect([...project.samples().built.values()].filter(({ status }) => status === 'failed')).toHaveLength(1);
  });

  it('has a warning when no file is read that differs', async () => {
    const project = Project.make();
    const entry = copied('own').map((line) => line.replace('[copy.mjs]', '[other.mjs]'));
    project.commit({
      ...ignored,
      'copy.mjs': copyProgram(false),
      'other.mjs': '1;\n',
      'optimization-gate.yml': configuration([entry], [spent]),
    });
    project.commit({ 'other.mjs': '2;\n' });
    await project.gate('--base', 'HEAD~1');
    expect(settledAs(project, 'own')).toBe('unchanged');
    expect(project.cell('own')).toMatchObject({
      warnings: [expect.stringMatching(/^None of the files that differ between base and head was read/)],
    });
  });
});
