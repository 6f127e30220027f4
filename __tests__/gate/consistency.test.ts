import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { requireConsistent } from '../../src/gate/consistency.ts';
import { type LaunchDemand, launchDemand } from '../../src/gate/launch-demand.ts';
import { settleCell } from '../../src/gate/settled-cell.ts';
import type { OperatingPoint } from '../../src/records/metric.ts';
import type { Plan, PlannedCell } from '../../src/records/plan.ts';
import type { BuiltLine, Launch, ProcessFacts, Samples } from '../../src/records/sample.ts';
import { buildOf, cell, digest, planOf, run, samplesOf } from './fixtures.ts';

const arms = ['reference', 'base', 'head', 'comparator:idle'] as const;
const episode = (id: string, exact: boolean): OperatingPoint => ({ id, kind: 'episode', setting: null, exact, rounds: 3, warmUp: 0, arms });
const steering = { points: [episode('burst', false), episode('replay', true)], metrics: [], comparators: { 'comparator:idle': null } };

const buildsIn = (head: string, base: string): Samples['built'] =>
  new Map(
    [buildOf('head'), buildOf('base')].map(({ key, arm }): [string, BuiltLine] => [
      key,
      {
        line: 'built',
        key,
        status: 'built',
        artefact: digest(arm === 'head' ? head : base),
        bytes: 9,
        seconds: 1,
        repeatSeconds: null,
        facts: {},
        error: null,
      },
    ]),
  );

const planned = (cells: readonly PlannedCell[], fields: Partial<Plan> = {}): Plan =>
  planOf(cells, { builds: [buildOf('head'), buildOf('base')], ...fields });

const settledIn = (plan: Plan, built: Samples['built']): Samples => {
  const lines = plan.cells.map((each) => settleCell(plan, each, built));
  const settlements = lines.map((line, at) => ({ line, built, where: `samples.jsonl:${at + 4}` }));
  return samplesOf(lines, [], { built, settlements });
};

const facts: ProcessFacts = { seconds: 1, vmHwmBytes: 5e7, cpuSeconds: 1, runNs: 1, waitNs: 1, pressure: 0, throttled: false };

/** A launch with as many values as a worker gives. */
const launched = (demand: LaunchDemand): Launch => {
  const count = (point: OperatingPoint): number => {
    if (point.kind === 'evaluation') return point.windows;
    return 'rounds' in point ? point.rounds : 1;
  };
  const series = (point: OperatingPoint): readonly string[] =>
    point.kind === 'call' ? ['wall-ms', 'cpu-ms'] : point.kind === 'evaluation' ? ['nll'] : ['bytes'];
  const column = (point: OperatingPoint, arm: string): number[] =>
    Array.from({ length: count(point) }, (_, at) => (!demand.selfCheck && arm === 'head' ? 3 : 2) + 0.01 * Math.sin(at + demand.index));
  const valuesOf = (point: OperatingPoint) =>
    Object.fromEntries(point.arms.map((arm) => [arm, Object.fromEntries(series(point).map((name) => [name, column(point, arm)]))]));
  return {
    ...run({}, { ...demand, points: [] }),
    process: facts,
    points: Object.fromEntries(demand.points.map((point) => [point.id, { values: valuesOf(point), warnings: [] }])),
    tuned: demand.purpose === 'tune' ? { batch: 4 } : undefined,
  };
};

/** Follows the rule, and checks what there is whenever it is asked again. */
const followed = (plan: Plan, start: Samples, step: (launch: Launch) => Launch = (launch) => launch): Samples => {
  let samples = start;
  for (let turn = 0; turn < 40; turn++) {
    requireConsistent(plan, samples);
    const wanted = launchDemand(plan, samples);
    if (wanted.length === 0) return samples;
    samples = { ...samples, launches: [...samples.launches, ...wanted.map((demand) => step(launched(demand)))] };
  }
  throw new Error('the demand never ends');
};

const refusal = (plan: Plan, samples: Samples): string | null => {
  try {
    requireConsistent(plan, samples);
    return null;
  } catch (thrown) {
    return thrown instanceof GateError ? `${thrown.code} ${thrown.where}: ${thrown.message}` : String(thrown);
  }
};

