import { describe, expect, it } from 'vitest';
import { bundleModule } from '../action/package-copy.ts';
import { ignored } from './judged-example.ts';
import { configuration, Project } from './project.ts';

describe('the examples, each in a repository of its own', () => {
  it('a pool in JavaScript, as a module with both halves: every member is another model, searched and served', async () => {
    const project = Project.make();
    const shapes = '[{ depth: 1, width: 0.75 }, { depth: 1, width: 0.25 }]';
    const entry = ['our-pool', 'like: architecture-search', `like-with: { pool: ${shapes} }`, 'module: pool.mjs', 'inputs: [pool.mjs]'];
    const files = { 'pool.mjs': await bundleModule('examples/javascript/pool.ts'), 'optimization-gate.yml': configuration([entry]) };
    project.commit({ ...ignored, ...files });
    const { code, stderr } = await project.gate('--base', 'HEAD', '--quick');
    expect({ code, verdict: project.cell('our-pool').verdict }, stderr).toEqual({ code: 0, verdict: 'unchanged' });
    const artefacts = [...project.samples().built.values()].map(({ artefact }) => artefact);
    expect(new Set(artefacts).size).toBe(2);
    for (const { id, head } of project.cell('our-pool').metrics) expect(head, id).toEqual(expect.any(Number));
  }, 240_000);
});
