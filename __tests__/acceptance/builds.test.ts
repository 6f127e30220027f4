import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configuration, copied, copyProgram, model, Project, varyingProgram } from '../commands/project.ts';

const ignored = { '.gitignore': '.optimization-gate*\nside.txt\n' };
/** Builds are made and settled, nothing is measured. */
const spent = 'budget: { minutes: 0.00001 }';

/** A copy of the model in which one tensor is named after a text: another text, another artefact. */
const marked = (text: string): string =>
  copyProgram(true)
    .replaceAll("'before_identity'", 'mark')
    .replace('const [from, to]', `const mark = 'before_' + (${text});\nconst [from, to]`);

const settledAs = (project: Project, id: string) => project.samples().settled.get(`${model}/${id}`)?.status;

const builtLines = (project: Project, status: string) => [...project.samples().built.values()].filter((line) => line.status === status);

describe('a build that the store has', () => {
  it('is not made again by a built-in, and is by code of one’s own, which may depend on more than it says', async () => {
    const project = Project.make();
    project.commit({
      ...ignored,
      'copy.mjs': copyProgram(false),
      'optimization-gate.yml': configuration([copied('own'), ['structured-pruning']], [spent]),
    });
    await project.gate('--base', 'HEAD');
    const first = project.samples().built;
    expect(first.size).toBe(2);
    await project.gate('--base', 'HEAD', '--run-dir', '.optimization-gate-2');
    const second = project.samples(join(project.folder, '.optimization-gate-2', 'samples.jsonl')).built;
    const statusOf = (id: string) => second.get(project.plan().builds.find(({ cell }) => cell.endsWith(`/${id}`))?.key ?? '')?.status;
    expect({ own: statusOf('own'), builtin: statusOf('structured-pruning') }).toEqual({ own: 'built', builtin: 'found' });
    for (const [key, { artefact }] of first) expect(second.get(key)?.artefact).toBe(artefact);
  });
});

describe('a build of new code', () => {
  const built = async (program: string, ...more: readonly string[]) => {
    const project = Project.make();
    const entries = configuration([copied('own')], [spent, ...more]);
    project.commit({ ...ignored, 'copy.mjs': copyProgram(false), 'optimization-gate.yml': entries });
    project.commit({ 'copy.mjs': program });
    await project.gate('--base', 'HEAD~1');
    const key = project.plan().builds.find(({ arm }) => arm === 'head')?.key ?? '';
    return { head: project.samples().built.get(key), repeated: project.verdict().repeatedBuilds };
  };

  it('is kept where it does not vary, and the report says what the second one took', async () => {
    const { head, repeated } = await built(copyProgram(true));
    expect(head).toMatchObject({ status: 'built', error: null });
    expect(repeated).toEqual({ count: 1, seconds: head?.repeatSeconds });
    expect(head?.repeatSeconds).toBeGreaterThan(0);
  });

  it('is made once where the configuration says so', async () => {
    const { head, repeated } = await built(varyingProgram, 'gate: { build-twice: false }');
    expect(head).toMatchObject({ status: 'built', repeatSeconds: null });
    expect(repeated).toEqual({ count: 0, seconds: 0 });
  });
});

describe('a build that gives other bytes than in an earlier run', () => {
  it('is not deterministic only when it does so twice in one run', async () => {
    const project = Project.make();
    const entries = ['random', 'outside'].map((id) => copied(id).map((line) => line.replaceAll('copy.mjs', `${id}.mjs`)));
    project.commit({
      ...ignored,
      'random.mjs': marked('process.hrtime.bigint()'),
      'outside.mjs': marked("(await import('node:fs')).readFileSync('side.txt', 'utf8')"),
      'optimization-gate.yml': configuration(entries, [spent]),
    });
    project.write('side.txt', 'one');
    await project.gate('--base', 'HEAD');
    expect(builtLines(project, 'built')).toHaveLength(2);
    const first = project.samples().built;
    project.write('side.txt', 'two');
    await project.gate('--base', 'HEAD', '--run-dir', '.optimization-gate-2');
    const second = project.samples(join(project.folder, '.optimization-gate-2', 'samples.jsonl')).built;
    const of = (id: string) => project.plan().builds.find(({ cell }) => cell.endsWith(`/${id}`))?.key ?? '';
    expect(second.get(of('random'))).toMatchObject({ status: 'failed', error: { code: 'build-not-deterministic' } });
    expect(second.get(of('outside'))).toMatchObject({ status: 'built', error: null });
    expect(second.get(of('outside'))?.artefact).not.toBe(first.get(of('outside'))?.artefact);
  });
});

