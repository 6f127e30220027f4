import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Launch } from '../../src/records/sample.ts';
import { historyOf, tracesOf } from '../../src/report/evidence.ts';
import { figureInWords, figuresOf, figuresText, ownFiguresOf } from '../../src/report/figures.ts';
import { gainOf } from '../../src/report/gain.ts';
import { extremes, panelsOf, runningColumn } from '../../src/report/plot/trace-chart.ts';
import { signsOf, tradeOffChart, tradeOffs } from '../../src/report/plot/trade-off.ts';
import { cell, metric } from './fixtures.ts';
import { gridBaselines, gridVerdict } from './grid.ts';

const samples = (head: readonly number[], gains: readonly number[] = []) => ({
  reference: [],
  base: [],
  head,
  change: [],
  gains: { base: [], head: gains },
});

describe('gainOf', () => {
  it('is above 1 for what is better, in either direction', () => {
    const own = cell('m', 'o', 'passed', []);
    expect(gainOf(metric('latency', 'p', { reference: 3, head: 2 }), own)?.factor).toBeCloseTo(1.5);
    expect(gainOf(metric('goodput', 'p', { better: 'higher', reference: 2, head: 3 }), own)?.factor).toBeCloseTo(1.5);
    expect(gainOf(metric('goodput', 'p', { better: 'higher', reference: 3, head: 2 }), own)?.factor).toBeCloseTo(1 / 1.5);
  });

  it('has none where a factor has no meaning', () => {
    const own = cell('m', 'o', 'passed', []);
    for (const given of [
      { reference: null, head: 1 },
      { reference: 0, head: 1 },
      { reference: 1, head: null },
      { reference: -1, head: 1 },
    ])
      expect(gainOf(metric('x', 'p', given), own)).toBeNull();
    expect(gainOf(metric('x', 'p', { scale: 'linear', reference: 1, head: 2 }), own)).toBeNull();
    expect(gainOf(metric('x', 'p', { state: 'unchanged', reference: 2, base: 1 }), own)?.factor).toBe(2);
  });

  it('takes the speed-up of rounds that ran side by side, of the same point only', () => {
    const latency = metric('decode-latency', 'b1', { reference: 3, head: 2 });
    const speedUp = metric('decode-speedup', 'b1', { better: 'higher', head: 1.4, samples: samples([1.3, 1.4, 1.5]) });
    expect(gainOf(latency, cell('m', 'o', 'passed', [latency, speedUp]))).toMatchObject({
      factor: 1.4,
      interval: { kind: 'range', lower: 1.3, upper: 1.5 },
    });
    expect(gainOf(latency, cell('m', 'o', 'passed', [latency, { ...speedUp, point: 'b8' }]))?.factor).toBeCloseTo(1.5);
    expect(gainOf({ ...latency, pairedWith: null }, cell('m', 'o', 'passed', [latency, speedUp]))?.factor).toBeCloseTo(1.5);
  });

  it('has an interval over launches: exact from five on, the range below, none for one number', () => {
    const own = cell('m', 'o', 'passed', []);
    const of = (...gains: readonly number[]) => gainOf(metric('latency', 'p', { reference: 2, head: 1, samples: samples([], gains) }), own);
    // Five values: the bounds of the signed rank at 5 % are the smallest and the largest.
    expect(of(2, 1.8, 2.2, 1.9, 2.1)).toMatchObject({
      factor: 2,
      interval: { kind: 'confidence', lower: expect.closeTo(1.8), upper: expect.closeTo(2.2) },
    });
    expect(of(2, 2.5)?.interval).toEqual({ kind: 'range', lower: 2, upper: 2.5 });
    expect(of(3)).toMatchObject({ factor: 3, interval: null });
    expect(of()).toMatchObject({ factor: 2, interval: null });
  });

  it('divides no times of different launches', () => {
    const own = cell('m', 'o', 'passed', []);
    const confirmed = metric('latency', 'p', { reference: 2, head: 8, samples: samples([8, 8, 8, 8], [1.1, 1.2, 1.3]) });
    expect(gainOf(confirmed, own)?.factor).toBe(1.2);
  });
});

