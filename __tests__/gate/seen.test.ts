import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { launchDemand } from '../../src/gate/launch-demand.ts';
import type { MetricSpec, OperatingPoint } from '../../src/records/metric.ts';
import type { Launch, Samples, SeenLine, SeenPoint } from '../../src/records/sample.ts';
import { cell, digest, measure, metricOf, metrics, planOf, points, run, samplesOf, settle, verdictOf } from './fixtures.ts';

const at = '2026-06-01T10:00:00.000Z';
const one = planOf([cell('mini/pruning')]);
const two = planOf([cell('mini/pruning'), cell('mini/sparsity')]);
const settled = [settle('mini/pruning', 'changed'), settle('mini/sparsity', 'unchanged')];

const series: Readonly<Record<string, readonly string[]>> = {
  'prefill-256': ['wall-ms'],
  'decode-b1': ['wall-ms'],
  evaluation: ['nll'],
  inspection: ['bytes', 'sparsity'],
  memory: ['peak'],
};
const proof = (id: string, names = Object.keys(series), fields: Partial<SeenLine> = {}): Pick<Samples, 'seen'> => {
  const seen: Record<string, SeenPoint> = {};
  for (const name of names)
    seen[name] = { at, series: series[name] ?? [], warnings: name === 'memory' ? ['no-meter: joules: this machine has none'] : [] };
  return { seen: new Map([[id, { line: 'seen', cell: id, arm: digest('9'), points: seen, ...fields }]]) };
};
const of = (samples: Samples, id: string, plan = two) => launchDemand(plan, samples).filter((demand) => demand.cell === id);
const broken = (launch: Launch): Launch => ({
  ...launch,
  status: 'failed',
  points: {},
  error: { code: 'subject-crashed', message: 'no such file', arm: 'head' },
});

