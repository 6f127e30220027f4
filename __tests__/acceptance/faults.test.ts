import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { configuration, copied, copyProgram, type Ended, model, Project, packageRoot, quickPoint } from '../commands/project.ts';

const faulty = (mode: string, more: readonly string[] = []): readonly string[] => [
  mode.replace(':', '-'),
  'like: structured-pruning',
  `command: node faulty.mjs ${mode} {model} {output} ${packageRoot}`,
  'inputs: [faulty.mjs, side.txt]',
  quickPoint,
  ...more,
];

const failures: readonly (readonly [mode: string, code: string, says: RegExp])[] = [
  ['head:exit', 'build-failed', /exit status 1\. Its last output: cannot prune: the ratio is silly/],
  ['head:segfault', 'subject-crashed', /SIGSEGV/],
  ['head:abort', 'subject-crashed', /SIGABRT/],
  ['head:memory', 'subject-memory', /limits\.memory allows 900 MiB/],
  ['head:silent', 'build-no-output', /model\.onnx/],
  ['head:garbage', 'onnx-malformed', /model\.onnx/],
  ['head:truncated', 'onnx-malformed', /model\.onnx/],
  ['head:short-data', 'onnx-external-data', /model\.onnx\.data/],
  ['head:outside', 'onnx-external-data', /outside\.bin/],
  ['head:refused', 'session-failed', /NoSuchOperator/],
  ['head:nan', 'non-finite-output', /NaN|finite/],
  ['head:flood', 'build-failed', /exit status 7/],
];

const onlyBase: typeof failures = [
  ['base:exit', 'build-failed', /the ratio is silly/],
  ['base:nan', 'non-finite-output', /NaN|finite/],
];

const modules: Readonly<Record<string, string>> = {
  'module-throws': 'throw new Error("no such kernel");',
  'module-empty': 'export const nothing = 1;',
  'module-dies': 'export const build = async () => { process.exit(3); };',
  'module-scrawls': `import { writeSync } from 'node:fs';
    export const build = async () => { writeSync(1, 'hello there\\n'); await new Promise((done) => setTimeout(done, 5000)); };`,
  'module-forgets': 'export const build = async () => { console.log("done"); };',
  'module-escapes': 'export const build = async () => ({ stages: [{ id: "decoder", graph: "../../evil.onnx" }] });',
};

const moduleFailures: readonly (readonly [id: string, code: string, says: RegExp])[] = [
  ['module-throws', 'build-failed', /no such kernel/],
  ['module-empty', 'subject-protocol', /`build` or `start`, found neither/],
  ['module-dies', 'subject-crashed', /exit status 3/],
  ['module-scrawls', 'subject-protocol', /hello there/],
  ['module-forgets', 'subject-protocol', /expected object, received null/],
  ['module-escapes', 'subject-protocol', /onnx/],
];

