import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { judge } from '../../src/gate/judge.ts';
import { failsJob } from '../../src/gate/run-verdict.ts';
import type { Baseline } from '../../src/records/baseline.ts';
import type { Plan } from '../../src/records/plan.ts';
import type { Launch } from '../../src/records/sample.ts';
import { verdict as verdictSchema } from '../../src/records/verdict.ts';
import { cell, digest, type Machine, measure, metricOf, metrics, planOf, policy, samplesOf, settle, verdictOf } from './fixtures.ts';

const one = planOf([cell('mini/pruning')]);
const changed = samplesOf([settle('mini/pruning', 'changed')]);
const measured = (machine: Machine, plan = one) => verdictOf(plan, measure(plan, changed, machine));
const quiet: Machine = { noise: 0.004 };
const slow: Machine = { ...quiet, slowdown: (_, point) => (point === 'decode-b1' ? 0.1 : 0) };

describe('a changed cell', () => {
  it('passes when nothing changed, with every number and a document that its schema accepts', () => {
    const verdict = measured(quiet);
    expect(verdictSchema.safeParse(verdict).error).toBeUndefined();
    expect(verdict).toMatchObject({ verdict: 'passed', exitCode: 0, statistics: { family: 0 }, warnings: [] });
    expect(verdict.selfChecks.map(({ kind, outcome }) => [kind, outcome])).toEqual([
      ['a-a', 'as-expected'],
      ['planted', 'as-expected'],
      ['dependence', 'as-expected'],
    ]);
    expect(verdict.coverage).toEqual({ judged: 9, total: 10, byReason: { 'no-meter': 1 } });
    expect(metricOf(verdict, 'decode-latency')).toMatchObject({ verdict: 'passed', launches: 5, p: null, state: 'measured' });
    expect(metricOf(verdict, 'decode-speedup').head).toBeCloseTo(1.5, 1);
    expect(metricOf(verdict, 'energy')).toMatchObject({ verdict: null, state: 'no-meter', head: null, reason: 'this machine has none' });
    expect(metricOf(verdict, 'compression-time')).toMatchObject({ verdict: null, base: 2, head: 3, change: { estimate: 0.5 } });
    expect(metricOf(verdict, 'nll-delta').head).toBeCloseTo(0.1, 9);
    expect(metricOf(verdict, 'perplexity-ratio').head).toBeCloseTo(100 * Math.exp(-0.1), 9);
  });

  it('is regressed by a slower decode, named in the summary', () => {
    const verdict = measured(slow);
    expect(verdict).toMatchObject({ verdict: 'regressed', exitCode: 1, statistics: { family: 1 } });
    const latency = metricOf(verdict, 'decode-latency');
    // One metric advanced; all 12 launches lie above the margin: p = 2^-12, scaled by alpha over the look's share.
    expect(latency).toMatchObject({ verdict: 'regressed', launches: 12, p: (2 ** -12 * 0.05) / 0.01 });
    expect(latency.change!.estimate).toBeCloseTo(0.1, 1);
    expect(latency.change!.lower!).toBeGreaterThan(0.08);
    expect(latency.samples.reference).toHaveLength(3);
    expect(metricOf(verdict, 'decode-speedup')).toMatchObject({ state: 'measured', launches: 3 });
    expect(latency.samples.change).toHaveLength(12);
    expect(metricOf(verdict, 'prefill-latency').verdict).toBe('passed');
    expect(verdict.summary).toMatch(/^Regressed: decode-latency \+\d+\.\d % in mini\/pruning$/);
  });

  it('is improved by a faster one, in a family of its own', () => {
    const verdict = measured({ ...quiet, slowdown: () => -0.1 });
    expect(verdict).toMatchObject({ verdict: 'passed', exitCode: 0, statistics: { family: 0 } });
    expect(metricOf(verdict, 'decode-latency')).toMatchObject({ verdict: 'improved', launches: 12 });
    expect(metricOf(verdict, 'decode-latency').change!.estimate).toBeCloseTo(-0.1, 1);
    expect(verdict.cells[0]!.verdict).toBe('improved');
  });

  it('stays undecided at the margin without holding the run, and holds it when must-detect cannot be excluded', () => {
    const near = measured({ ...quiet, slowdown: () => 0.02 });
    expect(metricOf(near, 'decode-latency').verdict).toBe('inconclusive');
    expect(near).toMatchObject({ verdict: 'passed', exitCode: 0 });
    expect(near.summary).toMatch(/undecided/);
    const noisy = measured({ noise: 0.4 });
    expect(noisy).toMatchObject({ verdict: 'inconclusive', exitCode: 3 });
    expect(metricOf(near, 'decode-latency').reason).toBe('undecided: it may be worse, but by less than must-detect (10 %)');
    expect(metricOf(noisy, 'decode-latency').reason).toMatch(/a change of 10 % cannot be excluded$/);
    expect(failsJob(noisy, policy.failOn)).toBe(false);
    expect(failsJob(noisy, ['inconclusive'])).toBe(true);
  });

  it('has higher-is-better metrics the right way round', () => {
    const throughput = { ...metrics[1]!, id: 'throughput', better: 'higher' as const };
    const plan = planOf([cell('mini/pruning', { metrics: [throughput] })]);
    const faster = metricOf(verdictOf(plan, measure(plan, changed, slow)), 'throughput');
    expect(faster.verdict).toBe('improved');
    expect(faster.change!.estimate).toBeGreaterThan(0.05);
    const slower = metricOf(verdictOf(plan, measure(plan, changed, { ...quiet, slowdown: () => -0.1 })), 'throughput');
    expect(slower.verdict).toBe('regressed');
    expect(slower.change!.upper!).toBeLessThan(0);
  });
});