describe('an unchanged cell beside a changed one', () => {
  it('is launched once for its exact points and once for its timed ones, where nothing proves that it works', () => {
    const wanted = of(samplesOf(settled), 'mini/sparsity');
    expect(wanted.map(({ purpose, arms }) => [purpose, arms])).toEqual([
      ['once', ['reference', 'head']],
      ['impact', ['reference', 'head']],
    ]);
    expect(wanted.map((demand) => demand.points.map(({ id }) => id))).toEqual([
      ['evaluation', 'inspection'],
      ['prefill-256', 'decode-b1'],
    ]);
  });

  it('is not launched where an earlier run proves it, and launched for what that does not prove', () => {
    const with_ = (names?: readonly string[], fields?: Partial<SeenLine>) =>
      of(samplesOf(settled, [], proof('mini/sparsity', names as string[], fields)), 'mini/sparsity').flatMap((demand) =>
        demand.points.map(({ id }) => id),
      );
    expect(with_()).toEqual([]);
    expect(with_(['evaluation', 'inspection'])).toEqual(['prefill-256', 'decode-b1']);
    expect(with_(['prefill-256', 'decode-b1', 'inspection'])).toEqual(['evaluation', 'inspection']);
    expect(with_(['evaluation', 'inspection', 'decode-b1'])).toEqual(['prefill-256']);
    expect(with_(undefined, { arm: digest('8') })).toHaveLength(4);
  });

  it('is asked for no more once it was launched, even where the launch lacks its point, was discarded too often or failed', () => {
    const done = measure(two, samplesOf(settled), {});
    const own = done.launches.filter((launch) => launch.cell === 'mini/sparsity');
    expect(own.map(({ purpose }) => purpose).sort()).toEqual(['impact', 'once']);
    const without = measure(two, samplesOf(settled), {}, (launch) => (launch.purpose === 'impact' ? { ...launch, points: {} } : launch));
    expect(of(without, 'mini/sparsity')).toEqual([]);
    expect(verdictOf(two, without).cells[1]).toMatchObject({ verdict: 'missing', reason: expect.stringContaining('prefill-256') });
    const thrown = measure(two, samplesOf(settled), {}, (launch) =>
      launch.purpose === 'impact' ? { ...launch, status: 'discarded' } : launch,
    );
    // It ran to its end: the machine is to blame, and only its numbers are not there.
    const judged = verdictOf(two, thrown);
    expect(judged.cells[1]).toMatchObject({ verdict: 'unchanged', reason: null });
    expect(metricOf(judged, 'decode-latency', 1)).toMatchObject({ state: 'not-measured', head: null });
    const all = measure(one, samplesOf([settle('mini/pruning', 'unchanged')]), {}, (launch) => ({ ...launch, status: 'discarded' }));
    expect(verdictOf(one, all)).toMatchObject({
      verdict: 'passed',
      cells: [{ verdict: 'unchanged', warnings: [expect.stringContaining('launches do not count')] }],
      coverage: { judged: 1 },
    });
  });

  it('has the numbers of its launch, or is known by the date of the earlier one; what has neither is not judged', () => {
    const launched = verdictOf(two, measure(two, samplesOf(settled), {}));
    expect(launched.cells[1]?.verdict).toBe('unchanged');
    expect(metricOf(launched, 'decode-latency', 1)).toMatchObject({ state: 'measured', launches: 1, verdict: 'unchanged' });
    expect(metricOf(launched, 'peak-memory', 1)).toMatchObject({ state: 'not-measured', head: null, verdict: 'unchanged' });
    expect(launched.coverage.byReason).toMatchObject({ 'not-measured': 2 });
    const known = verdictOf(two, measure(two, samplesOf(settled, [], proof('mini/sparsity')), {}));
    expect(metricOf(known, 'decode-latency', 1)).toMatchObject({
      state: 'unchanged',
      head: null,
      reason: 'base and head are identical; it worked on 2026-06-01 and was not measured in this run',
    });
    expect(metricOf(known, 'peak-memory', 1)).toMatchObject({ state: 'unchanged' });
    expect(metricOf(known, 'energy', 1)).toMatchObject({ state: 'no-meter', reason: 'this machine has none' });
  });

  it('fails where its launch does, and says that base fails too', () => {
    const failing = measure(two, samplesOf(settled), {}, (launch) => (launch.cell === 'mini/sparsity' ? broken(launch) : launch));
    expect(verdictOf(two, failing)).toMatchObject({
      verdict: 'failed',
      cells: [{}, { verdict: 'failed', reason: 'base runs the same and fails too: error[subject-crashed] of head: no such file' }],
    });
  });
});

describe('where nothing changed', () => {
  const unchanged = [settle('mini/pruning', 'unchanged')];

  it('a launch that fails fails the cell, and no number is judged', () => {
    const verdict = verdictOf(one, measure(one, samplesOf(unchanged), {}, broken));
    expect(verdict).toMatchObject({ verdict: 'failed', exitCode: 1, cells: [{ verdict: 'failed' }], coverage: { judged: 0 } });
  });

  it('nothing measured is missing, or by the budget undecided; never unchanged', () => {
    for (const status of ['unchanged', 'new'] as const)
      for (const [stopped, verdict, exitCode] of [
        [null, 'missing', 1],
        ['interrupted', 'missing', 1],
        ['budget', 'inconclusive', 3],
      ] as const) {
        const judged = verdictOf(one, samplesOf([settle('mini/pruning', status)], [], { stopped }));
        expect(judged).toMatchObject({ exitCode, cells: [{ verdict }] });
        expect(judged.coverage.judged).toBeLessThanOrEqual(1);
      }
  });

  it('a described metric alone does not hide a cell that never ran', () => {
    const described = planOf([cell('mini/pruning', { metrics: metrics.map((spec): MetricSpec => ({ ...spec, role: 'described' })) })]);
    expect(verdictOf(described, samplesOf(unchanged))).toMatchObject({ verdict: 'regressed', cells: [{ verdict: 'missing' }] });
  });

  it('a series that the launch does not have is missing, whatever is equal', () => {
    const forgetful = measure(one, samplesOf(unchanged), {}, (launch) => ({
      ...launch,
      points: Object.fromEntries(
        Object.entries(launch.points).map(([id, { values, warnings }]) => [
          id,
          { warnings, values: id === 'inspection' ? { head: { sparsity: [0] }, reference: { sparsity: [0] } } : values },
        ]),
      ),
    }));
    expect(metricOf(verdictOf(one, forgetful), 'model-size')).toMatchObject({ state: 'missing', verdict: 'missing' });
  });

  it('needs no launch where there is nothing to launch', () => {
    const built: readonly OperatingPoint[] = points.filter(({ kind }) => kind === 'build');
    const only = planOf([cell('mini/pruning', { points: built, metrics: metrics.filter(({ id }) => id === 'compression-time') })]);
    expect(verdictOf(only, samplesOf(unchanged))).toMatchObject({ verdict: 'passed', cells: [{ verdict: 'unchanged' }] });
  });

  it('runs three launches for the numbers, whatever is proven', () => {
    const wanted = launchDemand(one, samplesOf(unchanged, [], proof('mini/pruning')));
    expect(wanted.filter(({ purpose }) => purpose === 'impact')).toHaveLength(3);
    expect(run({}, wanted[0]!).status).toBe('complete');
  });
});