describe('optimizations that misbehave, all in one pull request', () => {
  let project: Project;
  let ended: Ended;
  beforeAll(async () => {
    project = Project.make();
    const failing = [...failures, ...onlyBase].map(([mode]) => faulty(mode));
    const byModule = Object.keys(modules).map((id) => [
      id,
      'like: structured-pruning',
      `module: ${id}.mjs`,
      `inputs: [${id}.mjs]`,
      quickPoint,
    ]);
    const limits = 'limits: { seconds: 90, memory: 900MiB }';
    const files = Object.fromEntries(Object.entries(modules).map(([id, text]) => [`${id}.mjs`, `${text}\n`]));
    project.commit({
      ...files,
      '.gitignore': '.optimization-gate\n',
      'faulty.mjs': readFileSync(join(import.meta.dirname, '../commands/faulty.mjs'), 'utf8'),
      'copy.mjs': copyProgram(false),
      'side.txt': 'base',
      'optimization-gate.yml': configuration([...failing, ...byModule, faulty('head:scribble')], [limits]),
    });
    project.commit({
      'side.txt': 'head',
      'optimization-gate.yml': configuration([...failing, ...byModule, faulty('head:scribble'), copied('healthy')], [limits]),
    });
    ended = await project.gate('--base', 'HEAD~1');
  }, 240_000);

  it.each(failures)('%s fails its own cell with %s', (mode, code, says) => {
    const cell = project.cell(mode.replace(':', '-'));
    expect({ verdict: cell.verdict, code: /error\[([a-z-]+)\] of ([a-z]+)/.exec(cell.reason ?? '')?.slice(1) }).toEqual({
      verdict: 'failed',
      code: [code, mode.split(':')[0]],
    });
    expect(cell.reason).toMatch(new RegExp(says, 's'));
  });

  it.each(onlyBase)('%s leaves its cell without a base, and holds nothing against head', (mode, code, says) => {
    const cell = project.cell(mode.replace(':', '-'));
    expect({ verdict: cell.verdict, code: /error\[([a-z-]+)\] of ([a-z]+)/.exec(cell.reason ?? '')?.slice(1) }).toEqual({
      verdict: 'inconclusive',
      code: [code, 'base'],
    });
    expect(cell.reason).toMatch(new RegExp(says, 's'));
    const latency = cell.metrics.find(({ id }) => id === 'prefill-latency');
    expect(latency).toMatchObject({ verdict: 'inconclusive', state: 'no-base', base: null });
    expect(latency?.head).toBeGreaterThan(0);
  });

  it.each(moduleFailures)('%s fails its own cell with %s', (id, code, says) => {
    const cell = project.cell(id);
    expect(cell.verdict).toBe('failed');
    expect(cell.reason).toContain(`error[${code}] of head`);
    expect(cell.reason).toMatch(says);
  });

  it('measures the healthy cell', () => {
    const cell = project.cell('healthy');
    expect({ verdict: cell.verdict, reason: cell.reason }).toEqual({ verdict: 'new', reason: null });
    const latency = cell.metrics.find(({ id }) => id === 'prefill-latency');
    expect(latency?.head).toBeGreaterThan(0);
    expect(latency?.launches).toBeGreaterThan(0);
    expect(project.cell('head-scribble').verdict).toBe('unchanged');
  });

  it('ends failed with status 1, and tells all of it in bounded words', () => {
    expect({ code: ended.code, verdict: project.verdict().verdict }).toEqual({ code: 1, verdict: 'failed' });
    for (const cell of project.verdict().cells) expect((cell.reason ?? '').length).toBeLessThan(20_100);
    for (const [mode] of failures) expect(ended.stdout).toContain(mode.replace(':', '-'));
    expect(ended.stderr).not.toContain('internal');
  });

  it('keeps nothing of a broken build', () => {
    const samples = project.samples();
    const broken = project.plan().builds.filter(({ cell, arm }) => cell === `${model}/head-garbage` && arm === 'head');
    expect(broken).toHaveLength(1);
    expect(samples.built.get(broken[0]!.key)).toMatchObject({ status: 'failed', artefact: null, error: { arm: 'head' } });
  });
});

it('ends an optimization that hangs, with all that it started, and says so', async () => {
  const project = Project.make();
  project.commit({
    '.gitignore': '.optimization-gate\n',
    'faulty.mjs': readFileSync(join(import.meta.dirname, '../commands/faulty.mjs'), 'utf8'),
    'side.txt': 'base',
    'optimization-gate.yml': configuration([faulty('head:hang')], ['limits: { seconds: 8 }']),
  });
  project.commit({ 'side.txt': 'head', 'optimization-gate.yml': configuration([faulty('head:hang')], ['limits: { seconds: 9000 }']) });
  const ended = await project.gate('--base', 'HEAD~1');
  expect(ended.code).toBe(1);
  expect(project.cell('head-hang').reason).toMatch(
    /error\[subject-timeout\] of head: The build command did not end within 8 s \(limits\.seconds\)\..*still thinking/s,
  );
  expect(project.processes()).toEqual([]);
}, 120_000);