describe('a first impression', () => {
  const quick = planOf([cell('mini/pruning')], { policy: { ...policy, screen: 3, looks: [] } });
  const impression = (machine: Machine) => ({ samples: measure(quick, changed, machine), verdict: measured(machine, quick) });

  it('asks for three launches, confirms nothing and carries no self-checks', () => {
    const { samples } = impression(slow);
    const timed = samples.launches.filter(({ purpose }) => purpose === 'screen' || purpose === 'confirm');
    expect(timed.map(({ purpose, selfCheck }) => [purpose, selfCheck])).toEqual([1, 2, 3].map(() => ['screen', false]));
  });

  it.each([
    [slow, /may be worse/],
    [{ ...quiet, slowdown: () => -0.1 }, /may be better/],
    [quiet, /nothing large was seen/],
  ])('never passes a timing metric, whatever it saw', (machine, says) => {
    const { verdict } = impression(machine);
    expect(metricOf(verdict, 'decode-latency')).toMatchObject({
      verdict: 'inconclusive',
      launches: 3,
      p: null,
      reason: expect.stringMatching(says),
    });
    expect(verdict).toMatchObject({ verdict: 'inconclusive', exitCode: 3, selfChecks: [] });
    expect(verdict.warnings).toEqual([expect.stringMatching(/^first impression .*: 3 launches/)]);
    expect(verdictSchema.safeParse(verdict).error).toBeUndefined();
  });

  it('still decides what is exact, and what is unchanged', () => {
    const { verdict } = impression({ ...quiet, size: (arm) => (arm === 'head' ? 1100 : 1000) });
    expect(verdict).toMatchObject({ verdict: 'regressed', exitCode: 1 });
    const same = samplesOf([settle('mini/pruning', 'unchanged')]);
    expect(verdictOf(quick, measure(quick, same, quiet))).toMatchObject({ verdict: 'passed', exitCode: 0 });
    // Identical arms make no number of what no meter gave.
    expect(metricOf(verdictOf(quick, measure(quick, same, quiet)), 'energy')).toMatchObject({ state: 'no-meter', head: null });
  });
});

describe('whether the job fails', () => {
  const cells = (kind: 'regressed' | 'missing' | 'failed') => [{ ...measured(quiet).cells[0]!, verdict: kind, metrics: [] }];

  it.each([
    ['regressed', 'regressed', ['regressed'], true],
    ['regressed', 'regressed', ['missing', 'failed', 'inconclusive'], false],
    ['regressed', 'missing', ['missing'], true],
    ['regressed', 'failed', ['regressed'], false],
    ['inconclusive', 'missing', ['regressed'], false],
    ['inconclusive', 'missing', ['inconclusive'], true],
    ['unfit', 'regressed', [], true],
    ['error', 'failed', [], true],
    ['passed', 'regressed', ['regressed', 'inconclusive'], false],
  ] as const)('%s by a cell that is %s, with fail-on %j: %s', (verdict, kind, failOn, expected) => {
    expect(failsJob({ verdict, cells: cells(kind) }, failOn)).toBe(expected);
  });
});

describe('a number that one arm lacks, with a stated excuse', () => {
  const without = (arms: readonly string[], machine: Machine = quiet) =>
    verdictOf(
      one,
      measure(one, changed, machine, (launch) => {
        const point = launch.points['inspection'];
        if (point === undefined) return launch;
        const values = Object.fromEntries(
          Object.entries(point.values).map(([arm, { bytes = [], ...rest }]) => [arm, arms.includes(arm) ? rest : { bytes, ...rest }]),
        );
        const warnings = arms.map((arm) => `unsupported-export: bytes: those of Mystery (${arm}) cannot be counted`);
        return { ...launch, points: { ...launch.points, inspection: { values, warnings } } };
      }),
    );

  it('is missing where base has it, and no number at all where neither has', () => {
    const lost = without(['head']);
    expect(metricOf(lost, 'model-size')).toMatchObject({
      verdict: 'missing',
      state: 'missing',
      reason: expect.stringMatching(/^base has it, head does not: those of Mystery \(head\) cannot be counted/),
    });
    expect(lost).toMatchObject({ verdict: 'regressed', exitCode: 1 });
    const neither = without(['reference', 'base', 'head']);
    expect(metricOf(neither, 'model-size')).toMatchObject({ verdict: null, state: 'unsupported-export', head: null });
    expect(neither.verdict).toBe('passed');
    expect(metricOf(without(['base']), 'model-size')).toMatchObject({ verdict: 'inconclusive', state: 'no-base' });
  });
});

describe('why a series is not there', () => {
  const solo = (series: readonly string[], warnings: readonly string[]) =>
    verdictOf(
      one,
      measure(one, changed, quiet, (launch) => {
        const point = launch.points['memory'];
        if (point === undefined) return launch;
        const values = Object.fromEntries(
          Object.keys(point.values).map((arm) => [arm, Object.fromEntries(series.map((id) => [id, [1e8]]))]),
        );
        return { ...launch, points: { ...launch.points, memory: { values, warnings } } };
      }),
    );
  const noMeter = 'no-meter: joules: no energy meter';
  const noPeak = 'no-meter: peak: this system does not tell';

  it('is said of that series and of no other of its point', () => {
    const neither = solo([], [noMeter, noPeak]);
    expect(metricOf(neither, 'energy')).toMatchObject({ state: 'no-meter', head: null, reason: 'no energy meter' });
    expect(metricOf(neither, 'peak-memory')).toMatchObject({ state: 'no-meter', head: null, reason: 'this system does not tell' });
    for (const id of ['energy', 'peak-memory']) expect(metricOf(neither, id).warnings).toEqual([]);
    const device = solo([], ['no-meter: *: of a device nothing is read']);
    for (const id of ['energy', 'peak-memory'])
      expect(metricOf(device, id)).toMatchObject({ state: 'no-meter', head: null, reason: 'of a device nothing is read' });
  });

  it('excuses no other series: that one is missing, and so is one whose excuse names nothing', () => {
    expect(metricOf(solo([], [noMeter]), 'peak-memory')).toMatchObject({ verdict: 'missing', state: 'missing' });
    const vague = solo([], ['no-meter: this machine has none', 'no-meter: __proto__: x']);
    expect(metricOf(vague, 'peak-memory')).toMatchObject({ verdict: 'missing', state: 'missing' });
    expect(metricOf(vague, 'energy').state).toBe('missing');
  });

  it('is a warning about that series alone, in its own words', () => {
    const verdict = solo(
      ['peak'],
      [noMeter, 'warning: peak: measured before', 'warning: other: measured elsewhere', 'warning: *: of all', 'of both'],
    );
    expect(metricOf(verdict, 'peak-memory').warnings).toEqual(['of both', 'of all', 'measured before']);
    expect(metricOf(verdict, 'energy').warnings).toEqual(['of both', 'of all']);
  });

  it('is nothing to a series that is there', () => {
    expect(metricOf(solo(['peak', 'joules'], [noMeter, noPeak]), 'peak-memory')).toMatchObject({ verdict: 'passed', warnings: [] });
  });
});

