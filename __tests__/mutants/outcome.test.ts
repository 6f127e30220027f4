import { describe, expect, it } from 'vitest';
import type { ReportDocument } from '../../src/report/document.ts';
import { outcomeOfMutant, outcomeOfPlacebo } from './outcome.ts';

type Cell = ReportDocument['cells'][number];
const cell = (verdict: Cell['verdict'], metrics: Readonly<Record<string, string | null>>): Cell =>
  ({ verdict, metrics: Object.entries(metrics).map(([id, each]) => ({ id, verdict: each })) }) as unknown as Cell;
const mutant = { noticedBy: ['nll-delta', 'build'] } as const;

describe('the outcome of a mutant', () => {
  it('is caught where a metric that must notice it has regressed', () => {
    const cells = [cell('regressed', { 'nll-delta': 'regressed', 'model-size': 'regressed', energy: null })];
    expect(outcomeOfMutant(mutant, cells)).toEqual({ kind: 'caught', by: 'nll-delta' });
    expect(outcomeOfMutant(mutant, [cell('failed', {})])).toEqual({ kind: 'caught', by: 'build' });
  });

  it('is another where only others have, and missed where none has, or nothing was reported', () => {
    expect(outcomeOfMutant(mutant, [cell('regressed', { 'model-size': 'regressed' })]).kind).toBe('caught-by-another');
    expect(outcomeOfMutant(mutant, [cell('improved', { 'nll-delta': 'improved' })])).toEqual({ kind: 'missed', by: 'improved' });
    expect(outcomeOfMutant(mutant, [])).toEqual({ kind: 'missed', by: 'no report' });
  });
});

describe('the outcome of a placebo', () => {
  it('is left alone where no metric moved', () => {
    expect(outcomeOfPlacebo([cell('passed', { 'nll-delta': 'passed', energy: null })])).toEqual({ kind: 'left-alone', by: 'passed' });
  });

  it.each([
    ['a regression', [cell('regressed', { 'nll-delta': 'regressed' })], 'nll-delta'],
    ['an improvement', [cell('improved', { 'model-size': 'improved' })], 'model-size'],
    ['a build that fails', [cell('failed', {})], 'build'],
    ['no report', [], 'no report'],
  ] as const)('is disturbed by %s', (_, cells, by) => {
    expect(outcomeOfPlacebo(cells)).toEqual({ kind: 'disturbed', by });
  });
});
