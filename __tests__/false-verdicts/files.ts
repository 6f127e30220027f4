import fc from 'fast-check';
import { beforeAll, expect } from 'vitest';
import type { SampleLine } from '../../src/records/sample.ts';
import { cellId, changedEngine, MeasuredRun, programOf } from './measured-run.ts';
import type { Situation } from './situation.ts';

let run: MeasuredRun;

/** Measures one run that is regressed, which every row of this table edits. */
export const measureRegressed = (): void => {
  beforeAll(async () => {
    const measured = await MeasuredRun.of(changedEngine(programOf(10), programOf(20)));
    expect(measured.ended, measured.ended.stderr).toMatchObject({ code: 1 });
    run = measured.run;
    expect(run.outcome(run.lines)).toBe('regressed');
  }, 240_000);
};

type Line<Kind extends SampleLine['line']> = Extract<SampleLine, { line: Kind }>;
type Edit = (line: SampleLine, lines: readonly SampleLine[]) => readonly SampleLine[];

const isOf = (line: SampleLine, launch: string): boolean => 'launch' in line && line.launch === `${cellId}#${launch}`;
const of = (launch: string): readonly SampleLine[] => run.lines.filter((line) => isOf(line, launch));

/** Replaces lines of one kind, all or those of one launch. */
const changing =
  <Kind extends SampleLine['line']>(kind: Kind, change: (line: Line<Kind>) => readonly SampleLine[], launch: string | null = null): Edit =>
  (line) =>
    line.line === kind && (launch === null || isOf(line, launch)) ? change(line as Line<Kind>) : [line];

const edited = (edit: Edit): string => run.outcome(run.lines.flatMap((line) => edit(line, run.lines)));

const refused = (...edits: readonly (() => string)[]): void => {
  for (const edit of edits) expect(edit()).toBe('samples-contradictory');
};

/** The launch under another name, with other numbers: head as base was. */
const better = (launch: string, name: string, fields: Partial<Line<'launch'>> = {}): readonly SampleLine[] =>
  of(launch).map((line): SampleLine => {
    if (line.line === 'launch') return { ...line, launch: `${cellId}#${name}`, ...fields };
    if (line.line !== 'point') return { ...line, launch: `${cellId}#${name}` } as SampleLine;
    const { base = {} } = line.values;
    return { ...line, launch: `${cellId}#${name}`, values: { base, head: base } };
  });

const failed = (name: string, index: number, arm: 'base' | 'head' | null): readonly SampleLine[] => [
  { line: 'launch', launch: `${cellId}#${name}`, cell: cellId, purpose: 'confirm', index, selfCheck: false },
  {
    line: 'end',
    launch: `${cellId}#${name}`,
    status: 'failed',
    error: { code: 'subject-crashed', message: 'it ended', arm },
    process: null,
  },
];

const digest = (letter: string): string => letter.repeat(64);

const row = (example: string, before: string, now: string, source: Situation['source'], check: () => void): Situation => ({
  kind: 'contradiction',
  example,
  before,
  now,
  source,
  speed: 'fast',
  check,
});

