import { expect, it } from 'vitest';
import { byImportance } from '../../src/records/severity.ts';
import type { MetricVerdict } from '../../src/records/verdict.ts';

const changed = (
  id: string,
  unit: string,
  estimate: number | null,
  tolerance: number,
  better: MetricVerdict['better'] = 'lower',
): Parameters<typeof byImportance>[0] & { readonly id: string } => ({
  id,
  unit,
  better,
  tolerance,
  change: estimate === null ? null : { estimate, lower: null, upper: null },
});

const size = changed('size', 'bytes', 0.005, 0.001);
const macs = changed('macs', 'multiply-adds', 0.5, 0.001);
const slow = changed('slow', 'ms', 0.03, 0.02);
const rate = changed('rate', 'requests/s', -0.1, 0.02, 'higher');
const loss = changed('loss', 'nats/token', 0.3, 0.005);
const unknown = changed('unknown', 'ms', null, 0.02);
const any = changed('any', 'x', 1e-5, 0);

it('puts a slowdown before a larger file, and of two the one that is worse by more tolerances first, whatever its direction', () => {
  const all = [size, unknown, slow, macs, loss, rate];
  expect(all.toSorted((a, b) => byImportance(a, b)).map(({ id }) => id)).toEqual(['loss', 'rate', 'slow', 'unknown', 'macs', 'size']);
  expect(byImportance(any, slow)).toBeLessThan(0);
});

it('turns the order of changes round for what became better', () => {
  const [much, little] = [changed('much', 'ms', -0.3, 0.02), changed('little', 'ms', -0.05, 0.02)];
  const smaller = changed('smaller', 'bytes', -0.9, 0.001);
  const order = [little, smaller, much].toSorted((a, b) => byImportance(a, b, 'better')).map(({ id }) => id);
  expect(order).toEqual(['much', 'little', 'smaller']);
});
