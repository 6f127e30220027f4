import { describe, expect, it } from 'vitest';
import { isOnlyShown, type SoloRun, soloBefore, soloKey, soloRecorded } from '../../src/launching/stored-solo.ts';
import type { CallPoint, OperatingPoint } from '../../src/records/metric.ts';
import type { PlannedCell } from '../../src/records/plan.ts';
import type { LaunchRequest } from '../../src/records/protocol.ts';
import type { SampleLine } from '../../src/records/sample.ts';
import { cell, digest } from '../gate/fixtures.ts';
import { launchRequestOf } from '../testkit/launch-request.ts';

const artefact = (letter: string) => ({
  digest: digest(letter),
  content: digest(letter),
  folder: 'f',
  stages: [{ id: 'decoder', graph: 'g' }],
  serve: {},
  spare: 0,
});
const call: CallPoint = {
  id: 'quick',
  kind: 'call',
  phase: 'decode',
  length: 8,
  batch: 1,
  rounds: 9,
  warmUp: 1,
  arms: ['reference', 'head'],
};
const request = launchRequestOf({
  purpose: 'solo',
  arms: ['head'],
  points: [{ id: 'solo', kind: 'solo', of: 'quick', seconds: 5, launches: 3, arms: ['head'] }],
  repeated: call,
  artefacts: { reference: { main: artefact('1') }, head: { main: artefact('2') } },
});
const wanted = { launch: 'm/x#solo-0', cell: 'm/x', index: 0, arms: request.arms, points: request.points } as const;

const planned = (code: 'equal' | 'other'): PlannedCell => {
  const arm = (id: 'base' | 'head') => ({
    id,
    code: digest(code === 'equal' ? 'c' : id === 'base' ? 'c' : 'd'),
    builds: {},
    policy: null,
    options: null,
  });
  const point = { ...request.points[0]!, arms: ['reference', 'base', 'head'] } as OperatingPoint;
  return { ...cell('m/x', { points: [point], metrics: [] }), arms: [arm('base'), arm('head')] } as PlannedCell;
};
const run = (given: Partial<SoloRun> = {}, status: 'changed' | 'unchanged' | 'new' = 'unchanged'): SoloRun => ({
  plan: { event: 'change', cells: [planned('equal')] },
  runnerClass: 'class',
  node: 'v24.0.0',
  energyMeter: false,
  seen: () => ({ settled: new Map([['m/x', { line: 'settled' as const, cell: 'm/x', status, arms: {}, error: null, warnings: [] }]]) }),
  ...given,
});
/** First index of an arm: the slots of three launches lie eight apart. */
const first = { reference: 0, base: 8, head: 16 } as const;

describe('what a solo launch is known by', () => {
  it('is the bytes, the call, the machine and the repetition; not which commit’s they are, nor the folder', () => {
    const at = (index: number) => ({ cell: 'm/x', index });
    const known = soloKey(request, at(first.head), run());
    expect(known).not.toBeNull();
    const points = request.points.map((point) => ({ ...point, arms: ['base' as const] }));
    const moved = { ...artefact('2'), folder: 'elsewhere' };
    const based: LaunchRequest = { ...request, arms: ['base'], points, artefacts: { base: { main: moved } } };
    expect(soloKey(based, at(first.base), run())).toBe(known);
    const changes: readonly Partial<LaunchRequest>[] = [
      { artefacts: { head: { main: artefact('1') } } },
      { runtime: { ...request.runtime, digest: digest('5') } },
      { runtime: { ...request.runtime, threads: 2 } },
      { runtime: { ...request.runtime, provider: 'cuda' } },
      { seed: 2 },
      { modelDigest: digest('6') },
      { repeated: { ...call, batch: 2 } },
      { repeated: { ...call, length: 9 } },
      { repeated: { ...call, phase: 'prefill' } },
    ];
    const others = [
      soloKey(request, at(first.head + 1), run()),
      soloKey(request, at(first.head), run({ runnerClass: 'another' })),
      soloKey(request, at(first.head), run({ node: 'v24.0.1' })),
      ...changes.map((change) => soloKey({ ...request, ...change }, at(first.head), run())),
    ];
    expect(new Set([known, ...others]).size).toBe(13);
  });

  it('is nothing for another launch, an index of another arm, or with a meter of energy', () => {
    const at = { cell: 'm/x', index: first.head };
    expect(soloKey({ ...request, purpose: 'screen' }, at, run())).toBeNull();
    expect(soloKey(request, { ...at, index: first.base }, run())).toBeNull();
    expect(soloKey(request, at, run({ energyMeter: true }))).toBeNull();
  });
});

describe('a solo launch that is only shown', () => {
  const shown = (arm: 'reference' | 'base' | 'head', of: SoloRun): boolean => isOnlyShown({ cell: 'm/x', arms: [arm] }, of);

  it('is one of the reference model, or of a cell in which nothing is compared', () => {
    expect([shown('reference', run({}, 'changed')), shown('head', run())]).toEqual([true, true]);
    expect([shown('head', run({}, 'changed')), shown('base', run({}, 'changed')), shown('head', run({}, 'new'))]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('is none of a cell whose code differs, and none that becomes a baseline', () => {
    expect(shown('head', run({ plan: { event: 'change', cells: [planned('other')] } }))).toBe(false);
    expect(shown('reference', run({ plan: { event: 'default-branch', cells: [planned('equal')] } }))).toBe(false);
  });
});

describe('soloRecorded', () => {
  const lines = (status: 'complete' | 'discarded' | 'failed'): readonly SampleLine[] => [
    { line: 'launch', launch: wanted.launch, cell: 'm/x', purpose: 'solo', index: 0, selfCheck: false },
    { line: 'point', launch: wanted.launch, point: 'solo', values: { head: { 'peak-bytes': [7] } }, warnings: ['w'] },
    { line: 'end', launch: wanted.launch, status, error: null, process: null },
  ];

  it('is what the same launch says again, with a warning, and nothing of one that did not end well', () => {
    const [launch, point, end] = lines('complete');
    const at = new Date('2026-11-28T12:00:00Z');
    const warnings = ['w', 'warning: peak-bytes: head measured on 2026-11-28, on this class of runner'];
    expect(soloBefore(wanted, soloRecorded(lines('complete'), at)!)).toEqual([launch, { ...point, warnings }, end]);
    expect([lines('discarded'), lines('failed'), []].map((none) => soloRecorded(none, at))).toEqual([null, null, null]);
  });
});
