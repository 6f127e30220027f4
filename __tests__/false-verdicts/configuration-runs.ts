import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { model, Project } from '../commands/project.ts';
import type { Situation } from './situation.ts';

const usual = 'optimization-gate.yml';

/** A program that answers each round with what a file holds; `before` runs first. */
const program = (file: string, before = ''): string =>
  `import json, sys, time\n${before}\nvalue = json.load(open('bench/${file}'))\nfor line in sys.stdin:\n    print(json.dumps(value), flush=True)\n`;

const entry = (id: string, metric = 'size', file = `${id}.py`): string =>
  `  - { id: ${id}, measure: python3 bench/${file}, inputs: [bench/**], metrics: [{ id: ${metric}, unit: bytes, better: lower, kind: exact }] }\n`;
const configuration = (entries: string, rest = ''): string => `models: [${model}]\noptimizations:\n${entries}${rest}`;

const ignored = { '.gitignore': '.optimization-gate\n' };

/** A repository in which `engine` is measured: its value in each of these commits. */
const engine = (...values: readonly number[]): Project => {
  const project = Project.make();
  for (const value of values)
    project.commit({
      ...ignored,
      [usual]: configuration(entry('engine')),
      'bench/engine.py': program('value.json'),
      'bench/value.json': `{"size": ${value}}`,
    });
  return project;
};

const verdicts = (project: Project): readonly (readonly [string, string])[] =>
  project.verdict().cells.map(({ id, verdict }) => [id.replace(`${model}/`, ''), verdict] as const);

const row = (fields: Omit<Situation, 'kind' | 'speed'>, kind: Situation['kind'] = 'first-configuration'): Situation => ({
  kind,
  speed: 'slow',
  ...fields,
});

