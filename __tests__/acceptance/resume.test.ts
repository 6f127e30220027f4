import { appendFileSync, cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { judge } from '../../src/gate/judge.ts';
import { launchDemand } from '../../src/gate/launch-demand.ts';
import { digestOf } from '../../src/records/decode.ts';
import type { Plan } from '../../src/records/plan.ts';
import type { Samples } from '../../src/records/sample.ts';
import { deriveSeed, seededRandom } from '../../src/statistics/random.ts';
import { configuration, copied, copyProgram, type Ended, model, Project, packageRoot, quickPoint } from '../commands/project.ts';

type Line = Readonly<Record<string, unknown>>;

const linesOf = (project: Project): readonly Line[] =>
  existsSync(project.samplesFile)
    ? readFileSync(project.samplesFile, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((text): Line => JSON.parse(text))
    : [];

const count = (project: Project, line: string): number => linesOf(project).filter((each) => each['line'] === line).length;

/** Runs `measure` until so many lines of a kind stand in the samples, waits a little, and sends the signal. */
const interrupt = async (project: Project, signal: NodeJS.Signals, line: string, more: number, delay: number): Promise<Ended> => {
  const wanted = count(project, line) + more;
  const { child, ended } = project.start('measure');
  let over = false;
  void ended.then(() => {
    over = true;
  });
  while (!over && count(project, line) < wanted) await sleep(10);
  await sleep(delay);
  child.kill(signal);
  return ended;
};

const gone = async (project: Project): Promise<void> => {
  while (project.processes().length > 0) await sleep(20);
};

/** Follows the rule from nothing, giving it what was measured whenever it asks; returns what it never asked for. */
const unasked = (plan: Plan, samples: Samples): readonly string[] => {
  const left = new Map(samples.launches.map((launch) => [launch.id, launch]));
  let known: Samples = { ...samples, launches: [] };
  for (;;) {
    const taken = launchDemand(plan, known).flatMap(({ launch }) => left.get(launch) ?? []);
    if (taken.length === 0) return [...left.keys()];
    for (const { id } of taken) left.delete(id);
    known = { ...known, launches: [...known.launches, ...taken] };
  }
};

describe('a measurement that is killed again and again', () => {
  let project: Project;
  const kills: Ended[] = [];
  let stopped: Ended;
  let stoppedLines: readonly Line[] = [];
  let finished: Ended;
  let decided: Ended;

  beforeAll(async () => {
    project = Project.make();
    const failing = [
      'broken',
      'like: structured-pruning',
      `command: node faulty.mjs head:exit {model} {output} ${packageRoot}`,
      'inputs: [faulty.mjs, side.txt]',
      quickPoint,
    ];
    project.commit({
      '.gitignore': '.optimization-gate\n',
      'faulty.mjs': readFileSync(join(import.meta.dirname, '../commands/faulty.mjs'), 'utf8'),
      'copy.mjs': copyProgram(false),
      'side.txt': 'base',
      'optimization-gate.yml': configuration([copied('healthy'), failing]),
    });
    project.commit({ 'side.txt': 'head', 'copy.mjs': copyProgram(true) });
    expect(await project.gate('plan', '--base', 'HEAD~1')).toMatchObject({ code: 0 });
    const random = seededRandom(deriveSeed(1, 'kills'));
    for (const [line, more] of [
      ['run', 1],
      ['built', 1],
      ['end', 3],
      ['end', 9],
    ] as const) {
      kills.push(await interrupt(project, 'SIGKILL', line, more, Math.floor(300 * random())));
      await gone(project);
      appendFileSync(project.samplesFile, '{"line":"launch","launch":"mini-qwen3-de');
    }
    stopped = await interrupt(project, 'SIGINT', 'end', 2, 50);
    stoppedLines = linesOf(project);
    await gone(project);
    finished = await project.gate('measure');
    decided = await project.gate('gate');
  }, 600_000);

  it('was really killed and really interrupted', () => {
    expect(kills.map(({ signal }) => signal)).toEqual(['SIGKILL', 'SIGKILL', 'SIGKILL', 'SIGKILL']);
    expect({ code: stopped.code, last: stoppedLines.at(-1) }).toEqual({ code: 3, last: { line: 'stopped', reason: 'interrupted' } });
    expect(finished).toMatchObject({ code: 0 });
  });

  it('says since when it was measured, where that lies, and how to measure anew', () => {
    const { at } = project.samples();
    const since = (at ?? '').slice(0, 16).replace('T', ' ');
    expect(finished.stderr).toMatch(new RegExp(`Reusing \\d+ launch(es)? \\(.*\\) of this plan, measured since ${since} UTC, from `));
    expect(finished.stderr).toContain(`from ${project.samplesFile}. To measure anew, remove that file.`);
    expect(kills[0]?.stderr).not.toContain('Reusing');
  });

  it('has every launch that the rule wants exactly once, and no other', () => {
    const plan = project.plan();
    const samples = project.samples();
    const launches = linesOf(project).filter((line) => line['line'] === 'launch');
    expect(new Set(launches.map((line) => line['launch'])).size).toBe(launches.length);
    expect(samples.launches.map(({ id }) => id).toSorted()).toEqual(launches.map((line) => line['launch']).toSorted());
    expect(launchDemand(plan, samples)).toEqual([]);
    expect(unasked(plan, samples)).toEqual([]);
    expect(samples.launches.filter(({ purpose, selfCheck }) => purpose === 'screen' && !selfCheck)).toHaveLength(5);
    expect(samples.launches.filter(({ status }) => status !== 'complete')).toEqual([]);
    expect(samples.stopped).toBeNull();
    expect(samples.warnings).toEqual([]);
  });

  it('sees a launch that the rule did not ask for', () => {
    const samples = project.samples();
    const [one] = samples.launches.filter(({ purpose }) => purpose === 'solo');
    const extra = { ...one!, id: `${one!.id}00`, index: 1600 };
    expect(unasked(project.plan(), { ...samples, launches: [...samples.launches, extra] })).toEqual([extra.id]);
  });

  it('measures the healthy cell to the end beside the broken one, which fails the run', () => {
    expect(decided.code).toBe(1);
    expect(project.cell('broken')).toMatchObject({ verdict: 'failed', reason: expect.stringContaining('error[build-failed] of head') });
    const healthy = project.cell('healthy');
    expect(healthy.reason).toBeNull();
    expect(healthy.metrics.find(({ id }) => id === 'nll-delta')).toMatchObject({ verdict: 'passed', change: { estimate: 0 } });
    expect(healthy.metrics.find(({ id }) => id === 'prefill-latency')?.launches).toBeGreaterThanOrEqual(5);
    expect(project.verdict().selfChecks.map(({ kind }) => kind)).toEqual(['a-a', 'planted', 'dependence']);
  });

  it('decides the same from the same files, byte for byte, whoever decides', async () => {
    const first = project.text('verdict.json');
    const report = project.text('report/report.json');
    expect((await project.gate('gate')).code).toBe(1);
    expect(project.text('verdict.json')).toBe(first);
    expect(project.text('report/report.json')).toBe(report);
    const samples = project.samples();
    const again = judge({
      plan: project.plan(),
      planDigest: digestOf(project.text('plan.json')),
      samples: { ...samples, launches: samples.launches.toReversed() },
      samplesDigest: digestOf(project.text('samples.jsonl')),
      baselines: [],
      baselinesDigest: null,
    });
    expect(again).toEqual(project.verdict());
  });

  describe('refuses files that were edited by hand', () => {
    const edited = async (name: string, change: (text: string) => string, command = 'gate'): Promise<Ended> => {
      const folder = join(project.folder, '.optimization-gate', `copy-${command}-${name}-${digestOf(String(change)).slice(0, 8)}`);
      for (const file of ['optimization-gate.txt', 'plan.json', 'samples.jsonl', 'baselines.json'])
        cpSync(join(project.run, file), join(folder, file));
      const text = readFileSync(join(folder, name), 'utf8');
      const after = change(text);
      expect(after).not.toBe(text);
      writeFileSync(join(folder, name), after);
      return project.gate(command, '--run-dir', folder);
    };

    it('accepts them unedited (but for a torn end)', async () => {
      expect((await edited('samples.jsonl', (text) => `${text}{"line":`)).code).toBe(1);
    });

    it.each([
      ['plan.json', 'a number', (text: string) => text.replace('"seed": 1,', '"seed": 2,'), 'run-mismatch', /another plan|plan/],
      ['plan.json', 'a key', (text: string) => text.replace('"policyChanges"', '"policyChange"'), 'document-invalid', /policyChange/],
      ['plan.json', 'half of it', (text: string) => text.slice(0, text.length / 2), 'document-invalid', /Expected JSON/],
      [
        'samples.jsonl',
        'the run line',
        (text: string) => text.replace(/^({"line":"run".*\n)+/, ''),
        'document-invalid',
        /samples\.jsonl:1/,
      ],
      [
        'samples.jsonl',
        'a value',
        (text: string) => text.replace(/"wall-ms":\[[0-9.]+/, '"wall-ms":["fast"'),
        'document-invalid',
        /samples\.jsonl:\d+.*wall-ms/,
      ],
      [
        'samples.jsonl',
        'an infinite value',
        (text: string) => text.replace(/"wall-ms":\[[0-9.]+/, '"wall-ms":[1e999'),
        'document-invalid',
        /wall-ms\[0\]/,
      ],
      [
        'samples.jsonl',
        'a cell',
        (text: string) => text.replaceAll(`"cell":"${model}/healthy"`, `"cell":"${model}/other"`),
        'run-mismatch',
        /other/,
      ],
      [
        'samples.jsonl',
        'a plan',
        (text: string) => text.replaceAll(/"plan":"[0-9a-f]{8}/g, '"plan":"00000000'),
        'run-mismatch',
        /for another one/,
      ],
    ])('%s: %s', async (name, _what, change, code, says) => {
      const { code: status, stderr } = await edited(name, change);
      expect({ status, stderr }).toMatchObject({ status: 2, stderr: expect.stringContaining(`error[${code}]`) });
      expect(stderr).toMatch(says);
      expect((await edited(name, change, 'measure')).code).toBe(2);
    });

    it('confirming launches that nobody asked for', async () => {
      const { code, stderr } = await edited('samples.jsonl', (text) => {
        const extra = Array.from({ length: 200 }, (_, index) => {
          const launch = `${model}/healthy#confirm-${500 + index}`;
          return [
            { line: 'launch', launch, cell: `${model}/healthy`, purpose: 'confirm', index: 500 + index, selfCheck: false },
            { line: 'end', launch, status: 'complete', error: null, process: null },
          ];
        });
        return (
          text +
          extra
            .flat()
            .map((line) => `${JSON.stringify(line)}\n`)
            .join('')
        );
      });
      expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('error[samples-contradictory]') });
    });
  });
});
