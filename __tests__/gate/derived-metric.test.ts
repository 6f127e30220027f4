import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeDerived, type RunFigures } from '../../src/gate/derived-metric.ts';
import type { JudgedCell } from '../../src/gate/figure.ts';
import { improvementOf } from '../../src/gate/improvement.ts';
import { metricVerdictOf } from '../../src/gate/judged-metric.ts';
import type { MetricSpec } from '../../src/records/metric.ts';
import type { MetricVerdict } from '../../src/records/verdict.ts';
import { seededRandom } from '../../src/statistics/random.ts';

const timing = (id: string, point: string, more: Partial<MetricSpec> = {}): MetricSpec => ({
  id,
  unit: 'ms',
  better: 'lower',
  kind: 'timing',
  role: 'gate',
  scale: 'log',
  identity: 'artefact',
  tolerance: 0.02,
  from: { of: 'series', point, series: 'wall-ms', over: 'median' },
  ...more,
});
const middleOf = (values: readonly number[]): number | null => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? null;
const metric = (
  spec: MetricSpec,
  samples: { readonly reference?: readonly number[]; readonly base?: readonly number[]; readonly head?: readonly number[] },
  detectable: number | null = null,
): MetricVerdict => {
  const { reference = [], base = [], head = [] } = samples;
  const numbers = { reference: middleOf(reference), base: middleOf(base), head: middleOf(head) };
  const beside = (values: readonly number[]): readonly number[] =>
    reference.flatMap((before, launch) =>
      values.slice(launch, launch + 1).map((after) => (spec.better === 'lower' ? before / after : after / before)),
    );
  const gains = { base: beside(base), head: beside(head) };
  return metricVerdictOf(spec, { ...numbers, detectable, samples: { reference, base, head, change: [], gains } }).verdict;
};
const cell = (id: string, metrics: readonly MetricVerdict[], seconds: number | null = null, model = 'm'): JudgedCell => ({
  id: `${model}/${id}`,
  model,
  metrics,
  buildSeconds: { base: seconds, head: seconds },
});
const own = cell('before-after', []);
const figures: RunFigures = { falseAlarms: null, changed: true, controlled: true };
const spec = (from: MetricSpec['from'], more: Partial<MetricSpec> = {}): MetricSpec =>
  timing('figure', 'p', { role: 'described', from, ...more });
const judged = (from: MetricSpec['from'], cells: readonly JudgedCell[], run: RunFigures = figures, more: Partial<MetricSpec> = {}) =>
  judgeDerived(spec(from, more), own, [own, ...cells], run).verdict;
const steady = (value: number): readonly number[] => [value, value, value];