describe('exact metrics', () => {
  it.each([
    [1000, 1001, 'passed'],
    [1000, 1002, 'regressed'],
    [1000, 998, 'improved'],
    [0, 5, 'regressed'],
    [0, 0, 'passed'],
  ])('size %d to %d is %s', (base, head, expected) => {
    const verdict = measured({ ...quiet, size: (arm) => (arm === 'head' ? head : base) });
    expect(metricOf(verdict, 'model-size')).toMatchObject({ verdict: expected, p: null });
    expect(verdict.exitCode).toBe(expected === 'regressed' ? 1 : 0);
  });

  it('quality: the mean over windows decides, the clustered interval is shown', () => {
    const worse = measured({ ...quiet, nll: (arm, window) => (arm === 'head' ? 2.106 + (window % 2) * 0.001 : arm === 'base' ? 2.1 : 2) });
    const nll = metricOf(worse, 'nll-delta');
    expect(nll).toMatchObject({ verdict: 'regressed' });
    expect(nll.change!.estimate).toBeCloseTo(0.0065, 9);
    // windows alternate .006 and .007: sd .000534522, n 8, t(.975, 7) = 2.36462425
    expect(nll.change!.upper! - nll.change!.estimate).toBeCloseTo((2.364624251592785 * 0.0005345224838248488) / Math.sqrt(8), 9);
    const wide = metricOf(
      measured({ ...quiet, nll: (arm, window) => (arm === 'head' ? 2.1 + (window % 2 ? 0.1 : -0.1) : 2.1) }),
      'nll-delta',
    );
    expect(wide).toMatchObject({ verdict: 'passed', warnings: [expect.stringMatching(/wider than the tolerance/)] });
  });

  it('quality: the loss against the reference has an interval of its own over windows, also where both arms are the same', () => {
    const nll = (arm: string, window: number) => (arm === 'reference' ? 2 : 2.1 + (window % 2) * 0.002) + window / 10;
    // windows alternate .100 and .102: sd .001069045, n 8, t(.975, 7) = 2.36462425
    const half = (2.364624251592785 * 0.0010690449676497) / Math.sqrt(8);
    const [lower, upper] = [0.101 - half, 0.101 + half].map((bound) => expect.closeTo(bound, 9));
    for (const status of ['changed', 'unchanged', 'new'] as const) {
      const verdict = verdictOf(one, measure(one, samplesOf([settle('mini/pruning', status)]), { ...quiet, nll }));
      expect(metricOf(verdict, 'nll-delta')).toMatchObject({ head: expect.closeTo(0.101, 9), interval: { lower, upper } });
      const kept = metricOf(verdict, 'perplexity-ratio');
      expect(kept.interval?.lower).toBeCloseTo(100 * Math.exp(-0.101 - half), 9);
      expect(kept.interval?.upper).toBeCloseTo(100 * Math.exp(-0.101 + half), 9);
      for (const id of ['model-size', 'decode-latency', 'peak-memory', 'energy']) expect(metricOf(verdict, id).interval).toBeNull();
      expect(verdictSchema.safeParse(verdict).error).toBeUndefined();
    }
    expect(metricOf(verdictOf(one, samplesOf([settle('mini/pruning', 'unchanged')])), 'nll-delta').interval).toBeNull();
    expect(metricOf(measured({ ...quiet, nll: (_, window) => window * 1e308 }), 'nll-delta').interval).toBeNull();
  });

  it('memory: steps of 1 MiB, median of three, and the spread of launches that disagree', () => {
    const mib = 2 ** 20;
    const peak = (head: (index: number) => number) =>
      metricOf(measured({ ...quiet, peak: (arm, index) => (arm === 'head' ? head(index) : 100 * mib) }), 'peak-memory');
    expect(peak(() => 103 * mib)).toMatchObject({ verdict: 'regressed', head: 103 * mib });
    expect(peak(() => 100 * mib + 400_000)).toMatchObject({ verdict: 'passed', head: 100 * mib });
    const varies = expect.stringMatching(/^declared exact, but its launches vary by 5240000 bytes$/);
    // The median is that of base, and what launches differ by is less than must-detect.
    const head = (heads: readonly number[]) => peak((index) => (heads[index % heads.length] ?? 0) * mib);
    const solo = (...heads: readonly number[]) => head(heads);
    expect(solo(100, 105)).toMatchObject({ role: 'gate', reason: varies });
    expect(solo(120, 125)).toMatchObject({ verdict: 'regressed', reason: varies });
    expect(solo(80, 85)).toMatchObject({ verdict: 'improved', reason: varies });
    expect(solo(105, 103)).toMatchObject({ verdict: 'inconclusive', reason: expect.stringMatching(/must-detect\) is excluded$/) });
    // What makes it only worse hides nothing.
    expect(solo(103, 105).verdict).toBe('regressed');
    expect(solo(103, 900).verdict).toBe('regressed');
    // However much noise head adds, it gains no pass.
    for (const noisy of [solo(100, 300), solo(300, 100), solo(20, 300)])
      expect(noisy).toMatchObject({ verdict: 'inconclusive', reason: expect.stringMatching(/must-detect\) cannot be excluded$/) });
  });

  it('says aloud what is sparser and not faster', () => {
    expect(measured({ ...quiet, sparsity: 50 }).cells[0]!.warnings).toEqual([]);
    const plan = planOf([
      cell('mini/pruning', {
        metrics: metrics.map((spec) =>
          spec.id === 'decode-speedup'
            ? { ...spec, from: { ...spec.from, arm: 'reference', as: 'speed-up', series: 'nll', point: 'evaluation' } }
            : spec,
        ) as typeof metrics,
        claims: [{ of: 'faster', removed: [{ metric: 'sparsity', word: 'sparser' }], possible: null }],
      }),
    ]);
    expect(verdictOf(plan, measure(plan, changed, { ...quiet, sparsity: 50 })).cells[0]!.warnings).toEqual([
      expect.stringMatching(/^ineffective: sparser, not faster: sparsity 50.0 %/),
    ]);
  });
});