describe('samples that a run writes', () => {
  const cells = [cell('mini/pruning'), cell('mini/steering', { ...steering, tunes: 'shared' })];

  it.each([
    ['changed', '8', '9', {}],
    ['unchanged', '9', '9', {}],
    ['unchanged, for a baseline', '9', '9', { event: 'default-branch' }],
    ['changed, by a first impression', '8', '9', { policy: { ...planOf([]).policy, screen: 3, looks: [] } }],
  ] as const)('are accepted while they grow: %s', (_, head, base, fields) => {
    const plan = planned(cells, fields);
    const samples = followed(plan, settledIn(plan, buildsIn(head, base)));
    expect(samples.launches.length).toBeGreaterThan(8);
  });

  it('are accepted where only the head has the cell', () => {
    const plan = planned([cell('mini/pruning', { presence: 'new', arms: cell('mini/pruning').arms.filter(({ id }) => id === 'head') })]);
    expect(followed(plan, settledIn(plan, buildsIn('8', '9'))).launches.some(({ purpose }) => purpose === 'impact')).toBe(true);
  });

  it('are accepted whatever is discarded or fails, in any part of them and in any order', () => {
    const plan = planned(cells);
    const start = settledIn(plan, buildsIn('8', '9'));
    fc.assert(
      fc.property(fc.nat({ max: 9 }), fc.constantFrom('discarded', 'base', 'head'), fc.nat(), (modulo, what, from) => {
        const error = { code: 'subject-crashed', message: 'it ended', arm: what === 'head' ? ('head' as const) : ('base' as const) };
        const samples = followed(plan, start, (launch) => {
          if (launch.index % 10 !== modulo) return launch;
          if (what === 'discarded') return { ...launch, status: 'discarded', process: { ...facts, throttled: true } };
          return { ...launch, status: 'failed', error, points: {}, tuned: undefined, process: null };
        });
        const turned = [
          ...samples.launches.slice(from % samples.launches.length),
          ...samples.launches.slice(0, from % samples.launches.length),
        ];
        for (let length = 0; length <= samples.launches.length; length += 7)
          expect(refusal(plan, { ...samples, launches: samples.launches.slice(0, length) })).toBeNull();
        expect(refusal(plan, { ...samples, launches: turned })).toBeNull();
      }),
      { numRuns: 30 },
    );
  });
});

