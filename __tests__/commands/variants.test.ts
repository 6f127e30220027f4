import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configuration, copyProgram, Project } from './project.ts';

const ignored = { '.gitignore': '.optimization-gate*\n' };
/** Builds are made and settled, nothing is measured. */
const spent = 'budget: { minutes: 0.00001 }';

/** An elastic pool of one's own: the smaller the share that a member keeps, the fewer bits its weights have. */
const pool = `import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
export const build = async ({ input, output, variant }) => {
  const step = 2 ** Math.round(23 - 16 * variant.options.width * variant.options.depth);
  for (const { graph } of input.stages) {
    const bytes = readFileSync(join(input.folder, graph + '.data'));
    for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(Math.floor(bytes.readUInt32LE(at) / step) * step, at);
    writeFileSync(join(output, graph + '.data'), bytes);
    copyFileSync(join(input.folder, graph), join(output, graph));
  }
  return { stages: input.stages };
};
export const start = async () => ({ next: async () => null });
`;

/** variant → artefact of head's builds in a cell */
const artefactsOf = (project: Project, optimization: string): Readonly<Record<string, string | null | undefined>> => {
  const { built } = project.samples();
  const builds = project.plan().builds.filter(({ cell, arm }) => arm === 'head' && cell.endsWith(`/${optimization}`));
  return Object.fromEntries(builds.map(({ key, variant }) => [variant, built.get(key)?.artefact]));
};

describe('code of one’s own under a bench with several variants', () => {
  it('builds a pool of different members, each as it is told', async () => {
    const project = Project.make();
    const entry = ['own', 'like: architecture-search', 'module: pool.mjs', 'inputs: [pool.mjs]'];
    project.commit({ ...ignored, 'pool.mjs': pool, 'optimization-gate.yml': configuration([entry], [spent]) });
    const { stderr } = await project.gate('--base', 'HEAD');
    expect(stderr).not.toContain('error[');
    const made = artefactsOf(project, 'own');
    expect(Object.keys(made)).toEqual(['depth-100-width-75', 'depth-75-width-100', 'depth-50-width-100', 'depth-50-width-50']);
    // Layers and channels of the same share are the same to this pool.
    expect(made['depth-100-width-75']).toBe(made['depth-75-width-100']);
    expect(new Set(Object.values(made)).size).toBe(3);
    expect(Object.values(made).every((artefact) => typeof artefact === 'string')).toBe(true);
  });

  it('names the variant and its options in a command; a yardstick is the built-in’s work', async () => {
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
