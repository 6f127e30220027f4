import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { MetricVerdict } from '../../src/records/verdict.ts';
import { configuration, copied, copyProgram, type Ended, model, Project, packageRoot } from '../commands/project.ts';
import { writeRandomMiniature } from '../models/random-miniature.ts';

const id = 'random-dense';
const gating = ['nll-delta', 'cached-nll-delta', 'prefill-decode-agreement', 'unread-cache'];
const quality = [...gating, 'perplexity-ratio', 'kl-divergence', 'kl-p99', 'top1-agreement'];
const byName = /The reference model random-dense is untrained: its perplexity is \d+\.\d, with a vocabulary of \d+/;

describe('a model with random weights', () => {
  let project: Project;
  let ended: Ended;
  let metrics: readonly MetricVerdict[];
  beforeAll(async () => {
    project = Project.make();
    writeRandomMiniature(join(packageRoot, 'models', model), join(project.folder, 'models', id), id);
    const text = configuration([copied('own')]).replace(`[${model}]`, `[${id}]`);
    project.commit({ '.gitignore': '.optimization-gate\n', 'copy.mjs': copyProgram(false), 'optimization-gate.yml': text });
    project.commit({ 'copy.mjs': copyProgram(true) });
    ended = await project.gate('--base', 'HEAD~1', '--quick');
    metrics = project.verdict().cells[0]?.metrics ?? [];
  }, 120_000);

  it('can carry no quality metric: each is refused, and says of which model and why', () => {
    const refused = metrics.filter(({ state }) => state === 'refused');
    expect(refused.map((metric) => metric.id).toSorted()).toEqual(quality.toSorted());
    for (const { reference, base, head, change, samples, reason } of refused) {
      expect({ reference, base, head, change }).toEqual({ reference: null, base: null, head: null, change: null });
      expect(samples).toEqual({ reference: [], base: [], head: [], change: [], gains: { base: [], head: [] } });
      expect(reason).toMatch(byName);
    }
  });

  it('passes nothing that gates on quality: it is missing, and the run fails', () => {
    const refused = metrics.filter(({ role, state }) => role === 'gate' && state === 'refused');
    expect(refused.map(({ id, verdict }) => [id, verdict])).toEqual(gating.map((id) => [id, 'missing']));
    expect(project.verdict()).toMatchObject({ verdict: 'regressed', exitCode: 1, cells: [{ verdict: 'missing' }] });
    expect(ended.code, ended.stderr).toBe(1);
    expect(ended.stdout).toMatch(/refused/);
    expect(ended.stdout.replaceAll(/\s+/g, ' ')).toMatch(byName);
  });

  it('is measured in every other way', () => {
    const others = metrics.filter((metric) => !quality.includes(metric.id) && metric.state !== 'no-meter');
    expect(others.map((metric) => metric.id)).toEqual(expect.arrayContaining(['prefill-latency', 'model-size', 'macs-per-token']));
    for (const metric of others) expect(metric, metric.id).toMatchObject({ state: 'measured', head: expect.any(Number) });
  });

  it('has no number of its quality in any file', () => {
    const columns = project.samples().launches.flatMap(({ points }) => Object.entries(points));
    for (const [, { values }] of columns)
      for (const series of Object.values(values)) expect(Object.keys(series)).not.toEqual(expect.arrayContaining(['nll']));
    expect(columns.find(([point]) => point === 'evaluation')?.[1].values).toEqual({});
    const report = join(project.run, 'report');
    const texts = readdirSync(report)
      .filter((name) => !name.endsWith('.json') && !name.endsWith('.html'))
      .map((name) => readFileSync(join(report, name), 'utf8'));
    for (const text of [...texts, ended.stdout])
      for (const line of text.split('\n').filter((each) => quality.some((name) => each.includes(name))))
        expect(line).not.toMatch(/[-+−]?\d+\.\d+\s*(nats|%)/);
  });
});

it('is judged by speed and size alone where the configuration says so, and every report says that', async () => {
  const project = Project.make();
  writeRandomMiniature(join(packageRoot, 'models', model), join(project.folder, 'models', id), id);
  const text = configuration([copied('own')], ['gate: { quality: none }']).replace(`[${model}]`, `[${id}]`);
  project.commit({ '.gitignore': '.optimization-gate\n', 'copy.mjs': copyProgram(false), 'optimization-gate.yml': text });
  project.commit({ 'copy.mjs': copyProgram(false, 'the same, said otherwise') });
  const { code, stdout, stderr } = await project.gate('--base', 'HEAD~1', '--quick');
  expect(code, stderr).toBe(0);
  expect(project.verdict().cells[0]?.metrics.map((metric) => metric.id)).not.toEqual(expect.arrayContaining(quality));
  const report = join(project.run, 'report');
  const reports = ['report.json', 'comment.md', 'summary.txt', 'index.html'].map((name) => readFileSync(join(report, name), 'utf8'));
  for (const each of [stdout, ...reports])
    expect(each.replaceAll(/\s+/g, ' ')).toContain('Quality is not judged, because gate.quality is none');
});

it('fails a search by the name of the model, because every part of it rests on quality', async () => {
  const project = Project.make();
  writeRandomMiniature(join(packageRoot, 'models', model), join(project.folder, 'models', id), id);
  const pool = 'with: { pool: [{ depth: 1, width: 0.5 }] }';
  const text = configuration([['architecture-search', pool]]).replace(`[${model}]`, `[${id}]`);
  project.commit({ '.gitignore': '.optimization-gate\n', 'optimization-gate.yml': text });
  project.commit({ 'optimization-gate.yml': text.replace('0.5', '0.25') });
  const { code } = await project.gate('--base', 'HEAD~1', '--quick');
  const [cell] = project.verdict().cells;
  expect({ code, verdict: cell?.verdict }).toEqual({ code: 1, verdict: 'failed' });
  expect(cell?.reason).toMatch(/^error\[untrained-reference\] of reference: /);
  expect(cell?.reason).toMatch(byName);
}, 120_000);