describe('whatever becomes of the launches', () => {
  const fates = ['complete', 'failed', 'discarded', 'lost', 'empty'] as const;
  type Fate = (typeof fates)[number];
  const meet = (launch: Launch, fate: Fate): readonly Launch[] => {
    if (fate === 'lost') return [];
    if (fate === 'failed') return [broken(launch)];
    return [{ ...launch, status: fate === 'discarded' ? 'discarded' : 'complete', points: fate === 'empty' ? {} : launch.points }];
  };

  it('unchanged was seen to work, and judged has a number or was seen', () => {
    const arbitrary = fc.record({
      statuses: fc.tuple(fc.constantFrom('changed', 'unchanged'), fc.constantFrom('unchanged', 'new')),
      fates: fc.array(fc.constantFrom(...fates), { minLength: 6, maxLength: 6 }),
      proven: fc.subarray(Object.keys(series)),
      stopped: fc.constantFrom(null, 'budget' as const),
    });
    fc.assert(
      fc.property(arbitrary, ({ statuses, fates: drawn, proven, stopped }) => {
        const lines = [settle('mini/pruning', statuses[0]), settle('mini/sparsity', statuses[1])];
        const first = samplesOf(lines, [], proof('mini/sparsity', proven));
        const launched = launchDemand(two, first)
          .map((demand) => run({}, demand))
          .flatMap((launch, at) => (!launch.selfCheck ? meet(launch, drawn[at % drawn.length] ?? 'lost') : []));
        const samples = { ...first, launches: launched, stopped };
        const verdict = verdictOf(two, samples);
        for (const { id, verdict: kind } of verdict.cells) {
          const own = launched.filter((launch) => launch.cell === id);
          if (own.some(({ status }) => status === 'failed')) expect(['failed', 'regressed', 'missing', 'inconclusive']).toContain(kind);
          if (kind !== 'unchanged' && kind !== 'new') continue;
          const seen = new Set([
            ...own.filter(({ status }) => status !== 'failed').flatMap((launch) => Object.keys(launch.points)),
            ...(id === 'mini/sparsity' && statuses[1] === 'unchanged' ? proven : []),
          ]);
          expect(['prefill-256', 'decode-b1', 'evaluation', 'inspection'].filter((point) => !seen.has(point))).toEqual([]);
        }
        const known = verdict.cells.flatMap((each) => each.metrics).filter(({ head, state }) => head !== null || state === 'unchanged');
        expect(verdict.coverage.judged).toBeLessThanOrEqual(known.length);
      }),
      { numRuns: 200 },
    );
  });
});
