import { expect, it } from 'vitest';
import type { MetricVerdict } from '../../src/records/verdict.ts';
import { againstReference, referenceText } from '../../src/report/impact.ts';
import { commentBody } from '../../src/report/markdown.ts';
import { indexHtml } from '../../src/report/page/page.ts';
import { cell, context, metric, verdictOf } from './fixtures.ts';

const values = (count: number, value: number): readonly number[] => Array.from({ length: count }, () => value);

/** Confirming launches run without the reference: its 0.515 ms are those of other launches than base's 0.619 ms and head's 0.609 ms. */
const confirmed = (reference: number, own: number, gains: readonly number[], more: Partial<MetricVerdict> = {}): MetricVerdict =>
  metric('decode-latency', 'decode-b1', {
    verdict: 'passed',
    reference: 0.515,
    base: 0.619,
    head: 0.609,
    change: { estimate: -0.016, lower: -0.02, upper: -0.01 },
    samples: {
      reference: values(reference, 0.515),
      base: values(own, 0.619),
      head: values(own, 0.609),
      change: [],
      gains: { base: [], head: gains },
    },
    ...more,
  });

const shown = (found: MetricVerdict): readonly string[] => {
  const verdict = verdictOf([cell('mini', 'own', 'passed', [found])]);
  const evidence = { history: new Map(), traces: [] };
  return [commentBody(verdict, context), indexHtml(verdict, context, evidence)];
};

it('the reference stands beside base and head only where the same launches gave all three', () => {
  const mixed = confirmed(3, 12, [1.01, 1.012, 1.009]);
  expect(referenceText(cell('mini', 'own', 'passed', [mixed]), mixed)).toBe('head 1.01× faster');
  const [comment = '', page = ''] = shown(mixed);
  for (const text of [comment, page]) expect(text).not.toMatch(/0\.515|515 µs/);
  expect(comment).toContain('| head 1.01× faster | 0.619 ms | 0.609 ms |');
  expect(page).toContain('head 1.01× faster');
});

it('and does where they did: each row agrees with itself', () => {
  const together = confirmed(3, 3, [0.846, 0.846, 0.846]);
  expect(referenceText(cell('mini', 'own', 'passed', [together]), together)).toBe('0.515 ms');
  for (const text of shown(together)) expect(text).toContain('0.515 ms');
});

it('nothing is divided by a number of other launches', () => {
  const none = confirmed(3, 12, []);
  const varying = confirmed(3, 12, [], { kind: 'exact' });
  for (const found of [none, varying]) {
    const own = cell('mini', 'own', 'passed', [found]);
    expect([referenceText(own, found), againstReference(own, found)]).toEqual(['–', '–']);
  }
  expect(againstReference(cell('mini', 'own', 'passed', []), confirmed(3, 3, [], { kind: 'exact' }))).toBe('+18.3 %');
});
