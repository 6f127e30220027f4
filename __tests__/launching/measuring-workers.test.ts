import { describe, expect, it } from 'vitest';
import { joinedLaunch, measuredBy, measuredWith } from '../../src/launching/measuring-workers.ts';
import { readOtherMeasure } from '../../src/records/other-measure.ts';
import type { FromWorker, LaunchRequest } from '../../src/records/protocol.ts';
import { planOf } from '../gate/fixtures.ts';

const own = { baseWorker: 'dist/worker.js' };

describe('which program measures', () => {
  it.each([
    [['reference', 'base', 'head'], false, 'both'],
    [['base', 'head'], false, 'both'],
    [['reference'], false, 'base'],
    [['base'], false, 'base'],
    [['reference', 'head'], false, 'running'],
    [['base', 'head', 'self-check:planted'], true, 'running'],
  ] as const)('%s: %s', (arms, selfCheck, expected) => {
    expect(measuredBy(own, { arms, selfCheck })).toBe(expected);
    expect(measuredBy({ baseWorker: null }, { arms, selfCheck })).toBe('running');
  });

  it('is part of what numbers rest on', () => {
    const plan = planOf([]);
    const baseRuntime = { ...plan.runtime, serving: 'f'.repeat(64) };
    const [running, both, base] = (['running', 'both', 'base'] as const).map((by) => measuredWith({ ...plan, baseRuntime }, by).digest);
    expect(both).toBe(running);
    expect(base).not.toBe(running);
    expect(base).toBe(measuredWith({ ...plan, runtime: baseRuntime, baseRuntime }, 'running').digest);
  });
});

type Measured = Extract<FromWorker, { type: 'measured' }>;

const measured = (values: Measured['points'][number]['values'], warnings: string[], seconds: number): Measured => ({
  type: 'measured',
  points: [{ point: 'p', values, warnings }],
  traces: [
    { point: 'p', arm: 'reference', columns: { t: [seconds] } },
    { point: 'p', arm: 'head', columns: { t: [seconds] } },
  ],
  scores: [],
  process: { seconds, vmHwmBytes: seconds, cpuSeconds: null, runNs: seconds, waitNs: 0, pressure: null, throttled: false },
});

const asking = (point: object): LaunchRequest =>
  ({ points: [{ id: 'p', arms: ['reference', 'base', 'head'], ...point }] }) as unknown as LaunchRequest;

describe('a launch of two programs', () => {
  const base = measured({ reference: { ns: [1, 2, 3] }, base: { ns: [4, 5, 6] } }, ['slow'], 2);
  const head = measured({ reference: { ns: [7, 8] }, head: { ns: [9, 10] } }, ['slow', 'odd'], 3);

  it('has the numbers of head by one and all others by the other, in pairs', () => {
    const { points, traces, process } = joinedLaunch(asking({ kind: 'call', rounds: 5 }), base, head);
    expect(points).toEqual([
      { point: 'p', values: { reference: { ns: [1, 2] }, base: { ns: [4, 5] }, head: { ns: [9, 10] } }, warnings: ['slow', 'odd'] },
    ]);
    expect(traces.map(({ arm, columns }) => [arm, columns])).toEqual([
      ['reference', { t: [2] }],
      ['head', { t: [2] }],
      ['head', { t: [3] }],
    ]);
    expect(process).toMatchObject({ seconds: 5, vmHwmBytes: 3, cpuSeconds: null, runNs: 5 });
  });

  it('keeps all windows of an evaluation, and says where the programs disagree on the reference model', () => {
    const scored = (own: number) =>
      joinedLaunch(
        asking({ kind: 'evaluation', windows: 3 }),
        base,
        measured({ reference: { ns: [1, 2, own] }, head: { ns: [9, 9, 9] } }, [], 1),
      );
    const [same] = scored(3 + 1e-12).points;
    expect(same).toEqual({
      point: 'p',
      values: { reference: { ns: [1, 2, 3] }, base: { ns: [4, 5, 6] }, head: { ns: [9, 9, 9] } },
      warnings: ['slow'],
    });
    const [other] = scored(3.001).points;
    expect(other?.warnings.map((warning) => readOtherMeasure(warning)?.series)).toEqual([undefined, 'ns']);
  });
});