describe('a runtime that differs between base and head', () => {
  const moved = { ...one, runtime: { ...one.runtime, digest: digest('c'), provider: 'cuda', threads: 4 } };
  const why = /^the runtime differs between base and head \(provider cpu → cuda, threads 1 → 4\): both were measured with head's/;

  it.each([quiet, { ...quiet, slowdown: () => -0.1 }])(
    'leaves time and memory undecided and holds the run; size and quality stay judged',
    (machine) => {
      const verdict = measured(machine, moved);
      expect(verdict).toMatchObject({ verdict: 'inconclusive', exitCode: 3, cells: [{ verdict: 'inconclusive' }] });
      for (const id of ['prefill-latency', 'decode-latency', 'peak-memory'])
        expect(metricOf(verdict, id)).toMatchObject({ verdict: 'inconclusive', reason: expect.stringMatching(why) });
      expect(metricOf(verdict, 'energy')).toMatchObject({ verdict: null, reason: expect.stringMatching(why) });
      expect(metricOf(verdict, 'model-size')).toMatchObject({ verdict: 'passed', reason: null });
      expect(metricOf(verdict, 'nll-delta')).toMatchObject({ verdict: 'passed', reason: null });
      expect(metricOf(verdict, 'compression-time').reason).toBeNull();
      expect(verdictSchema.safeParse(verdict).error).toBeUndefined();
    },
  );

  it('hides no regression that head’s runtime shows, and says when base’s is not known', () => {
    expect(measured(slow, moved)).toMatchObject({ verdict: 'regressed', exitCode: 1 });
    const unknown = metricOf(measured(quiet, { ...one, baseRuntime: null }), 'decode-latency');
    expect(unknown).toMatchObject({ verdict: 'inconclusive', reason: expect.stringContaining("(base's is not known)") });
  });

  it('names the file in which the library differs, where both versions read alike too', () => {
    const named = { file: 'package-lock.json', base: '1.30.0 (sha512-AA)', head: '1.30.0 (sha512-BB)' };
    const baseRuntime = { ...one.runtime, digest: digest('7'), named };
    const metric = metricOf(measured(quiet, { ...one, baseRuntime }), 'decode-latency');
    const words = '(library 1.30.0 (sha512-AA) → 1.30.0 (sha512-BB) in package-lock.json)';
    expect(metric).toMatchObject({ verdict: 'inconclusive', reason: expect.stringContaining(words) });
  });

  it('says nothing of a new cell', () => {
    const verdict = verdictOf(moved, measure(moved, samplesOf([settle('mini/pruning', 'new')]), quiet));
    expect(verdict).toMatchObject({ verdict: 'passed', cells: [{ verdict: 'new' }] });
  });
});

describe('acceptance', () => {
  const accepting = (bound: number, expires: string) => ({
    ...one,
    policy: { ...policy, accepted: [{ cell: 'mini/pruning', metric: 'decode-latency', bound, expires, reason: 'a safer kernel' }] },
  });
  it('turns a regression within its bound into passed until its last day', () => {
    const verdict = measured(slow, accepting(0.15, '2026-06-15'));
    expect(verdict).toMatchObject({ verdict: 'passed', exitCode: 0 });
    expect(metricOf(verdict, 'decode-latency')).toMatchObject({ verdict: 'passed', reason: expect.stringMatching(/a safer kernel/) });
    expect(verdict.summary).toMatch(/^Passed: no regression beyond what is accepted: \d+ passed.*; 1 metric in 1 cell worse, as accepted/);
  });
  it('does not beyond the bound or the day', () => {
    expect(measured(slow, accepting(0.05, '2026-06-15')).verdict).toBe('regressed');
    expect(measured(slow, accepting(0.15, '2026-06-14')).verdict).toBe('regressed');
  });
  it('counts the day on which measuring began, and accepts nothing without one', () => {
    const plan = accepting(0.15, '2026-06-15');
    const samples = measure(plan, changed, slow);
    expect(verdictOf(plan, { ...samples, at: '2026-06-16T00:00:00.000Z' }).verdict).toBe('regressed');
    expect(verdictOf(plan, { ...samples, at: null }).verdict).toBe('regressed');
    expect(verdictOf(plan, samples).verdict).toBe('passed');
  });
});

