import { describe, expect, it } from 'vitest';
import { launchDemand } from '../../src/gate/launch-demand.ts';
import type { OperatingPoint } from '../../src/records/metric.ts';
import type { Launch, Samples } from '../../src/records/sample.ts';
import { cell, measure, metricOf, metrics, planOf, run, samplesOf, settle, verdictOf } from './fixtures.ts';

const one = planOf([cell('mini/pruning')]);
const count = (launches: readonly { purpose: string; selfCheck: boolean }[], purpose: string, selfCheck = false): number =>
  launches.filter((launch) => launch.purpose === purpose && launch.selfCheck === selfCheck).length;
const confirms = (samples: Samples, id: string): readonly Launch[] =>
  samples.launches.filter((launch) => launch.cell === id && launch.purpose === 'confirm');

describe('what is wanted first', () => {
  it('nothing before the cell is settled, nothing for failed or skipped ones', () => {
    expect(launchDemand(one, samplesOf([]))).toEqual([]);
    expect(launchDemand(one, samplesOf([settle('mini/pruning', 'failed')]))).toEqual([]);
    expect(launchDemand(one, samplesOf([settle('mini/pruning', 'skipped')]))).toEqual([]);
  });

  const many = (arm: string): readonly string[] => Array(3).fill(arm);

  it('of a changed cell: one exact launch, solo by arm, five screens, two self-checks', () => {
    const wanted = launchDemand(one, samplesOf([settle('mini/pruning', 'changed')]));
    expect([
      count(wanted, 'once'),
      count(wanted, 'solo'),
      count(wanted, 'screen'),
      count(wanted, 'confirm'),
      count(wanted, 'impact'),
    ]).toEqual([1, 7, 5, 0, 0]);
    expect(wanted.filter(({ purpose }) => purpose === 'solo').flatMap(({ arms }) => arms)).toEqual([
      'reference',
      ...many('base'),
      ...many('head'),
    ]);
    expect(count(wanted, 'screen', true)).toBe(12);
    expect(new Set(wanted.map((demand) => demand.launch)).size).toBe(wanted.length);
    const screen = wanted.find((demand) => demand.launch === 'mini/pruning#screen-0')!;
    expect(screen).toMatchObject({ index: 0, arms: ['reference', 'base', 'head'] });
    expect(screen.points.map((point) => point.id)).toEqual(['prefill-256', 'decode-b1']);
    expect(wanted.find((demand) => demand.selfCheck)).toMatchObject({
      arms: ['base', 'head', 'self-check:planted'],
      points: [{ id: 'decode-b1', arms: ['base', 'head', 'self-check:planted'] }],
    });
    expect(
      wanted.filter((demand) => demand.purpose === 'solo').every((demand) => demand.arms.length === 1 && demand.points.length === 1),
    ).toBe(true);
  });

  it('three screens hold all arms, the others those that are tested; of a discarded one the fresh one holds them', () => {
    const armsOf = (samples: Samples, plan = one): readonly (readonly string[])[] =>
      launchDemand(plan, samples).flatMap((demand) => (demand.purpose === 'screen' && !demand.selfCheck ? [demand.arms] : []));
    const [whole, tested] = [
      ['reference', 'base', 'head'],
      ['base', 'head'],
    ];
    const settled = samplesOf([settle('mini/pruning', 'changed')]);
    expect(armsOf(settled)).toEqual([whole, whole, whole, tested, tested]);
    expect(launchDemand(one, settled).find(({ purpose }) => purpose === 'screen')?.points[0]).toMatchObject({ rounds: 60, warmUp: 3 });
    const done = measure(one, settled, {}).launches.filter(({ purpose, selfCheck }) => purpose === 'screen' && !selfCheck);
    const without = (index: number, more: readonly Launch[] = []): Samples => ({
      ...settled,
      launches: [...done.filter((launch) => launch.index !== index), ...more],
    });
    expect(armsOf(without(1, [{ ...done[1]!, status: 'discarded' }]))).toEqual([whole]);
    expect(armsOf(without(4, [{ ...done[4]!, status: 'discarded' }]))).toEqual([tested]);
    const gain = { ...metrics.find(({ id }) => id === 'decode-speedup')!, role: 'gate' } as const;
    const against = planOf([cell('mini/pruning', { metrics: [...metrics, gain] })]);
    expect(armsOf(settled, against).every((arms) => arms.length === 3)).toBe(true);
  });

  it('of unchanged and new cells: three impact launches of reference and head, at most 30 rounds; all solo ones for a baseline, else one', () => {
    for (const [status, plan, solo] of [
      ['unchanged', one, 2],
      ['new', one, 2],
      ['unchanged', { ...one, event: 'default-branch' }, 6],
    ] as const) {
      const wanted = launchDemand(plan, samplesOf([settle('mini/pruning', status)]));
      expect([count(wanted, 'once'), count(wanted, 'solo'), count(wanted, 'impact'), count(wanted, 'screen')]).toEqual([1, solo, 3, 0]);
      const impact = wanted.find((demand) => demand.purpose === 'impact')!;
      expect(impact.arms).toEqual(['reference', 'head']);
      expect(impact.points.map((point) => 'rounds' in point && point.rounds)).toEqual([30, 30]);
    }
  });
});

