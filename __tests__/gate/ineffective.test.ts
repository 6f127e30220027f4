import { describe, expect, it } from 'vitest';
import { ineffective } from '../../src/gate/ineffective.ts';
import { type JudgedMetric, metricVerdictOf } from '../../src/gate/judged-metric.ts';
import { findBenchmark } from '../../src/optimizations/registry.ts';
import type { Claim } from '../../src/records/claim.ts';
import type { MetricSpec } from '../../src/records/metric.ts';
import { textFacts } from '../testkit/model-facts.ts';

const exact = (id: string, head: number, reference: number | null = null, from?: MetricSpec['from'], unit = '×'): JudgedMetric =>
  metricVerdictOf(
    {
      id,
      unit,
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
const percent = (id: string, head: number): JudgedMetric => exact(id, head, null, undefined, '%');
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

/** What the benchmark of a built-in claims. */
const claimsOf = (id: string): readonly Claim[] => {
  const benchmark = findBenchmark(id);
  return benchmark?.workload(textFacts, benchmark.options.parse({}, id)).claims ?? [];
};
const [zeros, factors] = [claimsOf('sparse-network'), claimsOf('tensor-decomposition')];

describe('what is sparser and not faster', () => {
  it('is said with the best speed-up and what was possible', () => {
    expect(ineffective([percent('sparsity', 50), possible(1.65), speed('prefill', 1.004), speed('decode', 0.97)], zeros)).toEqual([
      'ineffective: sparser, not faster: sparsity 50.0 %, but the best prefill-speedup is 1.00 × (prefill) of a possible 1.65 ×',
    ]);
    expect(ineffective([percent('sparsity', 50), possible(1.65), speed('prefill', 1.09)], zeros)).toEqual([
      expect.stringMatching(/^ineffective: sparser, hardly faster: .* 1\.09 × \(prefill\) of a possible 1\.65 ×$/),
    ]);
    expect(ineffective([percent('sparsity', 50), possible(1.65), speed('prefill', 1.3)], zeros)).toEqual([]);
  });

  it('is not talked away by a ratio that is no time: of sizes, or of multiply-adds', () => {
    const sizes = exact('compression-ratio', 1.4, 1, { ...speedUp, point: 'inspection', series: 'bytes' });
    expect(ineffective([percent('removed-fraction', 30), sizes, speed('prefill', 1)], factors)).toEqual([
      'ineffective: smaller, not faster: removed-fraction 30.0 %, but the best prefill-speedup is 1.00 × (prefill)',
    ]);
    expect(ineffective([percent('removed-fraction', 30), sizes, speed('prefill', 1.2)], factors)).toEqual([]);
  });

  it('needs something removed, and times', () => {
    expect(ineffective([percent('sparsity', 0.2), speed('prefill', 1)], zeros)).toEqual([]);
    expect(ineffective([percent('sparsity', 50), possible(1.65)], zeros)).toEqual([]);
  });
});

it('names a compression that is none', () => {
  expect(ineffective([exact('compression-ratio', 0.8)], factors)).toEqual([
    'ineffective: not compressed: the files are 1.250 × those of the reference model',
  ]);
  expect(ineffective([exact('compression-ratio', 1)], factors)).toEqual([
    'ineffective: not compressed: the files are as large as the reference model',
  ]);
  expect(ineffective([exact('compression-ratio', 1.01)], factors)).toEqual([]);
});

describe('what its comparator dominates', () => {
  const against = (id: string, head: number, scale: 'log' | 'linear', better: 'lower' | 'higher', tolerance: number): JudgedMetric =>
    metricVerdictOf(
      {
        id,
        unit: scale === 'log' ? '×' : 'nats/token',
        better,
        kind: 'exact',
        role: 'described',
        scale,
        from: { of: 'series', point: 'p', series: id, over: 'last' },
        identity: 'artefact',
        tolerance,
      },
      { head },
    );
  const compared = (loss: number, bytes: number, speed: number): readonly JudgedMetric[] => [
    against('nll-over-fixed-window', loss, 'linear', 'lower', 0.005),
    against('kv-bytes-over-fixed-window', bytes, 'log', 'lower', 0.001),
    against('speed-over-fixed-window', speed, 'log', 'higher', 0.02),
  ];
  const claims = claimsOf('sparse-attention');

  it('is said: as good in everything, better in something', () => {
    expect(ineffective(compared(0.02, 1.2, 0.9), claims)).toEqual([
      'ineffective: dominated: the same window in every layer is as good in everything and better in these: nll-over-fixed-window 0.0200 nats/token, kv-bytes-over-fixed-window 1.20 ×, speed-over-fixed-window 0.900 ×',
    ]);
    expect(ineffective(compared(0.004, 1, 0.9), claims)).toEqual([
      expect.stringMatching(/better in this: speed-over-fixed-window 0\.900 ×$/),
    ]);
  });

  it('is not said of one that buys something, is alike, or is not known', () => {
    expect(ineffective(compared(-0.01, 1.2, 0.9), claims)).toEqual([]);
    expect(ineffective(compared(0.02, 0.8, 0.9), claims)).toEqual([]);
    expect(ineffective(compared(0, 1, 1.01), claims)).toEqual([]);
    expect(ineffective(compared(0.02, 1.2, 0.9).slice(0, 2), claims)).toEqual([]);
  });
});

describe('a claim', () => {
  const gone = exact('parameters', 70, 100);

  it('is that of the benchmark: what makes no model smaller claims no speed', () => {
    expect(claimsOf('modular-components')).toEqual([]);
    expect(ineffective([gone, speed('prefill', 1)], [])).toEqual([]);
    expect(ineffective([gone, speed('prefill', 1)], claimsOf('structured-pruning'))).toEqual([
      'ineffective: smaller, not faster: parameters −30.0 %, but the best prefill-speedup is 1.00 × (prefill)',
    ]);
  });

  it('reads the metrics that it names, whatever they are called', () => {
    const claims: readonly Claim[] = [
      { of: 'faster', removed: [{ metric: 'merged-tokens', word: 'shorter' }], possible: 'fewer-tokens' },
      { of: 'compressed', ratio: 'packing' },
    ];
    const own = [percent('merged-tokens', 40), exact('fewer-tokens', 1.7), speed('prefill', 1.05), exact('packing', 0.5)];
    expect(ineffective(own, claims)).toEqual([
      'ineffective: shorter, hardly faster: merged-tokens 40.0 %, but the best prefill-speedup is 1.05 × (prefill) of a possible 1.70 ×',
      'ineffective: not compressed: the files are 2.000 × those of the reference model',
    ]);
    expect(ineffective([percent('sparsity', 50), exact('compression-ratio', 0.5), speed('prefill', 1)], claims)).toEqual([]);
  });
});