describe('cells that were not compared', () => {
  it('unchanged: measured by impact launches, equal on both sides', () => {
    const verdict = verdictOf(one, measure(one, samplesOf([settle('mini/pruning', 'unchanged')]), quiet));
    expect(verdict).toMatchObject({ verdict: 'passed', exitCode: 0, selfChecks: [] });
    const latency = metricOf(verdict, 'decode-latency');
    expect(latency).toMatchObject({ verdict: 'unchanged', state: 'measured', launches: 3, change: { estimate: 0 } });
    expect(latency.base).toBe(latency.head);
    // The code differs, so what depends on code is compared all the same.
    expect(metricOf(verdict, 'compression-time')).toMatchObject({ base: 2, head: 3, verdict: null });
  });

  it('unchanged and unmeasured: the baseline of the same class, runtime and digest, or missing', () => {
    const baseline = {
      schema: 'optimization-gate/baseline/1' as const,
      runnerClass: 'cpu-test',
      project: null,
      model: 'mini',
      runtime: digest('e'),
      history: [],
      anchor: null,
      entries: [
        {
          cell: 'mini/pruning',
          commit: 'b'.repeat(40),
          at: '2026-01-01T00:00:00Z',
          arm: digest('9'),
          serving: digest('5'),
          artefacts: {},
          metrics: [{ id: 'decode-latency', point: 'decode-b1', reference: 3, value: 2, launches: [2, 2] }],
        },
      ],
    };
    const samples = samplesOf([settle('mini/pruning', 'unchanged')]);
    expect(metricOf(verdictOf(one, samples, [baseline]), 'decode-latency')).toMatchObject({
      state: 'baseline',
      base: 2,
      head: 2,
      reference: 3,
      verdict: 'unchanged',
    });
    const renamed = planOf([cell('mini/masked', { renamedFrom: 'mini/pruning' })]);
    const known = verdictOf(renamed, samplesOf([settle('mini/masked', 'unchanged')]), [baseline]);
    expect(metricOf(known, 'decode-latency')).toMatchObject({ state: 'baseline', head: 2 });
    for (const other of [
      { ...baseline, runnerClass: 'another' },
      { ...baseline, runtime: digest('7') },
      { ...baseline, entries: [{ ...baseline.entries[0]!, arm: digest('8') }] },
      { ...baseline, entries: [{ ...baseline.entries[0]!, serving: digest('6') }] },
    ])
      expect(metricOf(verdictOf(one, samples, [other]), 'decode-latency')).toMatchObject({
        state: 'missing',
        head: null,
        verdict: 'missing',
      });
  });

  it('shows what other code of the gate measured beside what this run did', () => {
    const metrics = [{ id: 'decode-latency', point: 'decode-b1', reference: 3, value: 2, launches: [2, 2] }];
    const entry = { cell: 'mini/pruning', commit: 'b'.repeat(40), at: '2026-01-01T00:00:00Z', artefacts: {}, metrics };
    const stored = (arm: string, serving: string): Baseline[] => [
      {
        schema: 'optimization-gate/baseline/1',
        runnerClass: 'cpu-test',
        project: null,
        model: 'mini',
        runtime: digest('e'),
        history: [],
        anchor: null,
        entries: [{ ...entry, arm, serving }],
      },
    ];
    const of = (status: 'unchanged' | 'changed', baselines: readonly Baseline[], fields: Partial<Plan> = {}) => {
      const plan = { ...one, ...fields };
      return metricOf(verdictOf(plan, measure(plan, samplesOf([settle('mini/pruning', status)]), quiet), baselines), 'decode-latency');
    };
    const changed = settle('mini/pruning', 'changed').arms;
    expect(of('unchanged', stored(digest('9'), digest('6')))).toMatchObject({ state: 'measured', earlier: 2 });
    expect(of('changed', stored(changed['base'] ?? '', digest('6')))).toMatchObject({ earlier: 2 });
    // By the same code, of another arm, or by the code that measures base in this run.
    expect(of('unchanged', stored(digest('9'), digest('5')))).toMatchObject({ earlier: null });
    expect(of('changed', stored(digest('1'), digest('6')))).toMatchObject({ earlier: null });
    const baseRuntime = { ...one.runtime, serving: digest('6') };
    expect(of('changed', stored(changed['base'] ?? '', digest('6')), { baseRuntime, baseWorker: 'dist/worker.js' })).toMatchObject({
      earlier: null,
    });
  });

  it('new: shown, not gated', () => {
    const verdict = verdictOf(one, measure(one, samplesOf([settle('mini/pruning', 'new')]), quiet));
    expect(verdict).toMatchObject({ verdict: 'passed', exitCode: 0, cells: [{ verdict: 'new' }] });
    expect(metricOf(verdict, 'decode-latency')).toMatchObject({ verdict: 'new', base: null, launches: 3 });
  });

  it('removed: missing, and that fails', () => {
    const plan = planOf([cell('mini/pruning', { presence: 'removed' })]);
    expect(verdictOf(plan, samplesOf([]))).toMatchObject({ verdict: 'regressed', exitCode: 1, cells: [{ verdict: 'missing' }] });
    const lenient = { ...plan, policy: { ...policy, failOn: ['regressed' as const] } };
    expect(verdictOf(lenient, samplesOf([]))).toMatchObject({ verdict: 'inconclusive', exitCode: 3 });
  });

  it('skipped and removed: nothing is lost that was never judged', () => {
    const plan = planOf([cell('mini/pruning', { presence: 'removed', skipped: { status: 'not-applicable', reason: 'no experts' } })]);
    const verdict = verdictOf(plan, samplesOf([]));
    expect(verdict).toMatchObject({ verdict: 'nothing-to-compare', cells: [{ verdict: 'unchanged', reason: 'not judged: no experts' }] });
  });

  it('skipped: a reason instead of numbers, no failure, and no pass', () => {
    const plan = planOf([cell('mini/pruning', { skipped: { status: 'not-applicable', reason: 'no experts' } })]);
    const verdict = verdictOf(plan, samplesOf([]));
    expect(verdict).toMatchObject({
      verdict: 'nothing-to-compare',
      exitCode: 0,
      summary: 'Nothing to compare: no optimization applies to its model, so nothing was measured',
      coverage: { judged: 0, total: 10, byReason: { 'not-applicable': 10 } },
    });
    expect(metricOf(verdict, 'decode-latency')).toMatchObject({
      verdict: null,
      state: 'not-applicable',
      head: null,
      reason: expect.stringMatching(/no experts/),
    });
  });

  it('failed: the coded error, naming the arm; its beginning in the summary', () => {
    const message = 'It ended with status 1. Its last output: a.py: no module';
    const verdict = verdictOf(one, samplesOf([settle('mini/pruning', 'failed', { code: 'build-failed', message, arm: 'head' })]));
    expect(verdict).toMatchObject({
      verdict: 'failed',
      exitCode: 1,
      summary: 'Failed: mini/pruning: It ended with status 1 (build-failed)',
      cells: [{ verdict: 'failed', reason: `error[build-failed] of head: ${message}` }],
    });
    expect(metricOf(verdict, 'model-size')).toMatchObject({ verdict: 'failed', state: 'failed', head: null });
  });

  it('a failed launch fails its cell, whatever else was measured', () => {
    const samples = measure(one, changed, quiet, (launch) =>
      launch.id === 'mini/pruning#screen-3'
        ? { ...launch, status: 'failed', error: { code: 'non-finite-output', message: 'NaN in logits', arm: 'head' } }
        : launch,
    );
    expect(verdictOf(one, samples)).toMatchObject({
      verdict: 'failed',
      exitCode: 1,
      cells: [{ verdict: 'failed', reason: expect.stringMatching(/non-finite-output.*head/) }],
    });
  });

  it('failed beside a missing or a regressed one: the run is regressed; where fail-on lists no failure, it is open', () => {
    const error = { code: 'build-failed', message: 'exit 1', arm: 'head' as const };
    const two = planOf([cell('mini/pruning'), cell('mini/sparsity')]);
    const failed = settle('mini/pruning', 'failed', error);
    expect(verdictOf(two, samplesOf([failed]))).toMatchObject({ verdict: 'regressed', exitCode: 1 });
    const beside = measure(two, samplesOf([failed, settle('mini/sparsity', 'changed')]), slow);
    expect(verdictOf(two, beside)).toMatchObject({ verdict: 'regressed', exitCode: 1 });
    const open = planOf([cell('mini/pruning')], { policy: { ...policy, failOn: ['regressed'] } });
    expect(verdictOf(open, samplesOf([failed]))).toMatchObject({ verdict: 'inconclusive', exitCode: 3 });
    expect(failsJob({ verdict: 'failed', cells: verdictOf(one, samplesOf([failed])).cells }, ['failed'])).toBe(true);
    expect(failsJob({ verdict: 'failed', cells: verdictOf(one, samplesOf([failed])).cells }, ['regressed'])).toBe(false);
  });

  it('exact metrics pass by all of the launches that were asked for, and regress by any', () => {
    const exact = {
      ...metrics.find(({ id }) => id === 'model-size')!,
      id: 'count',
      from: { of: 'series', point: 'decode-b1', series: 'wall-ms', over: 'last' },
      tolerance: 0.5,
    } as const;
    const plan = planOf([cell('mini/pruning', { metrics: [...metrics, exact] })]);
    const without = (machine: Machine, drop: (launch: Launch) => boolean) => {
      const all = measure(plan, changed, machine);
      return verdictOf(plan, { ...all, launches: all.launches.filter((launch) => !drop(launch)) });
    };
    const solo = (launch: Launch): boolean => launch.purpose === 'solo' && launch.index > 0 && launch.index % 8 < 2;
    const screen = (launch: Launch): boolean => launch.id === 'mini/pruning#screen-3' || launch.purpose === 'confirm';
    expect(
      metricOf(
        without(quiet, () => false),
        'peak-memory',
      ),
    ).toMatchObject({ verdict: 'passed' });
    expect(metricOf(without(quiet, solo), 'peak-memory')).toMatchObject({
      verdict: 'missing',
      reason: 'only 1 of 3 launches of base are complete',
    });
    expect(
      metricOf(
        without(quiet, () => false),
        'count',
      ),
    ).toMatchObject({ verdict: 'passed' });
    expect(metricOf(without(quiet, screen), 'count')).toMatchObject({
      verdict: 'missing',
      reason: 'only 4 of 5 screening launches are complete',
    });
    const worse: Machine = { ...quiet, slowdown: () => 1, peak: (arm) => (arm === 'head' ? 99 : 50) * 2 ** 20 };
    expect(metricOf(without(worse, solo), 'peak-memory')).toMatchObject({ verdict: 'regressed' });
    // This one varies, so that the test decides it, by all of its screens.
    expect(metricOf(without(worse, screen), 'count')).toMatchObject({ verdict: 'missing' });
  });

  it('a failed launch takes no regression back that the others show', () => {
    const done = measure(one, changed, slow);
    const confirm = done.launches.find((launch) => launch.purpose === 'confirm')!;
    for (const arm of ['head', 'base', null] as const)
      for (const count of [1, 9]) {
        const more = Array.from({ length: count }, (_, at) => ({
          ...confirm,
          id: `mini/pruning#confirm-${100 + at}`,
          index: 100 + at,
          status: 'failed' as const,
          points: {},
          error: { code: 'subject-crashed', message: 'it ended', arm },
        }));
        const verdict = verdictOf(one, { ...done, launches: [...done.launches, ...more] });
        expect(verdict).toMatchObject({ verdict: 'regressed', exitCode: 1, cells: [{ verdict: 'regressed' }] });
        expect(metricOf(verdict, 'decode-latency')).toMatchObject({ verdict: 'regressed', launches: 12 });
      }
  });

  describe('only base failed', () => {
    const error = { code: 'build-failed', message: 'exit 1', arm: 'base' as const };
    const failed = samplesOf([settle('mini/pruning', 'failed', error)]);
    const nan = (arm: 'base' | 'head', ids: readonly string[]) => (launch: Launch) =>
      ids.includes(launch.id)
        ? { ...launch, status: 'failed' as const, error: { code: 'non-finite-output', message: 'NaN in logits', arm } }
        : launch;

    it('by its build: head is measured by itself, and nothing is held against it', () => {
      const verdict = verdictOf(one, measure(one, failed, slow));
      expect(verdictSchema.safeParse(verdict).error).toBeUndefined();
      expect(verdict).toMatchObject({ verdict: 'inconclusive', exitCode: 3, selfChecks: [] });
      expect(verdict.cells[0]).toMatchObject({
        verdict: 'inconclusive',
        reason: 'base failed, so there is nothing to compare with: error[build-failed] of base: exit 1',
      });
      expect(metricOf(verdict, 'decode-latency')).toMatchObject({ verdict: 'inconclusive', state: 'no-base', base: null, launches: 3 });
      expect(metricOf(verdict, 'decode-latency').head).toBeGreaterThan(1);
      expect(metricOf(verdict, 'decode-speedup')).toMatchObject({ verdict: null, state: 'no-base' });
      expect(verdict.coverage.byReason).toEqual({ 'no-base': 10 });
    });

    it('while it was measured: what both have is judged, the rest is open', () => {
      const samples = measure(
        one,
        changed,
        { ...slow, size: (arm) => (arm === 'head' ? 1100 : 1000) },
        nan('base', ['mini/pruning#screen-2', 'mini/pruning#screen-5']),
      );
      const verdict = verdictOf(one, samples);
      expect(metricOf(verdict, 'model-size')).toMatchObject({ verdict: 'regressed', base: 1000, head: 1100 });
      expect(metricOf(verdict, 'decode-latency')).toMatchObject({ verdict: 'inconclusive', state: 'no-base' });
      expect(verdict).toMatchObject({ verdict: 'regressed', exitCode: 1 });
      const clean = verdictOf(one, measure(one, changed, slow, nan('base', ['mini/pruning#screen-2', 'mini/pruning#screen-5'])));
      expect(clean).toMatchObject({ verdict: 'inconclusive', exitCode: 3, cells: [{ verdict: 'inconclusive' }] });
    });

    it('in one launch of many: that one is measured anew, and named', () => {
      for (const [machine, expected] of [
        [slow, 'regressed'],
        [quiet, 'passed'],
      ] as const) {
        const samples = measure(one, changed, machine, nan('base', ['mini/pruning#screen-2', 'mini/pruning#once-0']));
        expect(samples.launches.filter(({ id }) => /once|screen-[0-9]$/.test(id)).map(({ index }) => index)).toContain(5);
        const verdict = verdictOf(one, samples);
        expect(verdict).toMatchObject({ verdict: expected, cells: [{ verdict: expected }] });
        expect(verdict.cells[0]?.warnings.join()).toMatch(
          /2 of \d+ launches failed because of base and do not count: error\[non-finite-output\] of base: NaN/,
        );
      }
    });

    it('and then head too: head fails the cell', () => {
      const both = measure(one, failed, slow, nan('head', ['mini/pruning#impact-1']));
      expect(verdictOf(one, both)).toMatchObject({
        verdict: 'failed',
        cells: [{ verdict: 'failed', reason: expect.stringMatching(/of head/) }],
      });
      const unmade = { ...failed, built: new Map([...failed.built].filter(([key]) => key !== digest('1'))) };
      expect(verdictOf(one, measure(one, unmade, slow))).toMatchObject({ verdict: 'failed', cells: [{ verdict: 'failed' }] });
    });

    it('in the middle of a confirmation: the samples stay readable', () => {
      const lost = (count: number) => Array.from({ length: count }, (_, index) => `mini/pruning#confirm-${index}`);
      expect(verdictOf(one, measure(one, changed, slow, nan('base', lost(1))))).toMatchObject({ verdict: 'regressed' });
      const samples = measure(one, changed, slow, nan('base', lost(5)));
      expect(verdictOf(one, samples)).toMatchObject({ verdict: 'inconclusive', cells: [{ verdict: 'inconclusive' }] });
    });

    it('at the start: named and no more; of the head, more than one in ten fails the cell', () => {
      const done = measure(one, changed, quiet);
      const starting = (arm: 'base' | 'head', count: number) => {
        const ids = done.launches.filter(({ selfCheck }) => !selfCheck).map(({ id }) => id);
        const error = { code: 'subject-crashed', message: 'it ended', arm, starting: true as const };
        return verdictOf(one, { ...done, failedStarts: new Map(ids.slice(0, count).map((id) => [id, error])) });
      };
      for (const [arm, count] of [
        ['head', 1],
        ['head', 2],
        ['base', 9],
      ] as const) {
        const verdict = starting(arm, count);
        expect(verdict).toMatchObject({ verdict: 'passed', exitCode: 0 });
        expect(verdict.cells[0]?.warnings.join()).toMatch(
          new RegExp(
            `${count} of \\d+ processes failed at their start and (was|were) started again: error.subject-crashed. of ${arm}: it ended`,
          ),
        );
      }
      expect(starting('head', 9)).toMatchObject({
        verdict: 'failed',
        cells: [{ verdict: 'failed', reason: expect.stringMatching(/9 of \d+ processes failed at their start\. At most 3 may/) }],
      });
    });
  });

  it('an improvement whose confirming launches are not there: missing, or undecided by the budget without holding the run', () => {
    const samples = measure(one, changed, { ...quiet, slowdown: () => -0.1 });
    for (const kept of [0, 11]) {
      const launches = samples.launches.filter(({ purpose, index }) => purpose !== 'confirm' || index < kept);
      const [gone, cut] = [null, 'budget' as const].map((stopped) => verdictOf(one, { ...samples, launches, stopped }));
      expect(gone).toMatchObject({ verdict: 'regressed', exitCode: 1, cells: [{ verdict: 'missing' }] });
      expect(metricOf(gone!, 'decode-latency')).toMatchObject({
        verdict: 'missing',
        reason: `only ${kept} of 12 confirming launches are complete`,
      });
      expect(cut).toMatchObject({ verdict: 'passed', exitCode: 0, summary: expect.stringContaining('2 metrics in 1 cell undecided') });
      expect(metricOf(cut!, 'decode-latency')).toMatchObject({
        verdict: 'inconclusive',
        reason: `the time of \`budget: minutes\` ran out: only ${kept} of 12 confirming launches are complete`,
      });
    }
  });

  it('never settled or cut off: missing, or inconclusive by the budget, never passed', () => {
    expect(verdictOf(one, samplesOf([]))).toMatchObject({ verdict: 'regressed', exitCode: 1, cells: [{ verdict: 'missing' }] });
    expect(verdictOf(one, samplesOf([], [], { stopped: 'budget' }))).toMatchObject({
      verdict: 'inconclusive',
      cells: [{ verdict: 'inconclusive', reason: expect.stringMatching(/^the time of `budget: minutes` ran out/) }],
    });
    const full = measure(one, changed, slow);
    const part = { ...full, launches: full.launches.filter((launch) => launch.purpose !== 'confirm') };
    expect(metricOf(verdictOf(one, part), 'decode-latency')).toMatchObject({ verdict: 'missing', state: 'missing' });
    const cut = verdictOf(one, { ...part, stopped: 'budget' });
    expect(cut.verdict).toBe('inconclusive');
    expect(metricOf(cut, 'decode-latency')).toMatchObject({
      verdict: 'inconclusive',
      reason: 'the time of `budget: minutes` ran out: only 0 of 12 confirming launches are complete',
    });
  });
});

