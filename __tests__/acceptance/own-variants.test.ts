import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configuration, copyProgram, Project } from '../commands/project.ts';
import { defaultPool } from '../testkit/default-pool.ts';

const ignored = { '.gitignore': '.optimization-gate*\n' };
/** Builds are made and settled, nothing is measured. */
const spent = 'budget: { minutes: 0.00001 }';

/** A program in the place of the built-ins that notes who builds what, and in each process fails from the second build on. */
const worn = `import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
const own = randomUUID();
let builds = 0;
const build = ({ input, output, variant, optimization }) => {
  builds += 1;
  appendFileSync('built.txt', [optimization, variant.name, own].join(' ') + '\\n');
  if (builds > 1) return { error: 'worn out', code: 'build-failed' };
  const shift = optimization === 'structured-pruning' ? 9 : Math.round(2 * variant.options.width + 4 * variant.options.depth);
  for (const { graph } of input.stages) {
    const bytes = readFileSync(join(input.folder, graph + '.data'));
    for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(((bytes.readUInt32LE(at) >>> shift) << shift) >>> 0, at);
    writeFileSync(join(output, graph + '.data'), bytes);
    copyFileSync(join(input.folder, graph), join(output, graph));
  }
  return { ok: { stages: input.stages } };
};
if (process.argv[2] !== 'subject') await import('./measuring.js');
else for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  console.log(JSON.stringify(request.do === 'build' ? build(request) : { ok: request.do === 'hello' ? { contract: 1 } : null }));
}
`;

/** variant → artefact of head's builds in a cell */
const artefactsOf = (project: Project, optimization: string): Readonly<Record<string, string | null | undefined>> => {
  const { built } = project.samples();
  const builds = project.plan().builds.filter(({ cell, arm }) => arm === 'head' && cell.endsWith(`/${optimization}`));
  return Object.fromEntries(builds.map(({ key, variant }) => [variant, built.get(key)?.artefact]));
};

describe('code of one’s own under a bench with several variants', () => {
  it('is judged by the options under like-with: without a pattern no conformity gates', async () => {
    const project = Project.make();
    const own = ['claims', 'like: sparse-network', 'command: node copy.mjs {model} {output}', 'inputs: [copy.mjs]'];
    const free = ['free', ...own.slice(1), 'like-with: { pattern: unstructured }'];
    project.commit({ ...ignored, 'copy.mjs': copyProgram(false), 'optimization-gate.yml': configuration([own, free]) });
    expect(await project.gate('plan', '--base', 'HEAD')).toMatchObject({ code: 0 });
    const gating = (id: string) =>
      project
        .plan()
        .cells.find(({ optimization }) => optimization === id)
        ?.metrics.filter(({ role }) => role === 'gate')
        .map((metric) => metric.id);
    expect(gating('claims')).toContain('pattern-conformity');
    expect(gating('free')).not.toContain('pattern-conformity');
    expect(gating('free')).toContain('nll-delta');
    project.commit({ 'optimization-gate.yml': configuration([[...own, 'like-with: { patern: unstructured }']]) });
    const wrong = await project.gate('plan', '--base', 'HEAD~1');
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('error[option-invalid]');
    expect(wrong.stderr).toContain('like-with.patern');
  });

  it('names the variant and its options in a command; a comparator is the built-in’s work', async () => {
    const project = Project.make();
    const command = 'node copy.mjs {model} {output} {variant} {variant-options} {{}}';
    const told = `${copyProgram(true)}\nimport { writeFileSync } from 'node:fs';\nwriteFileSync('told.txt', JSON.stringify(process.argv.slice(4)));\n`;
    const entry = ['own', 'like: sparse-attention', `command: ${command}`, 'inputs: [copy.mjs]'];
    const files = { '.gitignore': '.optimization-gate*\ntold.txt\n', 'copy.mjs': told };
    project.commit({ ...files, 'optimization-gate.yml': configuration([entry, ['sparse-attention']], [spent]) });
    const { stderr } = await project.gate('--base', 'HEAD');
    expect(stderr).not.toContain('error[');
    const [name, options, braces]: readonly string[] = JSON.parse(readFileSync(join(project.folder, 'told.txt'), 'utf8'));
    expect([name, braces]).toEqual(['main', '{}']);
    expect(JSON.parse(options ?? '')).toMatchObject({ pattern: 'adaptive', block: 64 });
    const [own, builtin] = [artefactsOf(project, 'own'), artefactsOf(project, 'sparse-attention')];
    expect(own['main']).not.toBe(builtin['main']);
    expect(own['fixed-window']).toBe(builtin['fixed-window']);
    expect(own['fixed-window']).not.toBe(own['main']);
  });
});

describe('variants of a built-in', () => {
  it('are made by one process, the other builds each by its own; what fails after others is tried once more alone', async () => {
    const project = Project.make();
    project.embed();
    renameSync(join(project.folder, 'dist', 'worker.js'), join(project.folder, 'dist', 'measuring.js'));
    project.commit({
      '.gitignore': '.optimization-gate*\nbuilt.txt\nmodels\nnode_modules\npackage.json\n',
      'dist/worker.js': worn,
      'optimization-gate.yml': configuration([['architecture-search'], ['structured-pruning']], [spent]),
    });
    const { stderr } = await project.gateItself('--base', 'HEAD');
    expect(stderr).not.toContain('worn out');
    const built = readFileSync(join(project.folder, 'built.txt'), 'utf8').trim().split('\n');
    const pidsOf = (variant: string): readonly string[] =>
      built.flatMap((line) => (line.startsWith(`${variant} `) ? [line.slice(variant.length + 1)] : []));
    const [first = '', ...others] = defaultPool.map((name) => pidsOf(`architecture-search ${name}`));
    expect(first).toHaveLength(1);
    // A process makes one member and fails at the next, which is made by one of its own; another process goes on.
    expect(others.map((pids) => pids.length)).toEqual([2, 1, 2, 1, 2]);
    expect(others[0]?.[0]).toBe(first[0]);
    expect(new Set(built.map((line) => line.split(' ').at(-1))).size).toBe(1 + 3 * 2);
    expect(pidsOf('structured-pruning main')).toHaveLength(1);
    const made = artefactsOf(project, 'architecture-search');
    expect(Object.keys(made)).toEqual(defaultPool);
    expect(Object.values(made)).not.toContain(null);
  });
});