describe('improvement', () => {
  const half = metric(timing('prefill-latency', 'prefill'), { reference: steady(10), base: steady(4), head: steady(5) });
  const same = metric(timing('decode-latency', 'decode'), { reference: steady(2), base: steady(2), head: steady(2) });
  const goodput = metric(timing('goodput', 'burst', { better: 'higher', unit: 'requests/s' }), { reference: steady(10), head: steady(80) });
  const all = { of: 'improvement', at: null } as const;

  it('is the geometric mean over cells, each counting once, in the direction of each metric', () => {
    const found = judged(all, [cell('a', [half, same]), cell('b', [goodput])]);
    expect(found.head).toBeCloseTo(Math.sqrt(Math.sqrt(2 * 1) * 8), 12);
    expect(found).toMatchObject({ state: 'measured', verdict: null, role: 'described', point: 'model' });
    expect(found.base).toBeCloseTo(Math.sqrt(2.5), 12);
    expect(found).toMatchObject({
      reason: 'over 2 cells',
      interval: { lower: expect.closeTo(Math.sqrt(Math.sqrt(2) * 8), 9), upper: expect.closeTo(Math.sqrt(Math.sqrt(2) * 8), 9) },
    });
  });

  it('tells a point apart', () => {
    const found = judged({ of: 'improvement', at: 'prefill' }, [cell('a', [half, same]), cell('b', [goodput])]);
    expect([found.head, found.point]).toEqual([2, 'prefill']);
  });

  it('reads only its own model, and only times that are judged', () => {
    const size = metric(timing('model-size', 'inspection', { kind: 'exact' }), { reference: steady(8), head: steady(1) });
    const shown = metric(timing('time-to-first', 'prefill', { role: 'described' }), { reference: steady(1), head: steady(9) });
    const found = judged(all, [cell('a', [half, size, shown]), cell('a', [goodput], null, 'other')]);
    expect(found.head).toBe(2);
  });

  it('is unchanged where all of its parts are, and missing where one of them is lost', () => {
    const idle = metricVerdictOf(timing('prefill-latency', 'prefill'), { verdict: 'unchanged', state: 'unchanged' }).verdict;
    const lost = metric(timing('decode-latency', 'decode'), { head: steady(1) });
    const same = { head: null, verdict: null, state: 'unchanged' };
    expect(judged(all, [cell('a', [idle]), cell('b', [idle])])).toMatchObject(same);
    expect(judged(all, [cell('a', [idle]), cell('b', [lost])])).toMatchObject({ head: null, state: 'missing' });
    const payback = { of: 'break-even', saving: 'prefill-latency' } as const;
    expect(judged(payback, [cell('a', [idle], 3)])).toMatchObject(same);
    const smallest = { of: 'run', figure: 'smallest-detectable' } as const;
    expect(judged(smallest, [cell('a', [idle])])).toMatchObject({ head: null, state: 'not-applicable' });
  });

  it('is not there, for a reason, where nothing is timed or nothing was measured', () => {
    expect(judged(all, [])).toMatchObject({ head: null, state: 'not-applicable', reason: expect.stringContaining('in time') });
    expect(judged({ of: 'improvement', at: 'nowhere' }, [cell('a', [half])])).toMatchObject({ head: null, state: 'not-applicable' });
    const lost = metric(timing('prefill-latency', 'prefill'), { head: steady(1) });
    expect(judged(all, [cell('a', [lost])])).toMatchObject({ head: null, state: 'missing' });
  });

  it('takes a latency from the speed-up of rounds side by side, and else pairs launches', () => {
    const speedUp = timing('prefill-speedup', 'prefill', { role: 'described', better: 'higher', unit: '×' });
    const [drifting, steadily] = [
      [10, 20, 40],
      [5, 10, 20],
    ] as const;
    const latency = timing('prefill-latency', 'prefill', { pairedWith: 'prefill-speedup' });
    const alone = metric(latency, { reference: drifting, head: steadily });
    expect(judged(all, [cell('a', [alone])])).toMatchObject({
      head: expect.closeTo(2, 9),
      interval: { lower: expect.closeTo(2, 9), upper: expect.closeTo(2, 9) },
    });
    const both = [alone, metric(speedUp, { head: [1.5, 1.5, 1.5] })];
    expect(judged(all, [cell('a', both)]).head).toBeCloseTo(1.5, 9);
    const other = [alone, { ...metric(speedUp, { head: steady(1.5) }), point: 'elsewhere' }];
    expect(judged(all, [cell('a', other)]).head).toBeCloseTo(2, 9);
    // A name alone pairs nothing.
    const unpaired = metric(timing('prefill-latency', 'prefill'), { reference: drifting, head: steadily });
    expect(judged(all, [cell('a', [unpaired, metric(speedUp, { head: [1.5, 1.5, 1.5] })])]).head).toBeCloseTo(2, 9);
    // What was confirmed on other launches, on a machine that had become slower, has gained what it gained beside the reference model.
    const confirmed: MetricVerdict = { ...alone, head: 100, samples: { ...alone.samples, head: [100, 100, 100, 100] } };
    expect(judged(all, [cell('a', [confirmed])]).head).toBeCloseTo(2, 9);
    const stored: MetricVerdict = { ...metric(timing('prefill-latency', 'prefill'), {}), reference: 20, head: 5 };
    expect(judged(all, [cell('a', [stored])])).toMatchObject({ head: expect.closeTo(4, 9), interval: null });
  });

  it('says so where launches are too few for an interval', () => {
    const once = metric(timing('prefill-latency', 'prefill'), { reference: [10], head: [5] });
    expect(judged(all, [cell('a', [once])])).toMatchObject({ reason: 'over 1 cell; too few launches for an interval', interval: null });
    const wild = metric(timing('prefill-latency', 'prefill'), { reference: [1e-300, 1e300], head: [1, 1] });
    expect(judged(all, [cell('a', [wild])]).interval).toBeNull();
  });

  it('the interval holds the true gain in 95 of 100 runs', () => {
    const random = seededRandom(5);
    const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const noisy = (centre: number, sd: number, launches: number): readonly number[] =>
      Array.from({ length: launches }, () => centre * Math.exp(sd * normal()));
    const mean = (values: readonly number[]): number => Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
    let held = 0;
    const runs = 2000;
    for (let run = 0; run < runs; run++) {
      const cells = [0.02, 0.05, 0.1].map((sd, at) => {
        const samples = { reference: noisy(10, sd, 5), base: [], head: noisy(5, sd, at === 1 ? 8 : 5) };
        const verdict = metric(timing('prefill-latency', 'prefill'), samples);
        return { metrics: [{ ...verdict, reference: mean(samples.reference), head: mean(samples.head) }] };
      });
      const interval = improvementOf(cells, 'head', null)?.interval ?? null;
      if (interval !== null && interval.lower <= 2 && interval.upper >= 2) held++;
    }
    expect(held / runs).toBeGreaterThan(0.93);
    expect(held / runs).toBeLessThan(0.985);
  });

  it('lies inside its interval, and between the least and the largest gain', () => {
    const positive = fc.double({ min: 0.01, max: 100, noNaN: true });
    const samples = fc.array(positive, { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(fc.tuple(samples, samples), { minLength: 1, maxLength: 5 }), (cells) => {
        const given = cells.map(([reference, head]) => ({ metrics: [metric(timing('prefill-latency', 'p'), { reference, head })] }));
        const found = improvementOf(given, 'head', null);
        const gains = cells.flatMap(([reference, head]) => reference.flatMap((before) => head.map((after) => before / after)));
        expect(found?.times).toBeGreaterThanOrEqual(Math.min(...gains) * (1 - 1e-9));
        expect(found?.times).toBeLessThanOrEqual(Math.max(...gains) * (1 + 1e-9));
        expect(found?.interval?.lower).toBeLessThanOrEqual((found?.times ?? 0) * (1 + 1e-9));
        expect(found?.interval?.upper).toBeGreaterThanOrEqual((found?.times ?? 0) * (1 - 1e-9));
      }),
    );
  });
});

