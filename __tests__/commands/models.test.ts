import { appendFileSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtTiny } from '../runtime/tiny-model.ts';
import { type Ended, model, Project, packageRoot } from './project.ts';

const json = ({ stdout }: Ended): unknown => JSON.parse(stdout);

/** A repository with a model of its own that lost its integrity. */
const withDamage = (): Project => {
  const project = Project.make();
  const folder = join(project.folder, 'models', 'mine');
  mkdirSync(folder, { recursive: true });
  cpSync(join(packageRoot, 'models', model), folder, { recursive: true });
  appendFileSync(join(folder, 'model.safetensors'), 'x');
  return project;
};

describe('models', () => {
  it('lists what can be named, with what the card says', async () => {
    const ended = await Project.make().gate('models');
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(new RegExp(`^model .*perplexity.*\n(.*\n)*${model} +qwen3 +\\d{7} +4 +\\d+\\.\\d+ `));
  });

  it('verifies each model, and goes on after a damaged one', async () => {
    const project = withDamage();
    const ended = await project.gate('models', 'verify');
    expect(ended.code).toBe(2);
    expect(ended.stdout).toMatch(/^mine +model-digest-mismatch: .*model\.safetensors/m);
    expect(ended.stdout).toMatch(new RegExp(`^${model} +all \\d as on the card, sha256 [0-9a-f]{64}$`, 'm'));
    const sound = await project.gate('models', 'verify', model, '--json');
    expect(sound.code).toBe(0);
    expect(json(sound)).toEqual([
      expect.objectContaining({ id: model, error: null, layers: 4, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }),
    ]);
  });

  it('inspects a graph, as text and as data', async () => {
    const { folder, stages } = builtTiny('qwen3');
    const file = join(folder, stages[0]?.graph ?? '');
    const project = Project.make();
    const text = await project.gate('models', 'inspect', file);
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/^layers?: /m);
    expect(text.stdout).toMatch(/gated feed-forward/);
    const data = await project.gate('models', 'inspect', file, '--json');
    expect(json(data)).toMatchObject({ layers: expect.any(Array), head: expect.any(Object) });
  });

  it.each([
    [['models', 'inspect'], 2, /Expected one ONNX file/],
    [['models', 'inspect', 'a.onnx', 'b.onnx'], 2, /Expected one ONNX file/],
    [['models', 'fetch'], 2, /`models list`, `models verify` or `models inspect`/],
    [['models', 'inspect', 'optimization-gate.yml'], 3, /onnx-malformed/],
  ] as const)('refuses %j', async (args, code, says) => {
    const project = Project.make();
    project.commit({ 'optimization-gate.yml': 'models: []\n' });
    const ended = await project.gate(...args);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toMatch(says);
    expect(ended.stdout).toBe('');
  });

  it('refuses a folder whose card is of another model', async () => {
    const project = Project.make();
    cpSync(join(packageRoot, 'models', model), join(project.folder, 'models', 'other'), { recursive: true });
    const ended = await project.gate('models', 'verify', 'other');
    expect(ended.code).toBe(2);
    expect(ended.stdout).toMatch(
      new RegExp(`^other +model-invalid: The card of the model was read\\. .* got ${model}\\..*card\\.json\\)$`, 'm'),
    );
  });

  it('names a model that does not exist', async () => {
    const ended = await Project.make().gate('models', 'list', 'mini-qwne');
    expect(ended.code).toBe(2);
    expect(ended.stdout).toMatch(/^mini-qwne +model-unknown/m);
  });
});
