import { describe, expect, it } from 'vitest';
import { failsJob } from '../../src/gate/run-verdict.ts';
import { verdict as verdictSchema } from '../../src/records/verdict.ts';
import { cell, planOf, policy, samplesOf, verdictOf } from './fixtures.ts';

describe('the plan of a change that is none', () => {
  const empty = planOf([], { base: null, warnings: ['Branch main cannot be fetched.'] });

  it('has a verdict of its own, which is no pass and fails no job', () => {
    const verdict = verdictOf(empty, samplesOf([]));
    expect(verdictSchema.parse(verdict)).toMatchObject({
      verdict: 'nothing-to-compare',
      exitCode: 0,
      summary: expect.stringMatching(/^Nothing to compare: /),
      cells: [],
      warnings: empty.warnings,
    });
    expect(failsJob(verdict, policy.failOn)).toBe(false);
  });
});

describe('the warnings of a plan', () => {
  it('stand before all others in the verdict', () => {
    const plan = planOf([cell('tiny/pruning', {})], { warnings: ['Branch main cannot be fetched.'] });
    expect(verdictOf(plan, samplesOf([])).warnings[0]).toBe('Branch main cannot be fetched.');
  });
});