describe('what it costs and saves', () => {
  const decode = (reference: number, head: number): MetricVerdict =>
    metric(timing('decode-latency', 'decode-b1'), { reference: steady(reference), base: steady(head), head: steady(head) });
  const saving = 'decode-latency@decode-b1';
  const breakEven = { of: 'break-even', saving } as const;
  const roi = { of: 'roi', saving, tokens: 10_000 } as const;
  const linear = { scale: 'linear', better: 'higher', unit: '%' } as const;

  it('pays back when the tokens have saved what the builds took', () => {
    const cells = [cell('a', [decode(2, 1.5)], 1), cell('b', [decode(2, 1)], 2)];
    expect(judged(breakEven, cells).head).toBeCloseTo(3 / 0.0015, 6);
    expect(judged(breakEven, cells).reason).toMatch(/^3\.00 s of building, 1\.50e\+3 µs saved per token, over 2 cells$/);
    expect(judged(roi, cells, figures, linear).head).toBeCloseTo(100 * (15 / 3 - 1), 6);
    const atBreakEven = { ...roi, tokens: judged(breakEven, cells).head ?? 0 };
    expect(judged(atBreakEven, cells, figures, linear).head).toBeCloseTo(0, 6);
  });

  it('never pays back without a saving, and loses all at once', () => {
    const cells = [cell('a', [decode(1, 1.5)], 1)];
    expect(judged(breakEven, cells)).toMatchObject({
      head: null,
      state: 'not-applicable',
      reason: expect.stringContaining('never pays back'),
    });
    expect(judged(roi, cells, figures, linear).head).toBeCloseTo(-600, 6);
  });

  it('has the interval that launches leave, and is undecided where that holds none and some', () => {
    const noisy = (...heads: readonly number[]): MetricVerdict =>
      metric(timing('decode-latency', 'decode-b1'), { reference: steady(2), base: heads, head: heads });
    const clear = [cell('a', [noisy(1.45, 1.5, 1.55)], 1)];
    const { head, interval } = judged(roi, clear, figures, linear);
    expect(interval?.lower).toBeLessThan(head ?? 0);
    expect(interval?.upper).toBeGreaterThan(head ?? 0);
    // Student's t of 2 degrees of freedom times the error of the mean, in seconds over 10,000 tokens.
    const logs = [1.45, 1.5, 1.55].map((each) => Math.log(2 / each));
    const mean = logs.reduce((total, each) => total + each, 0) / 3;
    const error = Math.sqrt(logs.reduce((total, each) => total + (each - mean) ** 2, 0) / 2 / 3);
    expect((interval?.upper ?? 0) - (head ?? 0)).toBeCloseTo(100 * 10_000 * 4.30265 * 0.002 * Math.exp(-mean) * error, 1);
    const [least, most] = [judged(breakEven, clear).interval?.lower ?? 0, judged(breakEven, clear).interval?.upper ?? 0];
    expect(least).toBeLessThan(judged(breakEven, clear).head ?? 0);
    expect(most).toBeGreaterThan(judged(breakEven, clear).head ?? 0);
    for (const from of [roi, breakEven])
      expect(judged(from, [cell('a', [noisy(1.5, 2, 2.5)], 1)], figures, from === roi ? linear : {})).toMatchObject({
        head: null,
        state: 'not-applicable',
        reason: expect.stringMatching(/^undecided: the launches leave open whether a token is faster, -[0-9.e+]+ to [0-9.e+]+ µs saved/),
      });
  });

  it('is not there where nothing is built, or nothing saves', () => {
    expect(judged(breakEven, [])).toMatchObject({ head: null, state: 'not-applicable' });
    expect(judged(breakEven, [cell('policy', [decode(2, 1)])])).toMatchObject({ head: null, state: 'missing' });
    expect(judged(roi, [cell('a', [decode(2, 1)], 0)], figures, linear)).toMatchObject({ head: null, state: 'not-applicable' });
  });
});

