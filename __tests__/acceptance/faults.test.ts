import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { builtinOptimizations } from '../../src/optimizations/registry.ts';
import { Clone, verdictsOf } from './clone.ts';
import { faults } from './faults.ts';

const clone = new Clone();
afterEach(() => clone.mend());
afterAll(() => clone.remove());

describe('a mistake in an optimization, committed with the program that it is built into', () => {
  it('is listed for every optimization that has code', () => {
    const judged = builtinOptimizations.filter(({ benchmark }) => benchmark.needs.length > 0).map(({ benchmark }) => benchmark.id);
    expect(new Set(faults.map(({ optimization }) => optimization))).toEqual(new Set(judged));
  });

  it.each(faults.map((fault) => [fault.optimization, fault.what, fault] as const))('%s: %s', (optimization, what, fault) => {
    clone.break(fault);
    const ended = clone.gate(
      what.replaceAll(/\W+/g, '-'),
      '--models',
      'mini-qwen3-dense',
      '--optimizations',
      optimization,
      '--base',
      'HEAD',
    );
    const found = fault.metrics.flatMap((metric) => Object.values(verdictsOf(ended, metric)));
    expect(found, `${ended.errors}\n${ended.text}`).toContain('regressed');
    expect(ended.status).toBe(1);
  });
});