export const situations: readonly Situation[] = [
  row({
    example: 'a link to a project with a slower engine takes the place of the one that the command is started in',
    before: 'the slower engine against itself, PASSED',
    now: 'against the engine of the folder that the link replaces',
    source: 'neighbour',
    check: async () => {
      const project = Project.make();
      for (const [folder, size] of Object.entries({ a: 100, b: 900 }))
        project.commit({
          ...ignored,
          [`${folder}/${usual}`]: configuration(entry('engine')).replace('bench/**', '"*/bench/**"'),
          [`${folder}/bench/engine.py`]: program('value.json'),
          [`${folder}/bench/value.json`]: `{"size": ${size}}`,
        });
      project.git('rm', '--quiet', '-r', 'a');
      symlinkSync('b', join(project.folder, 'a'));
      project.commit({});
      expect((await project.gateFrom('a', '--base', 'HEAD~1')).stdout).toContain('100 → 900 B');
      expect(await project.gateFrom('b', '--base', 'HEAD~1')).toMatchObject({ code: 0 });
    },
  }),
  row({
    example: 'a whole run of the change that brings the first configuration',
    before: 'regressed, 44 cells missing, exit 1',
    now: 'passed, its cell is new, exit 0',
    source: 'reported',
    check: async () => {
      const project = Project.make();
      project.commit({ ...ignored, 'README.md': '' });
      project.commit({
        [usual]: configuration(entry('engine')),
        'bench/engine.py': program('value.json'),
        'bench/value.json': '{"size": 1}',
      });
      expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 0 });
      expect(verdicts(project)).toEqual([['engine', 'new']]);
      expect(project.verdict().warnings).toEqual([expect.stringContaining('Base has no configuration')]);
      expect(project.verdict().cells[0]?.metrics).toMatchObject([{ verdict: 'new', head: 1 }]);
    },
  }),
  row({
    example: 'configuration and entry are renamed in one change that makes it worse, and then in one that does not',
    before: 'regressed, 44 cells missing, exit 1',
    now: 'regressed by the metric, exit 1; then unchanged, exit 0',
    source: 'neighbour',
    check: async () => {
      const project = engine(100, 100);
      project.git('rm', '--quiet', usual);
      const renamed = { 'ci/gate.yaml': configuration(entry('motor', 'size', 'engine.py'), 'gate: { tolerance: { size: 1000% } }\n') };
      project.commit({ ...renamed, 'bench/value.json': '{"size": 300}' });
      expect(await project.gate('--config', 'ci/gate.yaml', '--base', 'HEAD~1')).toMatchObject({ code: 1 });
      expect(verdicts(project)).toEqual([['motor', 'regressed']]);
      expect(project.text('report/summary.txt')).toContain('motor was renamed from engine');
      project.write('bench/value.json', '{"size": 100}');
      expect(await project.gate('--config', 'ci/gate.yaml', '--base', 'HEAD~1')).toMatchObject({ code: 0 });
      expect(verdicts(project)).toEqual([['motor', 'unchanged']]);
    },
  }),
  row({
    example: 'a project of a monorepo moves to another folder, in a change that makes it worse',
    before: 'base is started in a folder that it lacks, inconclusive, the job passes',
    now: 'regressed, exit 1',
    source: 'neighbour',
    check: async () => {
      const project = Project.make();
      const config = configuration(entry('engine').replace('bench/**', '*/bench/**').replace('[*', "['*").replace('**]', "**']"));
      const values = (size: number) => `{"size": ${size}}`;
      project.commit({
        ...ignored,
        [`a/${usual}`]: config,
        'a/bench/engine.py': program('value.json'),
        'a/bench/value.json': values(100),
        'b/README.md': '',
      });
      project.git('rm', '--quiet', '-r', 'a');
      project.commit({ [`b/${usual}`]: config, 'b/bench/engine.py': program('value.json'), 'b/bench/value.json': values(900) });
      expect(await project.gate('--working-directory', 'b', '--run-dir', project.run, '--base', 'HEAD~1')).toMatchObject({ code: 1 });
      expect(verdicts(project)).toEqual([['engine', 'regressed']]);
    },
  }),
  row({
    example: 'a whole run through a linked configuration, of a note and of a change that makes it worse',
    before: 'regressed, 44 cells missing, exit 1',
    now: 'unchanged, exit 0; then regressed, exit 1',
    source: 'reported',
    check: async () => {
      const project = engine();
      project.write('config/gate.yml', configuration(entry('engine')));
      symlinkSync('config/gate.yml', join(project.folder, usual));
      project.commit({ ...ignored, 'bench/engine.py': program('value.json'), 'bench/value.json': '{"size": 100}' });
      project.commit({ 'README.md': 'a note' });
      expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 0 });
      expect(verdicts(project)).toEqual([['engine', 'unchanged']]);
      project.commit({ 'bench/value.json': '{"size": 101}' });
      expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 1 });
      expect(verdicts(project)).toEqual([['engine', 'regressed']]);
    },
  }),
  row({
    example: 'a cell is dropped: without an acceptance, with one of the same change, and with one of base',
    before: 'missing, exit 1, each time',
    now: 'missing, exit 1, with the entry to write; exit 0 once base has it',
    source: 'reported',
    check: async () => {
      const project = engine(100);
      const [both, one] = [configuration(entry('engine') + entry('old', 'queue', 'old.py')), configuration(entry('engine'))];
      project.commit({ [usual]: both, 'bench/old.py': program('old.json'), 'bench/old.json': '{"queue": 9}' });
      project.commit({ [usual]: one });
      expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 1 });
      const written: unknown = JSON.parse(/\{.*\}/.exec(project.cell('old').reason ?? '')?.[0] ?? 'null');
      const accepted = JSON.stringify({ schema: 'optimization-gate/accepted/1', accepted: [written] });
      project.write('baselines/accepted.json', accepted);
      expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 1 });
      project.commit({ [usual]: both, 'baselines/accepted.json': accepted });
      project.commit({ [usual]: one });
      expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 0 });
      expect(verdicts(project)).toEqual([
        ['engine', 'unchanged'],
        ['old', 'passed'],
      ]);
      expect(project.cell('old').reason).toMatch(/^retired until \d{4}-\d\d-\d\d: why$/);
    },
  }),
  row(
    {
      example: 'a whole run of one optimization while another has a tolerance of its own',
      before: 'config-unknown-key, exit 2',
      now: 'judged: passed within its tolerance',
      source: 'reported',
      check: async () => {
        const project = Project.make();
        const files = {
          ...ignored,
          [usual]: configuration(entry('engine') + entry('policy', 'queue'), 'gate: { tolerance: { queue: 5%, size: 20% } }\n'),
          'bench/engine.py': program('value.json'),
          'bench/policy.py': program('queue.json'),
          'bench/queue.json': '{"queue": 9}',
        };
        project.commit({ ...files, 'bench/value.json': '{"size": 100}' });
        project.commit({ 'bench/value.json': '{"size": 110}' });
        expect(await project.gate('--base', 'HEAD~1', '--optimizations', 'engine')).toMatchObject({ code: 0 });
        expect(verdicts(project)).toEqual([['engine', 'passed']]);
      },
    },
    'selection',
  ),
  row(
    {
      example: 'both programs take 70 s to start in a launch under limits.seconds: 30m',
      before: 'subject-timeout after 60 s, exit 1',
      now: 'measured and judged',
      source: 'reported',
      check: async () => {
        const project = Project.make();
        const files = {
          '.gitignore': '.optimization-gate\nstarts\n',
          [usual]: configuration(entry('engine'), 'limits: { seconds: 30m }\n'),
          // Once in each tree: every slow start costs the test as much.
          'bench/engine.py': program(
            'value.json',
            "import os\nopen('starts', 'a').write('.')\ntime.sleep(70 if os.path.getsize('starts') == 2 else 0)",
          ),
        };
        project.commit({ ...files, 'bench/value.json': '{"size": 100}' });
        project.commit({ 'bench/value.json': '{"size": 90}' });
        expect(await project.gate('--base', 'HEAD~1', '--quick')).toMatchObject({ code: 0 });
        expect(verdicts(project)).toEqual([['engine', 'improved']]);
      },
    },
    'failed-start',
  ),
  row(
    {
      example: "base's program, then head's, hangs in its start, in a round, and drips answers",
      before: 'whichever process was asked is named, and no limit',
      now: 'the side that hangs is named, and the limit: base alone is inconclusive, head fails',
      source: 'neighbour',
      check: async () => {
        const slow = (before: string, within = ''): string =>
          `import json, sys, time\n${before}\nfor line in sys.stdin:\n    ${within || 'pass'}\n    print('{"size": 1}', flush=True)\n`;
        const hang = slow('time.sleep(600)');
        const stuck = slow('', "time.sleep(600 if line == 'round 3\\n' else 0)");
        const drip = slow('', 'time.sleep(0.5)');
        const quick = slow('');
        const run = async (base: string, head: string): Promise<Project> => {
          const project = Project.make();
          project.commit({ ...ignored, [usual]: configuration(entry('engine'), 'limits: { seconds: 3 }\n'), 'bench/engine.py': base });
          project.commit({ 'bench/engine.py': head });
          await project.gate('--base', 'HEAD~1', '--quick');
          return project;
        };
        for (const [code, says] of [
          [hang, /its start and its answer to `round 1` was missing after 3 s/],
          [stuck, /its answer to `round 3` was missing after 3 s/],
          [drip, /its answer to `round \d` was missing after 3 s/],
        ] as const) {
          const head = await run(quick, code);
          expect(head.cell('engine')).toMatchObject({ verdict: 'failed', reason: expect.stringMatching(says) });
          const base = await run(code, quick);
          expect(base.cell('engine')).toMatchObject({ verdict: 'inconclusive', reason: expect.stringMatching(says) });
          expect(base.verdict().exitCode).toBe(3);
          expect([...head.processes(), ...base.processes()]).toEqual([]);
        }
      },
    },
    'failed-start',
  ),
];