describe('optimization code', () => {
  // Another artefact than the model's: an equal one would mend what was written.
  const spy = (more: string): string =>
    `${copyProgram(true)}
import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
const source = process.argv[4];
writeFileSync('seen.txt', JSON.stringify({ source, names: readdirSync(source) }));
${more}`;
  const entry = ['spy', ...copied('spy').slice(1)].map((line) => line.replace('{output}', '{output} {source}'));
  const files = { '.gitignore': '.optimization-gate*\nseen.txt\n', 'optimization-gate.yml': configuration([entry], [spent]) };

  it('gets a copy of the model without evaluation windows, which is gone afterwards; the run folder ignores itself', async () => {
    const project = Project.make();
    project.commit({ ...files, '.gitignore': 'seen.txt\n', 'copy.mjs': spy('') });
    expect(await project.gate('--base', 'HEAD')).toMatchObject({ code: 3 });
    expect(settledAs(project, 'spy')).toBe('unchanged');
    const { source, names }: { source: string; names: string[] } = JSON.parse(readFileSync(join(project.folder, 'seen.txt'), 'utf8'));
    expect(names.toSorted()).toEqual(['calibration.safetensors', 'card.json', 'config.json', 'model.safetensors', 'tokenizer.json']);
    expect(existsSync(source)).toBe(false);
    expect(project.git('status', '--short')).toBe('');
    expect(project.text('.gitignore')).toBe('*\n');
  });

  it('that writes into the model it is given spoils its own cell alone', async () => {
    const project = Project.make();
    const write = "chmodSync(`${from}.data`, 0o644);\nwriteFileSync(`${from}.data`, 'better');\n";
    project.commit({ ...files, 'copy.mjs': spy(write) });
    const { code, stderr } = await project.gate('--base', 'HEAD');
    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(project.cell('spy')).toMatchObject({ verdict: 'failed', reason: expect.stringContaining('error[onnx-external-data] of head') });
    // The model in the store is what it was.
    project.commit({ 'copy.mjs': spy('') });
    expect(await project.gate('--base', 'HEAD')).toMatchObject({ code: 3 });
    expect(settledAs(project, 'spy')).toBe('unchanged');
  });
});

describe('what failed', () => {
  it('is tried again by the next run of the same plan; nothing of it stays in the store', async () => {
    const project = Project.make();
    const program = `import { existsSync } from 'node:fs';\nif (!existsSync('side.txt')) throw new Error('no side');\n${copyProgram(false)}`;
    project.commit({ ...ignored, 'copy.mjs': program, 'optimization-gate.yml': configuration([copied('own')], [spent]) });
    expect((await project.gate('--base', 'HEAD')).code).not.toBe(0);
    expect(project.cell('own')).toMatchObject({ verdict: 'failed', reason: expect.stringContaining('no side') });
    expect(readdirSync(join(project.store, 'staging'))).toEqual([]);
    expect(readdirSync(join(project.store, 'leases'))).toEqual([]);
    project.write('side.txt', 'here');
    expect(await project.gate('measure')).toMatchObject({ code: 0 });
    expect(await project.gate('gate')).toMatchObject({ code: 3 });
    expect(settledAs(project, 'own')).toBe('unchanged');
  });
});
