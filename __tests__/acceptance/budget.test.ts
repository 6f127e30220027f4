import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { configuration, copied, copyProgram, model, Project, quickPoint } from '../commands/project.ts';

const pruning = (ratio: number): readonly string[] => ['structured-pruning', `with: { target: ffn, ratio: ${ratio} }`, quickPoint];

it('a run whose budget is spent is inconclusive, where something changed and where nothing was ever seen to work', async () => {
  const project = Project.make();
  project.commit({
    '.gitignore': '.optimization-gate\n',
    'copy.mjs': copyProgram(false),
    'optimization-gate.yml': configuration([copied('kept'), pruning(0.25)], ['budget: { minutes: 0.00001 }']),
  });
  project.commit({ 'copy.mjs': copyProgram(false, 'only a comment') });
  expect((await project.gate('--base', 'HEAD~1')).code).toBe(3);
  expect(project.verdict().verdict).toBe('inconclusive');
  expect(project.samples()).toMatchObject({ stopped: 'budget', launches: [] });
  expect(project.samples().settled.get(`${model}/structured-pruning`)?.status).toBe('unchanged');
  expect(project.cell('structured-pruning')).toMatchObject({
    verdict: 'inconclusive',
    reason: expect.stringMatching(/^the time of `budget: minutes` ran out: no launch has run .* so nothing shows that it works/),
  });

  // Other options of a built-in: another artefact, and the samples of the first plan are set aside.
  project.commit({ 'optimization-gate.yml': configuration([copied('kept'), pruning(0.5)], []) });
  const first = readFileSync(project.samplesFile, 'utf8');
  expect((await project.gate('--base', 'HEAD~1')).code).toBe(3);
  expect(readFileSync(join(project.run, 'samples.previous.jsonl'), 'utf8')).toBe(first);
  expect(project.verdict().verdict).toBe('inconclusive');
  expect(project.samples().settled.get(`${model}/structured-pruning`)?.status).toBe('changed');
  expect(project.cell('kept')).toMatchObject({
    verdict: 'inconclusive',
    reason: expect.stringMatching(/^the time of `budget: minutes` ran out: no launch has run .* so nothing shows that it works/),
  });
  const pruned = project.cell('structured-pruning');
  expect(pruned.verdict).toBe('inconclusive');
  const latency = pruned.metrics.find(({ id }) => id === 'prefill-latency');
  expect(latency).toMatchObject({ verdict: 'inconclusive', head: null, reason: expect.stringContaining('budget') });
  for (const metric of pruned.metrics) expect(metric.head).toBeNull();
});