describe('figuresOf', () => {
  const found = (id: string, given = {}) => metric(id, 'p', { reference: 2, head: 1, ...given });
  const ids = (headline: readonly string[], ...metrics: readonly ReturnType<typeof metric>[]) => {
    const one = cell('m', 'o', 'passed', metrics, { headline });
    return [figuresOf(one), ownFiguresOf(one)].map((figures) => figures.map(({ id }) => id));
  };

  it('are the first two of the headline that have a number, in its order', () => {
    const [goodput, settling, shown] = [
      found('goodput'),
      found('settling', { kind: 'exact' }),
      found('improvement', { role: 'described' }),
    ];
    expect(ids(['settling', 'goodput', 'improvement'], shown, goodput, settling)[0]).toEqual(['settling', 'goodput']);
    expect(ids(['settling', 'goodput', 'improvement'], shown, { ...settling, head: null }, goodput)[0]).toEqual(['goodput', 'improvement']);
    expect(ids(['nothing', 'goodput'], shown, goodput)[0]).toEqual(['goodput']);
    expect(ids([], shown, goodput)[0]).toEqual([]);
    expect(ids(['x'], found('x', { head: null, state: 'failed' }))[0]).toEqual([]);
  });

  it('leave out beside the columns of a report what stands in them', () => {
    const metrics = [found('prefill-latency'), found('model-size'), found('interoperability', { scale: 'linear' }), found('pipeline')];
    const headline = ['prefill-latency', 'pipeline', 'model-size', 'interoperability'];
    expect(ids(headline, ...metrics)).toEqual([
      ['prefill-latency', 'pipeline'],
      ['pipeline', 'interoperability'],
    ]);
    expect(figuresText(figuresOf(cell('m', 'o', 'passed', metrics, { headline })))).toBe('prefill 2.00×, pipeline 2.00×');
  });

  it('name every policy of the grid by its own metrics', () => {
    const byName = new Map(
      gridVerdict()
        .cells.filter(({ model }) => model === 'mini-qwen3-dense')
        .map((one) => [one.optimization, figuresOf(one).map(({ id }) => id)]),
    );
    expect(Object.fromEntries(byName)).toMatchObject({
      'structured-pruning': ['prefill-latency', 'decode-latency'],
      'adaptive-batching': ['goodput', 'latency-p50'],
      'architecture-search': ['adaptive-goodput', 'adaptation-time'],
      streaming: ['time-to-first-token', 'inter-token-latency'],
      'modular-components': ['pipeline-latency', 'interoperability'],
      automl: ['found-latency', 'configuration-trials'],
      'feedback-control': ['settling-steps', 'overshoot'],
    });
  });

  it('take the geometric mean over points, and no mean of what not every point has', () => {
    const two = [
      found('goodput', { point: 'a', better: 'higher', reference: 1, head: 2 }),
      found('goodput', { point: 'b', better: 'higher', reference: 1, head: 8 }),
    ];
    expect(figuresOf(cell('m', 'o', 'passed', two))[0]).toMatchObject({ factor: expect.closeTo(4, 9), points: 2 });
    const withLive = [...two, found('goodput', { point: 'live', role: 'advisory', reference: 1, head: 100 })];
    expect(figuresOf(cell('m', 'o', 'passed', withLive))[0]).toMatchObject({ factor: expect.closeTo(4, 9), points: 2 });
    const partly = [...two, found('goodput', { point: 'c', reference: null, head: 3 })];
    expect(figuresOf(cell('m', 'o', 'passed', partly))[0]).toMatchObject({ factor: null, value: 2 });
    expect(figuresText(figuresOf(cell('m', 'o', 'passed', two)))).toBe('goodput 4.00×');
  });
});

describe('figureInWords', () => {
  it('never calls worse better', () => {
    const words = (factor: number | null) => figureInWords({ id: 'x', column: null, unit: 'ms', factor, value: 3, points: 1 });
    expect([words(1.25), words(0.8), words(1.002), words(null)]).toEqual(['1.25× better', '1.25× worse', 'as good', '3.00 ms']);
  });
});