describe('an untrusted machine or document', () => {
  it('is unfit when base differs from itself in all twelve launches, or a planted slowdown is not seen at all', () => {
    expect(measured({ ...slow, selfCheck: { 'a-a': 0.3, planted: 0.25 } })).toMatchObject({ verdict: 'unfit', exitCode: 3 });
    expect(measured({ ...quiet, selfCheck: { 'a-a': 0, planted: -0.1 } })).toMatchObject({ verdict: 'unfit', exitCode: 3 });
  });

  it('refuses samples of another plan, and of a path that the rule does not take', () => {
    const refused = (plan: typeof one, samples: typeof changed) => {
      try {
        verdictOf(plan, samples);
      } catch (error) {
        return error instanceof GateError ? error.code : error;
      }
      return null;
    };
    expect(refused(one, { ...changed, plan: digest('3') })).toBe('run-mismatch');
    const clean = measure(one, changed, quiet);
    const confirm = {
      ...clean.launches.find((launch) => launch.id === 'mini/pruning#screen-0')!,
      id: 'mini/pruning#confirm-0',
      purpose: 'confirm' as const,
    };
    expect(refused(one, { ...clean, launches: [...clean.launches, confirm] })).toBe('samples-contradictory');
    // Nor as many as looks read, whatever they show.
    const many = Array.from({ length: 12 }, (_, index) => ({ ...confirm, id: `mini/pruning#confirm-${index}`, index }));
    expect(refused(one, { ...clean, launches: [...clean.launches, ...many] })).toBe('samples-contradictory');
    expect(refused(one, { ...changed, launches: [confirm] })).toBe('samples-contradictory');
    expect(refused({ ...one, policy: { ...policy, alpha: 0.04 } }, clean)).toBe('document-invalid');
    expect(refused(one, clean)).toBeNull();
  });

  it('does not fall for names of built-in properties or for uneven columns', () => {
    const hostile = measure(one, changed, quiet, (launch) =>
      launch.purpose === 'screen' && !launch.selfCheck
        ? {
            ...launch,
            points: {
              ...launch.points,
              'decode-b1': { values: { ...launch.points['decode-b1']!.values, head: { 'wall-ms': [1, 2] } }, warnings: [] },
            },
          }
        : launch,
    );
    expect(metricOf(verdictOf(one, hostile), 'decode-latency')).toMatchObject({
      verdict: 'failed',
      head: null,
      reason: expect.stringMatching(/2 rounds and base 9/),
    });
    const odd = planOf([
      cell('mini/pruning', {
        metrics: [{ ...metrics[1]!, from: { of: 'series', point: 'decode-b1', series: 'constructor', over: 'median' } }],
      }),
    ]);
    expect(metricOf(verdictOf(odd, measure(odd, changed, quiet)), 'decode-latency')).toMatchObject({
      verdict: 'missing',
      state: 'missing',
    });
  });
});

