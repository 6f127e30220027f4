import { describe, expect, it } from 'vitest';
import type { CellVerdict, MetricVerdict } from '../../src/records/verdict.ts';
import { annotations } from '../../src/report/annotations.ts';
import { causeOf, someNames } from '../../src/report/cause.ts';
import { failures, undecidedCells, undecidedMetrics } from '../../src/report/failure.ts';
import { commentBody } from '../../src/report/markdown.ts';
import { cellRemarks, metricRemarks, runRemarks } from '../../src/report/remark.ts';
import { summaryText } from '../../src/report/text.ts';
import { cell, context, metric, verdictOf } from './fixtures.ts';

const models = ['mini-a', 'mini-b', 'mini-c'];

const crash = (model: string): string =>
  `error[subject-crashed] of head: The program ended with exit status 1. Its last output: /tmp/tree-${model}/x.py:12 boom (at ${model}/own)`;

const without = (verdict: 'failed' | 'inconclusive', reason: string): readonly MetricVerdict[] =>
  ['latency', 'rate', 'size'].map((id) => metric(id, 'rounds', { verdict, state: verdict === 'failed' ? 'failed' : 'no-base', reason }));

const crashed = (model: string): CellVerdict => cell(model, 'own', 'failed', without('failed', crash(model)), { reason: crash(model) });

const text = (cells: readonly CellVerdict[], warnings: readonly string[] = []): string =>
  summaryText(verdictOf(cells, { warnings }), { columns: 200, colour: false });

const occurrences = (where: string, what: string): number => where.split(what).length - 1;

describe('one cause is said once', () => {
  const cells = models.map(crashed);

  it('for a program that crashes on every model, not once per cell or metric', () => {
    const [only, ...others] = failures(verdictOf(cells));
    expect(others).toEqual([]);
    expect(only).toMatchObject({ kind: 'failed', metrics: [], cells: cells.map(({ id }) => ({ id })) });
    const shown = text(cells);
    expect(occurrences(shown, 'boom')).toBe(1);
    expect(shown).toContain('! mini-a/own, mini-b/own and 1 more failed: error[subject-crashed]');
    const comment = commentBody(verdictOf(cells), context).split('<details>')[0] ?? '';
    expect(occurrences(comment, 'boom')).toBe(1);
    expect(comment).toContain('`mini-a/own`, `mini-b/own` and `mini-c/own` **failed**');
    expect(annotations(verdictOf(cells)).map(({ title }) => title)).toEqual(['Failed: mini-a/own, mini-b/own and 1 more']);
  });

  it('and not for what only looks alike', () => {
    const other = 'error[subject-crashed] of head: The program ended with exit status 1. Its last output: bang';
    const two = verdictOf([crashed('mini-a'), cell('mini-b', 'own', 'failed', without('failed', other), { reason: other })]);
    expect(failures(two).map(({ cells: [{ id }] }) => id)).toEqual(['mini-a/own', 'mini-b/own']);
    const late = verdictOf([crashed('mini-a'), cell('mini-b', 'own', 'missing', [], { reason: crash('mini-b') })]);
    expect(failures(late).map(({ kind }) => kind)).toEqual(['failed', 'missing']);
  });

  it('for base, which leaves all metrics of its cells undecided', () => {
    const why = (model: string): string => `base failed, so there is nothing to compare with: ${crash(model).replace('head', 'base')}`;
    const undecided = models.map((model) =>
      cell(model, 'own', 'inconclusive', without('inconclusive', why(model)), { reason: why(model) }),
    );
    const verdict = verdictOf(undecided);
    expect(undecidedCells(verdict).map((each) => each.cells.map(({ id }) => id))).toEqual([['mini-a/own', 'mini-b/own', 'mini-c/own']]);
    expect(undecidedMetrics(verdict)).toEqual([]);
    expect(occurrences(text(undecided), 'boom')).toBe(1);
    expect(text(undecided)).toContain('What to do: Read its last output');
    expect(occurrences(commentBody(verdict, context).split('<details>')[0] ?? '', 'boom')).toBe(1);
  });

  it('for undecided metrics, each with its own number', () => {
    const open = (id: string, estimate: number): MetricVerdict =>
      metric(id, 'p', {
        verdict: 'inconclusive',
        change: { estimate, lower: null, upper: null },
        reason: 'it may be worse, not confirmed',
      });
    const cells = models.map((model, at) => cell(model, 'own', 'inconclusive', [open('latency', (at + 1) / 100)]));
    const line = text(cells)
      .split('\n')
      .filter((each) => each.startsWith('?'));
    expect(line).toEqual([
      '? it may be worse, not confirmed: mini-c/own latency@p +3.00 %, mini-b/own latency@p +2.00 % and 1 more metric',
    ]);
    const rows = commentBody(verdictOf(cells), context)
      .split('\n')
      .filter((row) => row.startsWith('| `mini-') && row.includes('latency'))
      .slice(0, 3);
    expect(rows.map((row) => row.split(' | ').at(-1))).toEqual(['it may be worse, not confirmed |', 'as above |', 'as above |']);
  });
});

describe('a warning of many cells or points is one line', () => {
  const drifting = (id: string, point: string, launches: number): MetricVerdict =>
    metric(id, point, { warnings: [`in ${launches} of 12 launches, the rounds drift`] });
  const cells = models.map((model, at) =>
    cell(model, 'own', 'passed', [drifting('latency', 'b1', 7 + at), drifting('latency', 'b8', 9)], {
      warnings: [`its edit does not matter to ${model}/own`],
    }),
  );

  it('with how many there are', () => {
    const verdict = verdictOf(cells, { warnings: ['model 1 was edited', 'model 2 was edited', 'quick'] });
    expect(runRemarks(verdict)).toMatchObject([
      { text: 'model 1 was edited', times: 2 },
      { text: 'quick', times: 1 },
    ]);
    expect(cellRemarks(verdict)).toMatchObject([{ cells: ['mini-a/own', 'mini-b/own', 'mini-c/own'], times: 3 }]);
    expect(metricRemarks(verdict)).toMatchObject([{ metrics: ['latency@b1', 'latency@b8'], times: 6 }]);
    const notes = text(cells, verdict.warnings)
      .split('\n')
      .filter((line) => line.startsWith('note: '));
    expect(notes).toEqual([
      'note: model 1 was edited (2 times)',
      'note: quick',
      'note: mini-a/own, mini-b/own and 1 more: its edit does not matter to mini-a/own',
    ]);
    const comment = commentBody(verdict, context);
    expect(comment).toContain(
      '- `latency@b1` and `latency@b8` of `mini-a/own`, `mini-b/own` and `mini-c/own`: in 7 of 12 launches, the rounds drift',
    );
    expect(occurrences(comment, 'rounds drift')).toBe(1);
  });
});

it('a cause is what a text says without model, place and figures, but with days', () => {
  expect(causeOf('mini-a took 3 s in /a/b.py', 'mini-a')).toBe(causeOf('mini-b took 4 s in /c/d.py', 'mini-b'));
  expect(causeOf('measured on 2026-11-30', null)).not.toBe(causeOf('measured on 2026-11-29', null));
});

it('names as many as asked and counts the others', () => {
  expect(someNames(['a'], 2)).toBe('a');
  expect(someNames(['a', 'b'], 2)).toBe('a and b');
  expect(someNames(['a', 'b', 'c'], 4)).toBe('a, b and c');
  expect(someNames(['a', 'b', 'c', 'a'], 2)).toBe('a, b and 1 more');
});