describe('a cell with episodes', () => {
  const episode = (id: string, exact: boolean): OperatingPoint => ({
    id,
    kind: 'episode',
    setting: null,
    exact,
    rounds: 2,
    warmUp: 0,
    arms: ['reference', 'base', 'head', 'comparator:idle'],
  });
  const points = [episode('burst', false), episode('replay', true)];
  const steering = cell('mini/steering', { points, metrics: [], comparators: { 'comparator:idle': null }, tunes: 'shared' });
  const plan = planOf([steering]);
  const tuning: Launch = {
    id: 'mini/steering#tune-0',
    cell: 'mini/steering',
    purpose: 'tune',
    index: 0,
    selfCheck: false,
    status: 'complete',
    error: null,
    process: null,
    points: {},
    traces: [],
    tuned: { batch: 4 },
  };

  it('is tuned before anything else, on base where there is one', () => {
    for (const status of ['changed', 'unchanged'] as const) {
      const wanted = launchDemand(plan, samplesOf([settle('mini/steering', status)]));
      expect(wanted.map(({ launch, arms, points: run }) => [launch, arms, run])).toEqual([
        ['mini/steering#tune-0', ['reference', 'base'], []],
      ]);
    }
    const fresh = planOf([{ ...steering, arms: steering.arms.filter(({ id }) => id === 'head'), presence: 'new' }]);
    expect(launchDemand(fresh, samplesOf([settle('mini/steering', 'new')]))).toMatchObject([
      { purpose: 'tune', arms: ['reference', 'head'], alone: false },
    ]);
    const exclusive = planOf([{ ...steering, tunes: 'alone' }]);
    expect(launchDemand(exclusive, samplesOf([settle('mini/steering', 'changed')]))).toMatchObject([{ purpose: 'tune', alone: true }]);
  });

  it('is then played: what is exact once, the rest launch by launch, with its self-checks', () => {
    const changed = { ...samplesOf([settle('mini/steering', 'changed')]), launches: [tuning] };
    const wanted = launchDemand(plan, changed);
    expect([count(wanted, 'tune'), count(wanted, 'once'), count(wanted, 'screen')]).toEqual([0, 1, 5]);
    expect(wanted.find(({ purpose }) => purpose === 'once')?.points.map(({ id }) => id)).toEqual(['replay']);
    expect(wanted.find(({ purpose }) => purpose === 'screen')).toMatchObject({
      points: [{ id: 'burst' }],
      arms: ['reference', 'base', 'head', 'comparator:idle'],
    });
    const unchanged = { ...samplesOf([settle('mini/steering', 'unchanged')]), launches: [tuning] };
    const impact = launchDemand(plan, unchanged).find(({ purpose }) => purpose === 'impact');
    expect(impact).toMatchObject({ points: [{ id: 'burst' }], arms: ['reference', 'head', 'comparator:idle'] });
  });

  it('fails when its tuning does', () => {
    const error = { code: 'launch-crashed', message: 'it broke', arm: null };
    const samples = { ...samplesOf([settle('mini/steering', 'changed')]), launches: [{ ...tuning, status: 'failed' as const, error }] };
    expect(launchDemand(plan, samples)).toEqual([]);
    expect(verdictOf(plan, samples).cells[0]).toMatchObject({ verdict: 'failed', reason: expect.stringContaining('it broke') });
  });
});