describe('replay', () => {
  const two = planOf([cell('mini/pruning'), cell('mini/sparsity')]);
  const samples = measure(two, samplesOf([settle('mini/pruning', 'changed'), settle('mini/sparsity', 'changed')]), slow);

  it('gives the same bytes for the same input, in whatever order launches come', () => {
    const bytes = JSON.stringify(verdictOf(two, samples));
    fc.assert(
      fc.property(fc.shuffledSubarray([...samples.launches], { minLength: samples.launches.length }), (launches) => {
        expect(JSON.stringify(verdictOf(two, { ...samples, launches }))).toBe(bytes);
      }),
      { numRuns: 15 },
    );
  });

  it('accepts every part of the path, and never calls a part passed that the whole calls regressed', () => {
    expect(verdictOf(two, samples).verdict).toBe('regressed');
    for (let length = 0; length < samples.launches.length; length += 5) {
      const part = verdictOf(two, { ...samples, launches: samples.launches.slice(0, length), stopped: 'budget' });
      expect(part.verdict).not.toBe('passed');
    }
  });

  it('judges a pull request of 132 metrics with 36 launches each', () => {
    const cells = Array.from({ length: 66 }, (_, i) =>
      cell(`mini/o${i}`, {
        metrics: metrics.slice(0, 2),
        points: [{ ...(cell('a/b').points[0] as object), id: 'prefill-256' }, cell('a/b').points[1]!] as never,
      }),
    );
    const plan = planOf(cells);
    const all = measure(plan, samplesOf(cells.map((each) => settle(each.id, 'changed'))), { noise: 0.004, slowdown: () => 0.02 });
    expect(all.launches.filter((launch) => launch.purpose === 'confirm').length).toBeGreaterThan(66 * 24);
    const verdict = judge({
      plan,
      planDigest: digest('f'),
      samples: all,
      samplesDigest: digest('a'),
      baselines: [],
      baselinesDigest: null,
    });
    expect(verdict.cells).toHaveLength(66);
    expect(verdict.statistics.family).toBeGreaterThan(100);
    expect(verdict.verdict).toBe('passed');
  });
});
