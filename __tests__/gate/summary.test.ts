import { describe, expect, it } from 'vitest';
import { summaryOf } from '../../src/gate/summary.ts';
import type { CellVerdict, MetricVerdict, VerdictKind } from '../../src/records/verdict.ts';
import { cell, metric } from '../report/fixtures.ts';

const changed = (id: string, unit: string, estimate: number, tolerance: number, more: Partial<MetricVerdict> = {}): MetricVerdict =>
  metric(id, 'p', { unit, verdict: 'regressed', change: { estimate, lower: null, upper: null }, tolerance, ...more });

const larger = changed('model-size', 'bytes', 0.005, 0.001, { kind: 'exact' });
const slower = changed('decode-latency', 'ms', 0.031, 0.02);
const crash = 'error[subject-crashed] of head: The program ended with exit status 1 without an answer. Its last output: boom';

type Run = 'regressed' | 'failed' | 'inconclusive' | 'passed';
const summary = (verdict: Run, cells: readonly CellVerdict[]): string => summaryOf({ verdict, exitCode: 1 }, cells, []);
const broken = (model: string, kind: VerdictKind = 'failed'): CellVerdict =>
  cell(model, 'own', kind, [metric('latency', 'p', { verdict: kind, reason: crash })], { reason: crash });

describe('the headline', () => {
  it('names a slowdown before a larger file, although the file is worse by more tolerances', () => {
    expect(summary('regressed', [cell('a', 'x', 'regressed', [larger]), cell('b', 'x', 'regressed', [slower, larger])])).toBe(
      'Regressed: decode-latency +3.1 % in b/x and 2 more metrics',
    );
    expect(summary('regressed', [cell('a', 'x', 'regressed', [larger])])).toBe('Regressed: model-size +0.5 % in a/x');
  });

  it('counts what failed beside a regression, and tells why where nothing is worse', () => {
    const regressed = cell('c', 'x', 'regressed', [slower]);
    expect(summary('regressed', [broken('a'), broken('b'), regressed])).toBe('Regressed: decode-latency +3.1 % in c/x; 2 cells failed');
    expect(summary('failed', [broken('a'), broken('b')])).toBe(
      'Failed: a/own and 1 more cell: The program ended with exit status 1 without an answer (subject-crashed)',
    );
    expect(summary('regressed', [broken('a', 'missing'), broken('b')])).toBe(
      'Regressed: a/own missing: The program ended with exit status 1 without an answer (subject-crashed); b/own failed: The program ended with exit status 1 without an answer (subject-crashed)',
    );
  });

  it('says one cause of an undecided run once, with no output of a program in it', () => {
    expect(summary('inconclusive', [broken('a', 'inconclusive'), broken('b', 'inconclusive')])).toBe(
      'Inconclusive: a/own and 1 more cell: The program ended with exit status 1 without an answer (subject-crashed)',
    );
    const open = (metric: MetricVerdict): MetricVerdict => ({ ...metric, verdict: 'inconclusive', reason: 'the machine was busy' });
    const undecided = [cell('a', 'x', 'inconclusive', [open(larger), open(slower)])];
    expect(summary('inconclusive', undecided)).toBe('Inconclusive: decode-latency +3.1 % in a/x and 1 more metric: the machine was busy');
    expect(summary('passed', undecided)).toBe('Passed: none of the gating metrics regressed; 2 metrics in 1 cell undecided');
  });

  it('is one line, however long a reason is', () => {
    const long = cell('a', 'x', 'failed', [], { reason: `error[build-failed] of head: ${'word '.repeat(400)}\nmore` });
    expect(summary('failed', [long])).toMatch(/^Failed: a\/x: word .* \(build-failed\)$/);
    expect(summary('failed', [long]).length).toBeLessThan(250);
  });
});
