import { describe, expect, it } from 'vitest';
import { ineffective } from '../../src/gate/ineffective.ts';
import { type JudgedMetric, metricVerdictOf } from '../../src/gate/judged-metric.ts';
import type { MetricSpec } from '../../src/records/metric.ts';

const exact = (id: string, head: number, reference: number | null = null, from?: MetricSpec['from']): JudgedMetric =>
  metricVerdictOf(
    {
      id,
      unit: '×',
      better: 'higher',
      kind: 'exact',
      role: 'described',
      scale: 'log',
      from: from ?? { of: 'series', point: 'inspection', series: id, over: 'last' },
      identity: 'artefact',
      tolerance: 0.001,
    },
    { head, reference },
  );
const speedUp = { of: 'against', arm: 'reference', series: 'wall-ms', over: 'median', as: 'speed-up' } as const;
const speed = (point: string, head: number): JudgedMetric =>
  metricVerdictOf(
    {
      id: 'prefill-speedup',
      unit: '×',
      better: 'higher',
      kind: 'timing',
      role: 'described',
      scale: 'log',
      from: { ...speedUp, point },
      identity: 'artefact',
      tolerance: 0.02,
    },
    { head },
  );
const possible = (head: number): JudgedMetric => exact('theoretical-speedup', head, 1, { ...speedUp, point: 'inspection' });

describe('what is sparser and not faster', () => {
  it('is said with the best speed-up and what was possible', () => {
    expect(ineffective([exact('sparsity', 50), possible(1.65), speed('prefill', 1.004), speed('decode', 0.97)])).toEqual([
      'ineffective: sparser, not faster: sparsity 50.0 %, but the best prefill-speedup is 1.00 × (prefill) of a possible 1.65 ×',
    ]);
    expect(ineffective([exact('sparsity', 50), possible(1.65), speed('prefill', 1.09)])).toEqual([
      expect.stringMatching(/^ineffective: sparser, hardly faster: .* 1\.09 × \(prefill\) of a possible 1\.65 ×$/),
    ]);
    expect(ineffective([exact('sparsity', 50), possible(1.65), speed('prefill', 1.3)])).toEqual([]);
  });

  it('is not talked away by a ratio that is no time: of sizes, or of multiply-adds', () => {
    const sizes = exact('compression-ratio', 1.4, 1, { ...speedUp, point: 'inspection', series: 'bytes' });
    expect(ineffective([exact('removed-fraction', 30), sizes, speed('prefill', 1)])).toEqual([
      'ineffective: smaller, not faster: removed-fraction 30.0 %, but the best prefill-speedup is 1.00 × (prefill)',
    ]);
    expect(ineffective([exact('removed-fraction', 30), sizes, speed('prefill', 1.2)])).toEqual([]);
  });

  it('needs something removed, and times', () => {
    expect(ineffective([exact('sparsity', 0.2), speed('prefill', 1)])).toEqual([]);
    expect(ineffective([exact('sparsity', 50), possible(1.65)])).toEqual([]);
  });
});

it('names a compression that is none', () => {
  expect(ineffective([exact('compression-ratio', 0.8)])).toEqual([
    'ineffective: not compressed: the files are 1.250 × those of the reference model',
  ]);
  expect(ineffective([exact('compression-ratio', 1)])).toEqual([
    'ineffective: not compressed: the files are as large as the reference model',
  ]);
  expect(ineffective([exact('compression-ratio', 1.01)])).toEqual([]);
});
