import { describe, expect, it } from 'vitest';
import { configuration, Project } from '../commands/project.ts';
import { defaultPool } from '../testkit/default-pool.ts';

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
  it('builds a pool of different members, each as it is told; the pool is said under like-with', async () => {
    const project = Project.make();
    const own = ['own', 'like: architecture-search', 'module: pool.mjs', 'inputs: [pool.mjs]'];
    const narrow = ['narrow', ...own.slice(1), 'like-with: { pool: [{ depth: 1, width: 0.75 }, { depth: 1, width: 0.25 }] }'];
    project.commit({ ...ignored, 'pool.mjs': pool, 'optimization-gate.yml': configuration([own, narrow], [spent]) });
    const { stderr } = await project.gate('--base', 'HEAD');
    expect(stderr).not.toContain('error[');
    const made = artefactsOf(project, 'own');
    expect(Object.keys(made)).toEqual(defaultPool);
    // Layers and channels of the same share are the same to this pool.
    expect(made['depth-100-width-75']).toBe(made['depth-75-width-100']);
    expect(made['depth-100-width-50']).toBe(made['depth-50-width-100']);
    expect(new Set(Object.values(made)).size).toBe(4);
    const chosen = artefactsOf(project, 'narrow');
    expect(Object.keys(chosen)).toEqual(['depth-100-width-75', 'depth-100-width-25']);
    expect(chosen['depth-100-width-25']).not.toBe(chosen['depth-100-width-75']);
    expect(chosen['depth-100-width-75']).toBe(made['depth-100-width-75']);
    for (const artefact of Object.values({ ...made, ...chosen })) expect(artefact).toEqual(expect.any(String));
  });
});