describe('figures of the run', () => {
  const linear = { scale: 'linear' } as const;
  const tested = (detectable: number | null) => metric(timing('prefill-latency', 'prefill'), { head: steady(1) }, detectable);

  it('says what the self-check found', () => {
    const alarms = { of: 'run', figure: 'false-alarms' } as const;
    expect(judged(alarms, [], { ...figures, falseAlarms: 1 }, linear)).toMatchObject({ head: 1, base: null, point: 'false-alarms' });
    expect(judged(alarms, [], figures, linear)).toMatchObject({ head: null, state: 'missing' });
    for (const idle of [{ changed: false }, { controlled: false }])
      expect(judged(alarms, [], { ...figures, ...idle }, linear)).toMatchObject({ head: null, state: 'not-applicable' });
  });

  it('says what change the least exact metric of the model could have shown', () => {
    const smallest = { of: 'run', figure: 'smallest-detectable' } as const;
    const cells = [cell('a', [tested(0.02), tested(null)]), cell('b', [tested(0.05)]), cell('c', [tested(0.5)], null, 'other')];
    expect(judged(smallest, cells, figures, linear)).toMatchObject({ head: 5, reason: 'the least exact of 2 tested metrics' });
    expect(judged(smallest, [cell('a', [tested(null)])], figures, linear)).toMatchObject({ head: null, state: 'missing' });
  });
});

describe('how much of a possible speed-up has come true', () => {
  const from = { of: 'realized', measured: 'prefill-speedup', possible: 'theoretical-speedup' } as const;
  const of = (measured: number | null, possible: number): MetricVerdict => {
    const ratio = (id: string, head: number | null): MetricVerdict =>
      metric(timing(id, 'p', { unit: '×', better: 'higher' }), head === null ? {} : { base: steady(1), head: steady(head) });
    return judgeDerived(
      spec(from, { scale: 'linear' }),
      cell('sparse', [ratio('prefill-speedup', measured), ratio('theoretical-speedup', possible)]),
      [cell('other', [ratio('prefill-speedup', 9), ratio('theoretical-speedup', 9)])],
      figures,
    ).verdict;
  };

  it('is 0 without a gain or for a loss, 1 with all of it and more; other cells have no say', () => {
    expect(of(1, 1.6)).toMatchObject({ head: 0, state: 'measured', reason: '1.000 × of a possible 1.600 ×' });
    expect(of(1.6, 1.6).head).toBe(1);
    expect(of(1.3, 1.6).head).toBeCloseTo(0.5, 12);
    expect(of(0.94, 1.6)).toMatchObject({ head: 0, reason: '0.940 × of a possible 1.600 ×' });
    expect(of(1.9, 1.6).head).toBe(1);
  });

  it('is no number where nothing could become faster, or nothing was timed', () => {
    expect(of(1.2, 1)).toMatchObject({ head: null, state: 'not-applicable' });
    expect(of(null, 1.6)).toMatchObject({ head: null, state: 'missing', reason: 'no prefill-speedup was measured' });
  });
});
