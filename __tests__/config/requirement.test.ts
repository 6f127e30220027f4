import { describe, expect, it } from 'vitest';
import { requirementFlaws, requirementOf } from '../../src/config/requirement.ts';
import { parseConfig } from '../testkit/config.ts';
import { refusal } from './refusal.ts';

const gate = (require: string, more = '') => parseConfig(`gate: { require: { ${require} }${more} }\n`, 'gate.yml').gate;
const metric = (id: string, unit: string, cells = ['mini/pruning'], more = {}) => ({
  id,
  unit,
  cells,
  sampled: true,
  scored: id === 'nll-delta',
  ...more,
});

describe('requirementOf', () => {
  it.each([
    ['"<= 0.3"', { must: 'at-most', bound: 0.3 }],
    ['"≤0.3 nats/token"', { must: 'at-most', bound: 0.3 }],
    ['">= -1e-3"', { must: 'at-least', bound: -0.001 }],
    ['"≥ 2"', { must: 'at-least', bound: 2 }],
  ])('reads %s', (text, expected) => {
    expect(requirementOf(gate(`nll-delta: ${text}`), metric('nll-delta', 'nats/token'))).toEqual(expected);
  });

  it.each([
    ['model-size', 'bytes', '60 MiB', 60 * 2 ** 20],
    ['prefill-latency', 'ms', '1.5 s', 1500],
    ['prefill-latency', 'ms', '250µs', 0.25],
    ['prefill-speedup', '×', '1.1 x', 1.1],
    ['prefill-speedup', '×', '1.1×', 1.1],
    ['sparsity', '%', '50 %', 50],
  ])('of %s in %s, %s is in the unit of the metric', (id, unit, amount, bound) => {
    expect(requirementOf(gate(`${id}: "<= ${amount}"`), metric(id, unit))?.bound).toBeCloseTo(bound, 9);
  });

  it('takes the most specific key, as tolerances do', () => {
    const rules = gate('nll-delta: "<= 0.3", "mini/*/nll-delta": "<= 0.7", "mini/pruning/nll-delta": "<= 0.9"');
    expect(requirementOf(rules, metric('nll-delta', 'nats/token'))?.bound).toBe(0.9);
    expect(requirementOf(rules, metric('nll-delta', 'nats/token', ['mini/svd']))?.bound).toBe(0.7);
    expect(requirementOf(rules, metric('nll-delta', 'nats/token', ['other/svd']))?.bound).toBe(0.3);
    expect(requirementOf(rules, metric('model-size', 'bytes'))).toBeNull();
  });
});

describe('what is refused', () => {
  it.each(['"0.3"', '0.3', '"< 0.3"', '"= 1"', '"<= 3 4"', '"<= "', '"<= 0.3, >= 0.1"', '[]'])('%s is no bound', (text) => {
    expect(refusal(() => gate(`nll-delta: ${text}`))).toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('must be a bound such as "<= 0.3" or ">= 1.1"'),
    });
  });

  it.each([
    ['nll-dlta: "<= 0.3"', '', 'config-unknown-key', 'Did you mean "nll-delta"?'],
    ['model-size: "<= 60 ms"', '', 'config-invalid', 'Expected a bound of "model-size" in bytes, got "<= 60 ms".'],
    ['improvement: ">= 1"', '', 'config-invalid', 'is a figure over other metrics'],
    ['nll-delta: "<= 0.3"', ', quality: none', 'config-invalid', '`gate.quality: none` scores nothing'],
  ])('%s%s is a flaw of its place', (require, more, code, message) => {
    const metrics = [metric('nll-delta', 'nats/token'), metric('model-size', 'bytes'), metric('improvement', '×', [], { sampled: false })];
    expect(requirementFlaws(gate(require, more), metrics).map(({ error }) => error)).toMatchObject([
      { code, message: expect.stringContaining(message), where: expect.stringMatching(/^gate\.yml:1:\d+$/) },
    ]);
    expect(requirementFlaws(gate('nll-delta: "<= 0.3"'), metrics)).toEqual([]);
  });
});
