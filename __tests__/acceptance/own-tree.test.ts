import { afterAll, describe, expect, it } from 'vitest';
import { builtinOptimizations } from '../../src/optimizations/registry.ts';
import { Clone, verdictsOf } from '../mutants/clone.ts';

/**
 * The committed program on a fresh clone of this repository: a clean tree passes, a worse importance and a smaller ratio are
 * regressions of the right metrics, a broken option is a usage error.
 */
const clone = new Clone();
afterAll(() => clone.remove());

describe('this repository, gated by itself', () => {
  it('passes as it is, and measures what each optimization does', async () => {
    const ended = await clone.gate('clean');
    expect(ended.status, ended.errors).toBe(0);
    const cells = ended.report?.cells ?? [];
    expect(cells).toHaveLength(4 * builtinOptimizations.length);
    expect(new Set(cells.map(({ verdict }) => verdict))).toEqual(new Set(['unchanged']));
    for (const cell of cells) {
      for (const metric of cell.metrics)
        expect(metric.head === null && metric.reason === null, `${cell.model}/${cell.optimization} ${metric.id}`).toBe(false);
    }
  });

  it('sees that pruning by magnitude costs quality, on the models it hurts', async () => {
    const ended = await clone.gate(
      'magnitude',
      '--set',
      'optimizations.structured-pruning.with.importance=magnitude',
      '--optimizations',
      'structured-pruning',
    );
    expect(ended.status, ended.errors).toBe(1);
    const quality = verdictsOf(ended, 'nll-delta');
    for (const model of ['mini-qwen3-dense', 'mini-qwen3-moe', 'mini-glm4-moe-lite'])
      expect(quality[`${model}/structured-pruning evaluation`]).toBe('regressed');
    expect(ended.text).toContain('nll-delta');
    expect(verdictsOf(ended, 'model-size')['mini-qwen3-dense/structured-pruning inspection']).toBe('passed');
  });

  it('sees that pruning less costs size, work and time, and gains quality', async () => {
    const ended = await clone.gate(
      'ratio',
      '--set',
      'optimizations.structured-pruning.with.ratio=0.10',
      '--optimizations',
      'structured-pruning',
    );
    expect(ended.status, ended.errors).toBe(1);
    const dense = 'mini-qwen3-dense/structured-pruning';
    expect(verdictsOf(ended, 'model-size')[`${dense} inspection`]).toBe('regressed');
    expect(verdictsOf(ended, 'macs-per-token')[`${dense} inspection`]).toBe('regressed');
    expect(verdictsOf(ended, 'prefill-latency')[`${dense} prefill-256`]).toBe('regressed');
    expect(verdictsOf(ended, 'nll-delta')[`${dense} evaluation`]).toBe('improved');
  });

  it('refuses a broken option, saying where and what is allowed', async () => {
    const ended = await clone.gate('broken', '--set', 'optimizations.structured-pruning.with.importance=magic');
    expect(ended.status).toBe(2);
    expect(ended.errors).toContain('importance');
    expect(ended.errors).toContain('magnitude');
  });
});
