import { describe, expect, it } from 'vitest';
import { remeasured } from '../../src/report/earlier.ts';
import { commentBody } from '../../src/report/markdown.ts';
import { summaryText } from '../../src/report/text.ts';
import { cell, context, metric, verdictOf } from './fixtures.ts';

const loss = { unit: 'nats/token', kind: 'exact', scale: 'linear', tolerance: 0.005, verdict: 'unchanged' } as const;
const cells = [
  cell('mini-a', 'own', 'unchanged', [
    metric('decode-latency', 'decode-b1', { base: 2.01, head: 2.01, earlier: 2, tolerance: 0.02 }),
    metric('cached-nll-delta', 'generation', { ...loss, base: 0.2, head: 0.2, earlier: 0.1 }),
    metric('nll-delta', 'text', { ...loss, base: 0.1, head: 0.1, earlier: null }),
    metric('kl', 'text', { ...loss, role: 'described', base: 0.1, head: 0.1, earlier: 0.3 }),
  ]),
];

describe('what other code of the gate measured', () => {
  it('stands beside what this run did, what moved first; only what gates', () => {
    expect(remeasured(verdictOf(cells)).map(({ metric: { id }, moved }) => [id, moved])).toEqual([
      ['cached-nll-delta', true],
      ['decode-latency', false],
    ]);
    const comment = commentBody(verdictOf(cells), context);
    expect(comment).toContain('#### Measured anew');
    expect(comment).toMatch(/`cached-nll-delta@generation` ↓ \| 0\.100 nats\/token \| \*\*0\.200 nats\/token\*\*/);
    expect(comment).toContain('1 metric of 2 moved beyond the tolerance');
    expect(summaryText(verdictOf(cells), { columns: 400, colour: false })).toMatch(
      /note: The gate's own measuring code .* cached-nll-delta@generation: 0\.100 nats\/token in the baseline, 0\.200 nats\/token now\./,
    );
  });

  it('is not spoken of where the same code measured both', () => {
    const same = verdictOf([cell('mini-a', 'own', 'unchanged', [metric('decode-latency', 'decode-b1', { base: 2, head: 2 })])]);
    expect(remeasured(same)).toEqual([]);
    expect(commentBody(same, context)).not.toContain('Measured anew');
    expect(summaryText(same, { columns: 400, colour: false })).not.toContain('measuring code');
  });
});
