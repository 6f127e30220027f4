import { describe, expect, it } from 'vitest';
import { bundleModule } from '../action/package-copy.ts';
import { ignored, judged, python, verdictsOf } from '../commands/judged-example.ts';
import { configuration, Project } from '../commands/project.ts';

describe('the examples, each in a repository of its own', () => {
  it.skipIf(!python)(
    'a controller in Python, as a server: a gain ten times as high is seen in the replay',
    async () => {
      const entry = ['our-controller', 'like: feedback-control', 'serve: python3 controller.py', 'inputs: [controller.py]'];
      const { unchanged, changed } = await judged('python/controller.py', entry, 'GAIN = 0.4', 'GAIN = 4', '--quick');
      expect(unchanged, unchanged.stderr).toMatchObject({ code: 0, cell: { verdict: 'unchanged' } });
      expect(changed, changed.stderr).toMatchObject({ code: 1, cell: { verdict: 'regressed' } });
      expect([...verdictsOf(changed.cell, 'overshoot'), ...verdictsOf(changed.cell, 'stable')]).toContain('regressed');
    },
    180_000,
  );

  it('a search in JavaScript, as a module: one that ignores what may be lost is seen', async () => {
    const small = 'like-with: { variants: [pruned-50], threads: [1], calls: 1 }';
    const entry = ['our-search', 'like: automl', small, 'module: search.mjs', 'inputs: [search.mjs]'];
    const { unchanged, changed } = await judged(
      'javascript/search.mjs',
      entry,
      '(options.slack ?? 1)',
      '(options.slack ?? 1000)',
      '--quick',
    );
    expect(unchanged, unchanged.stderr).toMatchObject({ code: 0, cell: { verdict: 'unchanged' } });
    expect(changed, changed.stderr).toMatchObject({ code: 1, cell: { verdict: 'regressed' } });
    expect(verdictsOf(changed.cell, 'found-nll-delta')).toContain('regressed');
  }, 240_000);

  it.skipIf(!python)(
    'an external measurement in Python: twice the work is twice the time',
    async () => {
      const metrics = [
        'metrics:',
        '  - { id: decode-latency, unit: ms, better: lower, kind: timing }',
        '  - { id: table-bytes, unit: bytes, better: lower, kind: exact }',
        '  - { id: token, unit: id, better: higher, kind: exact, role: described }',
      ];
      const entry = ['our-engine', 'measure: python3 decode.py', 'inputs: [decode.py]', ...metrics];
      const { unchanged, changed } = await judged('python/decode.py', entry, 'range(40_000)', 'range(80_000)');
      expect(unchanged, unchanged.stderr).toMatchObject({ code: 0, cell: { verdict: 'unchanged' } });
      expect(changed, changed.stderr).toMatchObject({ code: 1 });
      for (const id of ['decode-latency', 'table-bytes']) expect(verdictsOf(changed.cell, id)).toEqual(['regressed']);
    },
    240_000,
  );

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