describe('tradeOffs', () => {
  it('are the cells with both a gain and a loss', () => {
    const found = new Set(tradeOffs(gridVerdict().cells).map(({ cell: { optimization } }) => optimization));
    expect([...found].sort()).toEqual([
      'architecture-search',
      'sparse-attention',
      'sparse-network',
      'structured-pruning',
      'tensor-decomposition',
    ]);
  });

  const faster = metric('prefill-latency', 'p', { reference: 3, head: 2 });
  const loss = (id: string, head: number | null, given = {}) =>
    metric(id, 'evaluation', { kind: 'exact', scale: 'linear', unit: 'nats/token', head, ...given });
  const of = (...metrics: readonly ReturnType<typeof metric>[]) => tradeOffs([cell('m', 'o', 'passed', [faster, ...metrics])]);

  it('take the loss over all positions, wherever it stands, and a loss of another name only without it', () => {
    const late = loss('late-nll-delta', 0.03);
    expect(of(late, loss('nll-delta', 0.01))[0]).toMatchObject({ value: 0.01, loss: { id: 'nll-delta' } });
    expect(of(late, loss('nll-delta', null))[0]).toMatchObject({ value: 0.03, loss: { id: 'late-nll-delta' } });
    expect(of(loss('served-nll-delta', 0.02))[0]).toMatchObject({ value: 0.02, loss: { id: 'served-nll-delta' } });
    expect(of(loss('nll-deltas', 0.02), loss('nll-delta', 0.02, { role: 'described' }))).toEqual([]);
  });

  it('have the interval of the loss itself, not that of its change', () => {
    const change = { estimate: 0, lower: 0, upper: 0 };
    expect(of(loss('nll-delta', 0.01, { base: 0.01, change }))[0]?.interval).toBeNull();
    const interval = { lower: 0.008, upper: 0.012 };
    expect(of(loss('nll-delta', 0.01, { base: 0.01, change, interval }))[0]?.interval).toEqual(interval);
  });

  it('have a sign for each of ten timed metrics, and marks of the axis that can be told apart however small the loss', () => {
    const [one] = of(loss('nll-delta', 0.01));
    const many = Array.from({ length: 10 }, (_, at) => ({
      ...one!,
      gain: { ...one!.gain, metric: { ...one!.gain.metric, id: `latency-${at}` } },
    }));
    const signs = signsOf(many);
    expect(new Set([...signs.values()].map(({ sign }) => sign)).size).toBe(10);
    const paths = [...tradeOffChart('m', many, signs).matchAll(/<path[^>]* d="(M[^"]*)"[^>]*>\s*<title>/g)].map(([, path]) => path);
    expect(new Set(paths).size).toBe(10);
    const tiny = tradeOffChart('m', of(loss('nll-delta', 1.6e-7)), signs);
    expect(tiny).toContain('>1e−7<');
    expect(tiny).not.toContain('0.0000001');
  });

  it('are drawn on an axis that names the loss and has its unit', () => {
    const drawn = (found: ReturnType<typeof of>): string => tradeOffChart('m', found, signsOf(found));
    const captions = drawn(of(loss('nll-delta', 0.01, { unit: 'nats/character' })));
    expect(captions).toContain('m: nll-delta, nats/character →');
    expect(captions).toContain('<title>Speed against quality of m: nll-delta</title>');
    const both = drawn([...of(loss('nll-delta', 0.01)), ...of(loss('served-nll-delta', 0.02))]);
    expect(both).toContain('m: loss of likelihood, nats/token →');
    expect(both).toContain('of m: nll-delta, served-nll-delta</title>');
    expect(drawn(of(loss('nll-delta', 0.01, { unit: '' })))).toContain('m: nll-delta →');
  });
});

describe('traces', () => {
  it('keep the first, the last, the lowest and the highest row, in order, and no more than two per bucket', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 600 }), (values) => {
        const rows = extremes(values);
        expect(rows).toEqual([...new Set(rows)].toSorted((a, b) => a - b));
        expect(rows[0]).toBe(0);
        expect(rows.at(-1)).toBe(values.length - 1);
        expect(rows.length).toBeLessThanOrEqual(130);
        const kept = rows.map((row) => values[row] ?? Number.NaN);
        expect(Math.max(...kept)).toBe(Math.max(...values));
        expect(Math.min(...kept)).toBe(Math.min(...values));
      }),
    );
  });

  it('run along time, else along a first column that never falls, else along their rows', () => {
    expect(runningColumn({ queue: [1, 2], time: [0, 1] })).toBe('time');
    expect(runningColumn({ token: [1, 2, 2], bytes: [3, 2, 1] })).toBe('token');
    expect(runningColumn({ bytes: [3, 2, 1], token: [1, 2, 3] })).toBeNull();
    expect(panelsOf({ time: [0], queue: [1], latency: [1], 'set-point': [1] })).toEqual(['queue', 'latency']);
    expect(panelsOf({ time: [0], 'set-point': [1] })).toEqual(['set-point']);
  });

  it('are of the first measuring launch of a cell, without self-checks of the run', () => {
    const launch = (given: Partial<Launch>, arm: string): Launch => ({
      id: 'l',
      cell: 'm/o',
      purpose: 'impact',
      index: 0,
      selfCheck: false,
      status: 'complete',
      error: null,
      process: null,
      points: {},
      traces: [{ point: 'burst', arm, columns: { time: [0] } }],
      tuned: undefined,
      ...given,
    });
    const launches = [
      launch({ purpose: 'screen' }, 'base'),
      launch({}, 'head'),
      launch({ purpose: 'screen' }, 'head'),
      launch({ index: 1 }, 'late'),
      launch({ purpose: 'confirm' }, 'confirmed'),
      launch({ selfCheck: true }, 'self-check'),
      launch({ status: 'failed' }, 'failed'),
    ];
    expect(tracesOf(launches).map(({ arm }) => arm)).toEqual(['head', 'base']);
  });
});

describe('historyOf', () => {
  it('holds the runner class of this run only, oldest first', () => {
    const verdict = gridVerdict();
    const baselines = gridBaselines(verdict);
    const history = historyOf(baselines, verdict.runnerClass);
    const past = history.get('mini-qwen3-dense/structured-pruning decode-latency@decode-b1') ?? [];
    expect(past).toHaveLength(40);
    expect(past.map(({ at }) => at)).toEqual(past.map(({ at }) => at).toSorted());
    expect(historyOf(baselines, 'another').size).toBe(0);
    expect(historyOf(baselines, null).size).toBe(0);
  });
});