describe('confirmation', () => {
  const two = planOf([cell('mini/pruning'), cell('mini/sparsity')]);
  const settled = [settle('mini/pruning', 'changed'), settle('mini/sparsity', 'changed')];
  const slow = { noise: 0.004, slowdown: (id: string, point: string) => (id === 'mini/pruning' && point === 'decode-b1' ? 0.1 : 0) };

  it('waits for every screen of the pull request', () => {
    const first = launchDemand(two, samplesOf(settled));
    const withheld = first.find((demand) => demand.launch === 'mini/sparsity#screen-4')!;
    const part = samplesOf(
      settled,
      first.filter((demand) => demand !== withheld).map((demand) => run(slow, demand)),
    );
    expect(launchDemand(two, part).map((demand) => demand.launch)).toEqual([withheld.launch]);
    const next = launchDemand(two, { ...part, launches: [...part.launches, run(slow, withheld)] });
    expect(next.map((demand) => demand.launch)).toEqual(Array.from({ length: 12 }, (_, i) => `mini/pruning#confirm-${i}`));
    expect(next[0]).toMatchObject({ arms: ['base', 'head'], points: [{ id: 'decode-b1', rounds: 60, warmUp: 3 }] });
    expect(next[0]!.points).toHaveLength(1);
  });

  it('ends at the first look for a clear regression, and costs a clean cell nothing', () => {
    const done = measure(two, samplesOf(settled), slow);
    expect(confirms(done, 'mini/pruning')).toHaveLength(12);
    expect(confirms(done, 'mini/sparsity')).toHaveLength(0);
    expect(launchDemand(two, done)).toEqual([]);
  });

  it('holds also what another metric of its points is taken against', () => {
    const gain = { ...metrics.find(({ id }) => id === 'decode-speedup')!, role: 'gate', tolerance: 0.3 } as const;
    const plan = planOf([cell('mini/pruning', { metrics: [metrics[1]!, gain] })]);
    const slower = { noise: 0.004, slowdown: () => 0.05 };
    const done = measure(plan, samplesOf([settle('mini/pruning', 'changed')]), slower);
    const verdict = verdictOf(plan, done);
    expect(metricOf(verdict, 'decode-latency').verdict).toBe('regressed');
    expect(metricOf(verdict, 'decode-speedup')).toMatchObject({ verdict: 'passed', state: 'measured' });
  });

  it('goes on to the last look for what stays near the margin', () => {
    const near = { noise: 0.004, slowdown: (id: string) => (id === 'mini/pruning' ? 0.02 : 0) };
    expect(confirms(measure(two, samplesOf(settled), near), 'mini/pruning').length).toBe(36);
  });
});

describe('launches that go wrong', () => {
  const settled = [settle('mini/pruning', 'changed')];
  it('stops a cell at its first failed launch', () => {
    const done = measure(one, samplesOf(settled), {}, (launch) =>
      launch.id === 'mini/pruning#screen-2' ? { ...launch, status: 'failed' } : launch,
    );
    expect(launchDemand(one, done)).toEqual([]);
    expect(confirms(done, 'mini/pruning')).toHaveLength(0);
  });

  it('replaces one discarded screen by a fresh index, and gives up after a second', () => {
    const discard = (ids: readonly string[]) => (launch: Launch) =>
      ids.includes(launch.id) ? { ...launch, status: 'discarded' as const, points: {} } : launch;
    const done = measure(one, samplesOf(settled), { noise: 0.002 }, discard(['mini/pruning#screen-2']));
    const screens = done.launches.filter((launch) => launch.purpose === 'screen' && !launch.selfCheck);
    expect(screens.map((launch) => launch.index)).toEqual([0, 1, 2, 3, 4, 5]);
    const worse = measure(one, samplesOf(settled), { noise: 0.002 }, discard(['mini/pruning#screen-2', 'mini/pruning#screen-5']));
    expect(worse.launches.filter((launch) => launch.purpose === 'screen' && !launch.selfCheck)).toHaveLength(6);
  });

  it('draws the self-checks from cells of which nothing failed, and moves them only when theirs does', () => {
    const ids = ['mini/pruning', 'mini/sparsity', 'mini/rank'];
    const three = planOf(ids.map((id) => cell(id)));
    const controlled = (failing: string | null) => {
      const done = measure(three, samplesOf(ids.map((id) => settle(id, 'changed'))), { noise: 0.002 }, (launch) =>
        launch.id === `${failing}#screen-0` ? { ...launch, status: 'failed' } : launch,
      );
      // Those of a target that failed in the middle stay behind: only a whole set counts.
      const verdict = verdictOf(three, done);
      expect(verdict.selfChecks.map(({ kind }) => kind)).toEqual(['a-a', 'planted', 'dependence']);
      return verdict.selfChecks[0]?.cell ?? '';
    };
    const first = controlled(null);
    for (const id of ids) {
      if (id === first) expect(controlled(id)).not.toBe(first);
      else expect(controlled(id)).toBe(first);
    }
  });

  it('wants nothing after the budget ended', () => {
    expect(launchDemand(one, samplesOf(settled, [], { stopped: 'budget' }))).toEqual([]);
    expect(launchDemand(one, samplesOf(settled, [], { stopped: 'interrupted' })).length).toBeGreaterThan(0);
  });

  it('ends even when launches come back without their points', () => {
    const hollow = (launch: Launch): Launch => (launch.purpose === 'confirm' ? { ...launch, points: {} } : launch);
    const done = measure(one, samplesOf(settled), { slowdown: () => 0.2 }, hollow);
    expect(launchDemand(one, done)).toEqual([]);
  });
});
