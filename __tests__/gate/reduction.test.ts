import { expect, it } from 'vitest';
import { roundsOf } from '../../src/gate/reduction.ts';
import type { Reduction } from '../../src/records/metric.ts';

type Against = Extract<Reduction, { of: 'against' }>;
const against = (as: Against['as']): Against => ({ of: 'against', arm: 'reference', point: 'p', series: 's', over: 'median', as });
const columns = { reference: { s: [4, 2] }, head: { s: [5, 1] } };

it.each([
  ['difference', [1, -1]],
  ['speed-up', [0.8, 2]],
  ['ratio', [1.25, 0.5]],
  ['percent-removed', [-25, 50]],
  ['percent-added', [25, -50]],
  ['percent-kept', [100 * Math.exp(-1), 100 * Math.exp(1)]],
] as const)('compares round by round: %s', (as, expected) => {
  const found = roundsOf(columns, against(as), 'head');
  expect(found.status).not.toBe('absent');
  expect(found.status === 'absent' ? [] : found.value).toEqual(expected.map((value) => expect.closeTo(value, 12)));
});

it('has no share of nothing', () => {
  const nothing = { reference: { s: [0] }, head: { s: [1] } };
  for (const as of ['ratio', 'percent-removed', 'percent-added'] as const)
    expect(roundsOf(nothing, against(as), 'head')).toMatchObject({
      status: 'absent',
      reason: 's of reference is zero, so there is no ratio',
    });
});
