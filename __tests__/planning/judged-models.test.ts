import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openModelSource } from '../../src/models/model-source.ts';
import { configuration, copied, copyProgram, model, Project, packageRoot } from '../commands/project.ts';

const shipped = join(packageRoot, 'models', model);
const spent = 'budget: { minutes: 0.00001 }';
const own = 'own-model';

/** Writes a model into a repository: the shipped one under some id, its tokenizer replaced by a text. */
const writeModel = (project: Project, id: string, tokenizer: string, card: object = {}): void => {
  const folder = join(project.folder, 'models', id);
  mkdirSync(folder, { recursive: true });
  cpSync(shipped, folder, { recursive: true });
  writeFileSync(join(folder, 'tokenizer.json'), tokenizer);
  const known = JSON.parse(readFileSync(join(shipped, 'card.json'), 'utf8'));
  const sha256 = { ...known.sha256, 'tokenizer.json': createHash('sha256').update(tokenizer).digest('hex') };
  writeFileSync(join(folder, 'card.json'), JSON.stringify({ ...known, id, sha256, ...card }));
};

const config = (models: string): string => configuration([copied('kept')], [spent]).replace(/^models: .*$/m, `models: [${models}]`);
const start = (models: string): Project => {
  const project = Project.make();
  project.write('.gitignore', '.optimization-gate\n');
  project.write('copy.mjs', copyProgram(false));
  project.write('optimization-gate.yml', config(models));
  return project;
};
const planned = async (project: Project, ...more: readonly string[]) => {
  const { code, stderr } = await project.gate('plan', '--base', 'HEAD~1', ...more);
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.not.stringContaining('error') });
  const plan = project.plan();
  return { ...plan, models: plan.models.map(({ folder, digest }) => ({ folder, digest })) };
};

describe('the model that a change is judged on', () => {
  it('is the shipped one when head puts another in its place', async () => {
    const project = start(model);
    project.commit({});
    writeModel(project, model, '{"easier": true}');
    project.commit({ 'README.md': 'An easier model.' });
    const plan = await planned(project);
    expect(plan.models).toEqual([{ folder: `gate:models/${model}`, digest: openModelSource(shipped).digest }]);
    expect(plan.policyChanges).toEqual([expect.stringMatching(/^model mini-qwen3-dense was changed .* base's is in force/)]);
  });

  it('is base’s own, taken out of its commit; on the default branch it is what was merged', async () => {
    const project = start(own);
    writeModel(project, own, '{"version": 1}');
    project.commit({});
    const { digest } = openModelSource(join(project.folder, 'models', own));
    writeModel(project, own, '{"version": 2}');
    project.commit({ 'README.md': 'Another model.' });
    const plan = await planned(project);
    expect(plan.models).toEqual([{ folder: `.optimization-gate/models/${own}`, digest }]);
    expect(openModelSource(join(project.run, 'models', own)).digest).toBe(digest);
    expect(plan.policyChanges).toHaveLength(1);
    const merged = await planned(project, '--event', 'default-branch');
    expect(merged.models).toEqual([{ folder: `models/${own}`, digest: openModelSource(join(project.folder, 'models', own)).digest }]);
    expect(merged.policyChanges).toEqual([]);
  });

  it('is head’s when only its card says something else, or when base’s is broken', async () => {
    const project = start(own);
    writeModel(project, own, '{}');
    project.commit({});
    writeModel(project, own, '{}', { statement: 'Another statement.' });
    project.commit({ 'README.md': 'Words.' });
    expect(await planned(project)).toMatchObject({ models: [{ folder: `models/${own}` }], policyChanges: [] });
    project.write(`models/${own}/tokenizer.json`, 'broken');
    project.commit({ 'README.md': 'Broken.' });
    writeModel(project, own, '{}');
    project.commit({ 'README.md': 'Mended.' });
    expect(await planned(project)).toMatchObject({
      models: [{ folder: `models/${own}` }],
      policyChanges: [expect.stringMatching(/base's cannot be opened, so head's is in force\. .*Expected sha256/)],
    });
  });
});

it('a model that head deletes is missing, whether head still lists it or not', async () => {
  const project = start(`${model}, ${own}`);
  writeModel(project, own, '{}');
  project.commit({});
  rmSync(join(project.folder, 'models'), { recursive: true });
  project.commit({});
  const plan = await planned(project);
  expect(plan.cells.map(({ id, presence }) => [id, presence])).toEqual([
    [`${model}/kept`, 'both'],
    [`${own}/kept`, 'removed'],
  ]);
  expect(plan.policyChanges).toEqual([expect.stringContaining(`The files of model ${own} were removed`)]);
  project.git('reset', '--quiet', '--soft', 'HEAD~1');
  project.commit({ 'optimization-gate.yml': config(model) });
  const { code, stderr } = await project.gate('--base', 'HEAD~1');
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.not.stringContaining('error') });
  expect(project.verdict().cells.find(({ id }) => id === `${own}/kept`)).toMatchObject({ verdict: 'missing' });
});
