import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { configuration, copied, copyProgram, Project } from '../commands/project.ts';
import { changedEngine, MeasuredRun, programOf, sizeProgram } from './measured-run.ts';
import type { Situation } from './situation.ts';

/** Lines of a program that count its starts in a file, and end it at those that `ends` says. */
const ending = (ends: string, side = ''): string => {
  const file = join(mkdtempSync(join(tmpdir(), 'starts-')), 'starts');
  return `import { appendFileSync, readFileSync } from 'node:fs';
appendFileSync('${file}', '.');
const start = readFileSync('${file}').length;
if (${ends}) { process.stderr.write('no room yet${side}'); process.exit(1); }`;
};

/** The verdict of a run, the reason of its one cell and that cell's warnings. */
const judged = async (project: Project) => {
  const ended = await project.gate('--base', 'HEAD~1');
  const { verdict, exitCode, cells } = project.verdict();
  expect(ended.code, ended.stderr).toBe(exitCode);
  const [cell] = cells;
  return {
    verdict,
    exitCode,
    cell: cell?.verdict,
    reason: cell?.reason ?? '',
    warnings: cell?.warnings.join('\n') ?? '',
    text: ended.stdout,
  };
};

const row = (
  example: string,
  before: string,
  now: string,
  speed: Situation['speed'],
  source: Situation['source'],
  check: Situation['check'],
): Situation => ({ kind: 'failed-start', example, before, now, source, speed, check });

export const situations: readonly Situation[] = [
  row(
    'One start in ten of the head ends before its first answer',
    'REGRESSED: 1 cell failed',
    'passed, with a warning',
    'slow',
    'reported',
    async () => {
      const { verdict, warnings, text } = await judged(changedEngine(sizeProgram(100), sizeProgram(100, ending('start === 3'))));
      expect({ verdict, warnings }).toEqual({
        verdict: 'passed',
        warnings: expect.stringMatching(
          /1 of \d+ processes failed at their start and was started again: error\[subject-crashed\] of head: .*no room yet/s,
        ),
      });
      expect(text).toMatch(/note: .*1 of \d+ processes failed at their start and was started again/);
    },
  ),
  row('Every start of the head ends before its first answer', 'REGRESSED', 'failed', 'slow', 'reported', async () => {
    const { verdict, exitCode, reason } = await judged(changedEngine(programOf(10), ending('true')));
    expect({ verdict, exitCode, reason }).toEqual({
      verdict: 'failed',
      exitCode: 1,
      reason: expect.stringMatching(/^error\[subject-crashed\] of head: .*no room yet/s),
    });
  }),
  row('Every second start of the head fails', 'REGRESSED: 1 cell failed', 'failed', 'slow', 'neighbour', async () => {
    const { verdict, reason } = await judged(changedEngine(programOf(10), programOf(10, ending('start % 2 === 1'))));
    expect({ verdict, reason }).toEqual({
      verdict: 'failed',
      reason: expect.stringMatching(/of \d+ processes failed at their start\. At most \d may/),
    });
  }),
  row('Every tenth start of the base fails, and the head is slower', 'INCONCLUSIVE', 'regressed', 'slow', 'neighbour', async () => {
    const { verdict, warnings } = await judged(changedEngine(programOf(10, ending('start % 10 === 2')), programOf(20)));
    expect({ verdict, warnings }).toEqual({
      verdict: 'regressed',
      warnings: expect.stringMatching(/failed at their start and .*of base/s),
    });
  }),
  row(
    'The base ends in round 30 of one launch of many, and the head is slower',
    'INCONCLUSIVE',
    'regressed',
    'slow',
    'neighbour',
    async () => {
      const once = ending('false').concat('\nconst ends = start === 3;');
      const program = programOf(10, once).replace('round += 1;', 'round += 1; if (ends && round === 30) process.exit(3);');
      const { verdict, warnings } = await judged(changedEngine(program, programOf(20)));
      expect({ verdict, warnings }).toEqual({
        verdict: 'regressed',
        warnings: expect.stringMatching(/1 of \d+ launches failed because of base and do not count/),
      });
    },
  ),
  row('The head ends in round 30 of one launch', 'REGRESSED', 'failed, not repeated', 'slow', 'neighbour', async () => {
    const once = ending('false').concat('\nconst ends = start === 2;');
    const program = programOf(10, once).replace('round += 1;', 'round += 1; if (ends && round === 30) process.exit(3);');
    const project = changedEngine(programOf(10), program);
    const { verdict, warnings } = await judged(project);
    expect({ verdict, warnings }).toEqual({ verdict: 'failed', warnings: expect.not.stringContaining('failed at their start') });
    expect(project.samples().failedStarts.size).toBe(0);
  }),
  row('The first start of a build fails', 'REGRESSED: 1 cell failed', 'judged, with a warning', 'slow', 'neighbour', async () => {
    const project = Project.make();
    const config = configuration([copied('our-pruning')]);
    project.commit({ '.gitignore': '.optimization-gate\n', 'copy.mjs': copyProgram(false), 'optimization-gate.yml': config });
    project.commit({ 'copy.mjs': `${ending('start === 1')}\n${copyProgram(false)}` });
    const { cell, warnings } = await judged(project);
    expect({ cell, warnings }).toEqual({
      cell: 'unchanged',
      warnings: expect.stringMatching(
        /1 of \d+ processes failed at their start and was started again: error\[build-failed\] of head: .*no room yet/s,
      ),
    });
  }),
  row('Every build of the head fails', 'REGRESSED', 'failed', 'slow', 'neighbour', async () => {
    const project = Project.make();
    const config = configuration([copied('our-pruning')]);
    project.commit({ '.gitignore': '.optimization-gate\n', 'copy.mjs': copyProgram(false), 'optimization-gate.yml': config });
    project.commit({ 'copy.mjs': ending('true') });
    const { verdict, exitCode, reason } = await judged(project);
    expect({ verdict, exitCode, reason }).toEqual({
      verdict: 'failed',
      exitCode: 1,
      reason: expect.stringContaining('error[build-failed] of head'),
    });
  }),
  row(
    'the `setup` of base ends with an error, and the change repairs it',
    'error, setup-failed, exit 2',
    'inconclusive, without a base',
    'slow',
    'reported',
    async () => {
      const project = changedEngine(sizeProgram(100), sizeProgram(100));
      const measure = ['engine', 'measure: node engine.mjs', 'metrics: [{ id: size, unit: bytes, better: lower, kind: exact }]'];
      const once = `import { mkdirSync } from 'node:fs';\nmkdirSync(${JSON.stringify(join(mkdtempSync(join(tmpdir(), 'once-')), 'made'))});\n`;
      const config = (setup: string): string => configuration([measure, copied('own')], [`setup: node ${setup}.mjs`]);
      project.commit({ 'optimization-gate.yml': config('nowhere'), 'copy.mjs': copyProgram(false) });
      project.commit({ 'optimization-gate.yml': config('engine'), 'README.md': 'Repaired.' });
      await project.gate('--base', 'HEAD~1', '--quick');
      const { verdict, cells } = project.verdict();
      expect({ verdict, cells: cells.map((cell) => [cell.verdict, cell.reason]) }).toEqual({
        verdict: 'inconclusive',
        cells: Array(2).fill(['inconclusive', expect.stringContaining('nothing to compare with: error[base-setup-failed] of base')]),
      });
      project.commit({ 'optimization-gate.yml': config('once'), 'once.mjs': once });
      project.commit({ 'README.md': 'Faster.' });
      expect(await project.gate('--base', 'HEAD~1', '--quick')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('error[setup-failed] setup of base'),
      });
      project.commit({ 'optimization-gate.yml': config('elsewhere') });
      expect(await project.gate('--base', 'HEAD~1', '--quick')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('error[setup-failed] setup of head'),
      });
    },
  ),
];