describe('samples that no run writes', () => {
  const plan = planned([cell('mini/pruning'), cell('mini/steering', steering)]);
  const built = buildsIn('8', '9');
  const samples = followed(plan, settledIn(plan, built));
  const withLaunch = (id: string, change: (launch: Launch) => Launch): string | null => {
    expect(samples.launches.map((launch) => launch.id)).toContain(id);
    return refusal(plan, { ...samples, launches: samples.launches.map((launch) => (launch.id === id ? change(launch) : launch)) });
  };
  const withPoint = (id: string, point: string, change: (values: Launch['points'][string]) => Launch['points'][string]): string | null =>
    withLaunch(id, (launch) => ({ ...launch, points: { ...launch.points, [point]: change(launch.points[point]!) } }));
  const added = (...launches: readonly Partial<Launch>[]): string | null => {
    const first = samples.launches[0]!;
    const more = launches.map((fields): Launch => ({ ...first, ...fields, id: `mini/pruning#${fields.purpose}-${fields.index}` }));
    return refusal(plan, { ...samples, launches: [...samples.launches, ...more] });
  };
  const short = (count: number) => (point: Launch['points'][string]) => ({
    ...point,
    values: Object.fromEntries(
      Object.entries(point.values).map(([arm, columns]) => [
        arm,
        Object.fromEntries(Object.entries(columns).map(([series, column]) => [series, column.slice(0, count)])),
      ]),
    ),
  });
  const excused = (warning: string) => (point: Launch['points'][string]) => ({ ...point, warnings: [warning] });

  it.each([
    [
      'an unknown build',
      () => refusal(plan, { ...samples, built: new Map([...built, [digest('7'), { ...built.get(digest('1'))!, key: digest('7') }]]) }),
    ],
    [
      'an unknown cell',
      () => withLaunch('mini/pruning#screen-0', (launch) => ({ ...launch, cell: 'mini/other', id: 'mini/other#screen-0' })),
    ],
  ])('belong to another plan: %s', (_, refused) => {
    expect(refused()).toMatch(/^run-mismatch /);
  });

  const pruning = samples.settlements.find(({ line }) => line.cell === 'mini/pruning')!;
  const resettled = (fields: Partial<typeof pruning.line>): string | null =>
    refusal(plan, { ...samples, settlements: [{ ...pruning, line: { ...pruning.line, ...fields } }] });

  it.each([
    [
      'an artefact of a build that failed',
      () => refusal(plan, { ...samples, built: new Map([[digest('1'), { ...built.get(digest('1'))!, status: 'failed' }]]) }),
      /status failed/,
    ],
    ['a status that does not follow', () => resettled({ status: 'unchanged' }), /samples\.jsonl:4: .*settled as "unchanged, /],
    ['digests that do not follow', () => resettled({ arms: { ...pruning.line.arms, head: digest('6') } }), /head 666666666666/],
    [
      'an error that does not follow',
      () => resettled({ status: 'failed', arms: {}, error: { code: 'build-failed', message: '', arm: 'base' } }),
      /build-failed/,
    ],
    ['the end of a budget that there is not', () => refusal(plan, { ...samples, stopped: 'budget' }), /has no budget/],
    ['a launch before its cell was settled', () => refusal(plan, { ...samples, settlements: [] }), /never settled/],
    [
      'a launch under another name',
      () => withLaunch('mini/pruning#screen-0', (launch) => ({ ...launch, id: 'mini/pruning#screen-00' })),
      /is called/,
    ],
    ['another index', () => withLaunch('mini/pruning#screen-0', (launch) => ({ ...launch, index: 3 })), /is called/],
    [
      'a screen as a self-check',
      () => withLaunch('mini/pruning#screen-0', (launch) => ({ ...launch, selfCheck: true })),
      /self-check true/,
    ],
    ['a tuning launch where nothing tunes', () => added({ purpose: 'tune', index: 0, points: {}, tuned: 1 }), /no launch for tune/],
    [
      'a complete launch that was throttled',
      () => withLaunch('mini/pruning#screen-0', (launch) => ({ ...launch, process: { ...facts, throttled: true } })),
      /throttled/,
    ],
    ['a sixth screen', () => added({ ...samples.launches.find(({ id }) => id === 'mini/pruning#screen-0')!, index: 5 }), /its index is 5/],
    [
      'a second launch of exact points',
      () => added({ ...samples.launches.find(({ id }) => id === 'mini/pruning#once-0')!, index: 1 }),
      /its index is 1/,
    ],
    [
      'a solo launch beyond its slot',
      () => added({ ...samples.launches.find(({ id }) => id === 'mini/pruning#solo-8')!, index: 12 }),
      /mini\/pruning#solo-12/,
    ],
    [
      'a launch without one of its points',
      () => withLaunch('mini/pruning#once-0', ({ points: { evaluation: _, ...points }, ...launch }) => ({ ...launch, points })),
      /holds inspection/,
    ],
    [
      'a launch with another point',
      () =>
        withLaunch('mini/pruning#screen-0', (launch) => ({ ...launch, points: { ...launch.points, burst: launch.points['decode-b1']! } })),
      /holds .*burst/,
    ],
    [
      'a confirming launch without points',
      () => withLaunch('mini/pruning#confirm-0', (launch) => ({ ...launch, points: {} })),
      /no points/,
    ],
    [
      'no head',
      () => withPoint('mini/pruning#once-0', 'inspection', ({ values: { head: _, ...values }, warnings }) => ({ values, warnings })),
      /inspection \(reference, base\)/,
    ],
    ['one window of eight', () => withPoint('mini/pruning#once-0', 'evaluation', short(1)), /has 1 values; expected 8/],
    [
      'one window, and an excuse',
      () => withPoint('mini/pruning#once-0', 'evaluation', (point) => ({ ...short(1)(point), warnings: ['refused: *: untrained'] })),
      /has values although/,
    ],
    ['fourteen rounds of sixty', () => withPoint('mini/pruning#screen-0', 'decode-b1', short(14)), /expected 15 to 60/],
    [
      'sixty-one rounds',
      () =>
        withPoint('mini/pruning#screen-0', 'decode-b1', ({ values, warnings }) => ({
          warnings,
          values: { ...values, head: { 'wall-ms': Array(61).fill(1), 'cpu-ms': Array(61).fill(1) } },
        })),
      /has 61 values/,
    ],
    [
      'a call without one of its series',
      () =>
        withPoint('mini/pruning#screen-0', 'decode-b1', ({ values, warnings }) => ({
          warnings,
          values: { ...values, base: { 'cpu-ms': values['base']?.['cpu-ms'] ?? [] } },
        })),
      /base has no series wall-ms/,
    ],
    ['two rounds of an episode of three', () => withPoint('mini/steering#screen-0', 'burst', short(2)), /has 2 values; expected 3/],
    [
      'no meter for a time',
      () => withPoint('mini/pruning#screen-0', 'decode-b1', excused('no-meter: wall-ms: none')),
      /excuses wall-ms by "no-meter"/,
    ],
    ['no meter for a loss', () => withPoint('mini/pruning#once-0', 'evaluation', excused('no-meter: nll: none')), /excuses nll/],
    [
      'bytes that cannot be counted',
      () => withPoint('mini/pruning#once-0', 'inspection', excused('unsupported-export: bytes: none')),
      /excuses bytes/,
    ],
    [
      'no meter for a peak that others told',
      () => withPoint('mini/pruning#solo-8', 'memory', excused('no-meter: peak-bytes: none')),
      /excuses peak-bytes/,
    ],
  ] as const)('%s', (_, refused, says) => {
    const said = refused();
    expect(said).toMatch(
      /^samples-contradictory [^:]+(:\d+)?: The samples were held against the plan\. They contradict it or themselves: /,
    );
    expect(said).toMatch(says);
  });

  it('excuses that such a point has are none of these', () => {
    expect(withPoint('mini/pruning#solo-8', 'memory', excused('no-meter: joules: none'))).toBeNull();
    expect(withPoint('mini/pruning#once-0', 'inspection', excused('unsupported-export: multiply-adds: none'))).toBeNull();
    expect(withPoint('mini/pruning#once-0', 'evaluation', () => ({ values: {}, warnings: ['refused: *: untrained'] }))).toBeNull();
    expect(
      withPoint('mini/steering#screen-0', 'burst', (point) => ({ ...short(2)(point), warnings: ['not-applicable: bytes: none'] })),
    ).toBeNull();
    expect(refusal(plan, { ...samples, stopped: 'interrupted' })).toBeNull();
    expect(refusal({ ...plan, budgetMinutes: 1 }, { ...samples, stopped: 'budget' })).toBeNull();
  });
});