const unchecked: readonly Situation[] = [
  row('A cell is settled unchanged, with two digests in the same line', 'PASSED', 'samples-contradictory', 'reported', () =>
    refused(() => edited(changing('settled', (line) => [{ ...line, status: 'unchanged' }]))),
  ),
  row('A cell is settled unchanged, with digests that nothing bears out', 'PASSED', 'samples-contradictory', 'reported', () =>
    refused(() =>
      edited(changing('settled', (line) => [{ ...line, status: 'unchanged', arms: { head: digest('1'), base: digest('1') } }])),
    ),
  ),
  row('A cell is settled skipped, new or removed, against the plan', 'PASSED', 'samples-contradictory', 'reported', () =>
    refused(
      ...(['skipped', 'new', 'removed', 'failed'] as const).map(
        (status) => () => edited(changing('settled', (line) => [{ ...line, status, arms: status === 'new' ? line.arms : {} }])),
      ),
    ),
  ),
  row(
    'A cell is settled failed, because a program of the base read what it must not',
    'INCONCLUSIVE',
    'samples-contradictory',
    'neighbour',
    () => {
      const settled = run.lines.filter(({ line }) => line === 'run' || line === 'built' || line === 'settled');
      const leaking = (arm: 'base' | 'head' | null): string =>
        run.outcome(
          settled.map((line): SampleLine => {
            const error = { code: 'inputs-leak', message: 'it read a file of the other side', arm };
            return line.line === 'settled' ? { ...line, status: 'failed', arms: {}, error } : line;
          }),
        );
      refused(
        () => leaking('base'),
        () => leaking('head'),
      );
      expect(leaking(null)).toBe('failed');
    },
  ),
  row('A cell is settled twice, or after its launches', 'PASSED', 'samples-contradictory', 'neighbour', () => {
    const unchanged = changing('settled', (line) => [line, { ...line, status: 'unchanged' }]);
    const settled = run.lines.filter(({ line }) => line === 'settled');
    refused(
      () => edited(unchanged),
      () => run.outcome([...run.lines.filter(({ line }) => line !== 'settled'), ...settled]),
    );
  }),
  row('A launch stands twice, first with better numbers', 'PASSED', 'samples-contradictory', 'reported', () =>
    refused(
      () => edited(changing('launch', (line) => [...better('confirm-3', 'confirm-3'), line], 'confirm-3')),
      () => run.outcome([...run.lines, ...better('confirm-3', 'confirm-3')]),
    ),
  ),
  row('The same purpose and index stand under another id', 'PASSED', 'samples-contradictory', 'reported', () =>
    refused(
      () => run.outcome([...run.lines, ...better('confirm-3', 'confirm-03')]),
      () => run.outcome([...run.lines, ...better('confirm-3', 'other')]),
    ),
  ),
  row('Launches have indices that nobody asked for', 'PASSED', 'samples-contradictory', 'reported', () =>
    refused(
      () => run.outcome([...run.lines, ...better('screen-0', 'screen-5', { index: 5 })]),
      () => run.outcome([...run.lines, ...better('screen-0', 'screen-900', { index: 900 })]),
      () => run.outcome([...run.lines, ...better('confirm-0', 'confirm-77', { index: 77 })]),
      () => run.outcome([...run.lines, ...better('screen-0', 'screen-1000', { index: 1000, selfCheck: true })]),
      () => run.outcome([...run.lines, ...better('screen-0', 'once-0', { purpose: 'once', index: 0 })]),
      () => run.outcome([...run.lines, ...better('screen-0', 'tune-0', { purpose: 'tune', index: 0 })]),
    ),
  ),
  row('"No meter", or another excuse, stands for the time that a program answered', 'PASSED', 'samples-contradictory', 'reported', () =>
    refused(
      ...['no-meter: latency: none', 'not-applicable: latency: none', 'refused: *: none', 'unsupported-export: latency: none'].map(
        (warning) => () =>
          edited(
            changing('point', (line) => [
              {
                ...line,
                values: Object.fromEntries(Object.entries(line.values).map(([arm, { size = [] }]) => [arm, { size }])),
                warnings: [warning],
              },
            ]),
          ),
      ),
    ),
  ),
  row('A launch has fewer rounds than any launch has, or arms of different lengths', 'PASSED', 'samples-contradictory', 'neighbour', () => {
    const cut = (arms: readonly string[], rounds: number) =>
      changing('point', (line) => [
        {
          ...line,
          values: Object.fromEntries(
            Object.entries(line.values).map(([arm, columns]) => [
              arm,
              Object.fromEntries(
                Object.entries(columns).map(([series, column]) => [series, arms.includes(arm) ? column.slice(0, rounds) : column]),
              ),
            ]),
          ),
        },
      ]);
    refused(
      () => edited(cut(['base', 'head'], 3)),
      () => edited(cut(['head'], 20)),
    );
    expect(edited(cut(['base', 'head'], 15))).toBe('regressed');
  }),
  row('A launch lacks an arm, or has one that it was not asked for', 'an error or regressed', 'samples-contradictory', 'neighbour', () => {
    const arms = (change: (values: Line<'point'>['values']) => Line<'point'>['values']) =>
      changing('point', (line) => [{ ...line, values: change(line.values) }]);
    refused(
      () => edited(arms(({ base = {} }) => ({ base }))),
      () => edited(arms((values) => ({ ...values, reference: values['base'] ?? {} }))),
      () => edited(changing('point', () => [])),
    );
  }),
  row('A launch lacks one series of an arm, in a run whose budget has ended', 'INCONCLUSIVE', 'samples-contradictory', 'neighbour', () =>
    refused(
      ...['base', 'head'].map(
        (arm) => () =>
          edited(
            changing(
              'point',
              (line) => [{ ...line, values: { ...line.values, [arm]: { latency: line.values[arm]?.['latency'] ?? [] } } }],
              'screen-2',
            ),
          ),
      ),
    ),
  ),
  row('One confirming launch failed on the side of the base', 'INCONCLUSIVE', 'regressed', 'reported', () => {
    expect(run.outcome([...run.lines, ...failed('confirm-12', 12, 'base')])).toBe('regressed');
  }),
  row('Launches failed beside those that show a regression', 'FAILED', 'regressed', 'neighbour', () => {
    for (const arm of ['base', 'head', null] as const) {
      const more = Array.from({ length: 9 }, (_, at) => failed(`confirm-${12 + at}`, 12 + at, arm)).flat();
      expect(run.outcome([...run.lines, ...more])).toBe('regressed');
    }
  }),
  row('A launch that shows a regression is marked failed or discarded', 'INCONCLUSIVE', 'samples-contradictory', 'neighbour', () => {
    const ending = (fields: Partial<Line<'end'>>) => changing('end', (line) => [{ ...line, ...fields }], 'confirm-4');
    const error = { code: 'subject-crashed', message: 'it ended', arm: 'base' } as const;
    refused(
      () => edited(ending({ status: 'failed', error })),
      () => edited(ending({ status: 'failed' })),
      () => edited(ending({ status: 'discarded' })),
      () => edited(ending({ error })),
    );
  }),
  row('The budget is said to have ended a measurement that has none', 'INCONCLUSIVE', 'samples-contradictory', 'reported', () => {
    const early = run.lines.filter((line) => !('launch' in line) || !line.launch.includes('#confirm-'));
    refused(
      () => run.outcome([...early, { line: 'stopped', reason: 'budget' }]),
      () => run.outcome([...run.lines, { line: 'stopped', reason: 'budget' }]),
    );
  }),
  row('Launches stand after the line that says that measuring stopped', 'regressed', 'samples-contradictory', 'neighbour', () =>
    refused(() =>
      edited((line) => (isOf(line, 'confirm-0') && line.line === 'launch' ? [{ line: 'stopped', reason: 'interrupted' }, line] : [line])),
    ),
  ),
  row('The same lines stand twice', 'regressed', 'regressed', 'neighbour', () => {
    const settled = run.lines.filter(({ line }) => line === 'settled');
    expect(edited((line) => (line === settled[0] ? [line, line] : [line]))).toBe('regressed');
    expect(run.outcome([...run.lines, ...of('confirm-2'), ...of('screen-1')])).toBe('regressed');
  }),
  row('Whole launches are deleted', 'regressed', 'never passed', 'neighbour', () => {
    const ids = run.lines.flatMap((line) => (line.line === 'launch' ? [line.launch] : []));
    const without = (...gone: readonly string[]): string =>
      run.outcome(run.lines.filter((line) => !('launch' in line && gone.includes(line.launch))));
    for (const id of ids) expect(['regressed', 'samples-contradictory']).toContain(without(id));
    expect(without(...ids)).toBe('regressed');
    expect(without(...ids.filter((id) => id.includes('#confirm-')))).toBe('regressed');
  }),
  row(
    'A launch that the head failed is deleted, of a metric that the screening launches show to be better',
    'PASSED',
    'never passed',
    'neighbour',
    () => {
      const improved = run.lines.map((line): SampleLine => {
        if (line.line !== 'point') return line;
        const { base = {}, head = {} } = line.values;
        return { ...line, values: { base: head, head: base } };
      });
      const confirms = (line: SampleLine): boolean => 'launch' in line && line.launch.includes('#confirm-');
      expect(run.outcome(improved)).toBe('passed');
      const broken = [...improved.filter((line) => !isOf(line, 'confirm-8')), ...failed('confirm-8', 8, 'head')];
      expect(run.outcome(broken)).toBe('failed');
      expect(run.outcome(broken.slice(0, -1))).toBe('regressed');
      expect(run.outcome(broken.slice(0, -2))).toBe('regressed');
      expect(run.outcome(improved.filter((line) => !confirms(line)))).toBe('regressed');
    },
  ),
  row('Any one line is dropped, doubled, moved or altered, its numbers excepted', 'PASSED at times', 'never passed', 'neighbour', () => {
    const places = fc.nat({ max: run.lines.length - 1 });
    const odd = fc.constantFrom<unknown>(null, 0, 1, 99, 1000, '', 'base', 'head', 'confirm', 'screen', 'impact', 'unchanged', 'skipped');
    const more = fc.constantFrom<unknown>(
      'failed',
      'discarded',
      'live',
      'budget',
      [],
      {},
      ['no-meter: latency: none'],
      cellId,
      digest('1'),
    );
    fc.assert(
      fc.property(
        places,
        places,
        fc.nat(),
        fc.oneof(odd, more),
        fc.constantFrom('drop', 'double', 'move', 'alter'),
        (at, to, key, value, how) => {
          const line = run.lines[at];
          if (line === undefined) return;
          const others = run.lines.toSpliced(at, 1);
          const names = Object.keys(line).filter((name) => !['values', 'environment', 'at'].includes(name));
          const name = names[key % names.length] ?? 'line';
          const lines = {
            drop: others,
            double: run.lines.toSpliced(to, 0, line),
            move: others.toSpliced(to, 0, line),
            alter: run.lines.toSpliced(at, 1, { ...line, [name]: value } as SampleLine),
          }[how];
          expect(['passed', 'unchanged']).not.toContain(run.outcome(lines));
        },
      ),
      { numRuns: 150, seed: 1 },
    );
  }),
];

export const situations: readonly Situation[] = unchecked;