/** Files of a built-in's cell, which has windows, files and processes of one arm. */
export const builtInSituations: readonly Situation[] = [
  {
    kind: 'contradiction',
    example: 'An evaluation is cut from all of its windows to one',
    before: 'PASSED',
    now: 'samples-contradictory',
    source: 'reported',
    speed: 'slow',
    check: async () => {
      const project = Project.make();
      const config = (ratio: number): string => configuration([['structured-pruning', `with: { target: ffn, ratio: ${ratio} }`]]);
      project.commit({ '.gitignore': '.optimization-gate\n', 'optimization-gate.yml': config(0.25) });
      project.commit({ 'optimization-gate.yml': config(0.5) });
      const { run } = await MeasuredRun.of(project, '--quick');
      expect(run.outcome(run.lines)).toBe('regressed');
      const editing = (point: string, change: (column: readonly number[]) => readonly number[], warnings?: readonly string[]): string =>
        run.outcome(
          run.lines.map((line) => {
            if (line.line !== 'point' || line.point !== point) return line;
            const values = Object.fromEntries(
              Object.entries(line.values).map(([arm, columns]) => [
                arm,
                Object.fromEntries(Object.entries(columns).map(([series, column]) => [series, change(column)])),
              ]),
            );
            return { ...line, values, warnings: warnings ?? line.warnings };
          }),
        );
      expect(editing('evaluation', (column) => column.slice(0, 1))).toBe('samples-contradictory');
      expect(editing('evaluation', (column) => column.slice(0, 1), ['refused: *: knows no language'])).toBe('samples-contradictory');
      expect(editing('decode-b1', (column) => column.slice(0, 1))).toBe('samples-contradictory');
      expect(editing('decode-b1', (column) => column, ['no-meter: wall-ms: none'])).toBe('samples-contradictory');
      expect(editing('inspection', (column) => column, ['unsupported-export: bytes: none'])).toBe('samples-contradictory');
      expect(editing('solo', (column) => column, ['no-meter: peak-bytes: none'])).toBe('samples-contradictory');
    },
  },
];
