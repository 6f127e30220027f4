import { describe, expect, it } from 'vitest';
import { gainsOf } from '../../src/gate/metric-values.ts';
import type { MetricSpec } from '../../src/records/metric.ts';
import { cell, type Machine, measure, metricOf, metrics, planOf, samplesOf, settle, verdictOf } from './fixtures.ts';

const latency = metrics.find(({ id }) => id === 'decode-latency')!;
const goodput: MetricSpec = { ...latency, id: 'goodput', better: 'higher' };
/** Launches as `reference/base/head`, a dash for an arm that did not run. */
const launches = (...texts: readonly string[]) => ({
  warnings: [],
  columns: texts.map((text) =>
    Object.fromEntries(
      text.split('/').flatMap((value, at) => (value === '-' ? [] : [[['reference', 'base', 'head'][at], { 'wall-ms': [Number(value)] }]])),
    ),
  ),
});
const none = { base: [], head: [] };

describe('how many times as good as the reference an arm was', () => {
  it('is above 1 for what is better, in launches that ran both', () => {
    const observed = launches('10/5/4', '20/20/5', '-/1/1', '30/-/60');
    expect(gainsOf(observed, latency, 'call')).toEqual({ base: [2, 1], head: [2.5, 4, 0.5] });
    expect(gainsOf(observed, goodput, 'call')).toEqual({ base: [0.5, 1], head: [0.4, 0.25, 2] });
  });

  it('is of the rounds that a metric compares, where it compares', () => {
    const speedUp: MetricSpec = {
      ...goodput,
      from: { of: 'against', arm: 'reference', point: 'decode-b1', series: 'wall-ms', over: 'median', as: 'speed-up' },
    };
    expect(gainsOf(launches('10/5/4'), speedUp, 'call')).toEqual({ base: [2], head: [2.5] });
  });

  it('is nothing where one launch leaves no factor, so that no other stands for all', () => {
    expect(gainsOf(launches('10/5/0', '10/5/5'), goodput, 'episode')).toEqual({ base: [0.5, 0.5], head: [] });
    expect(gainsOf(launches('0/5/5', '10/5/5'), goodput, 'episode')).toEqual(none);
    expect(gainsOf(launches('10/1/1e-310'), latency, 'call')).toEqual({ base: [10], head: [] });
    expect(gainsOf(launches('-10/5/5'), latency, 'call')).toEqual(none);
  });

  it('is nothing for a difference, for processes of one arm each, and for what no launch gives', () => {
    expect(gainsOf(launches('10/5/4'), { ...latency, scale: 'linear' }, 'call')).toEqual(none);
    expect(gainsOf(launches('10/5/4'), latency, 'solo')).toEqual(none);
    expect(gainsOf(launches('10/5/4'), { ...latency, from: { of: 'improvement', at: null } }, 'none')).toEqual(none);
  });
});

describe('of a judged cell', () => {
  const one = planOf([cell('mini/pruning')]);
  // Whatever confirms runs at half the pace: as if another neighbour had come.
  const judged = (machine: Machine, status: 'changed' | 'unchanged') =>
    verdictOf(
      one,
      measure(one, samplesOf([settle('mini/pruning', status)]), machine, (launch) => ({
        ...launch,
        points: Object.fromEntries(
          Object.entries(launch.points).map(([id, point]) => [
            id,
            {
              ...point,
              values: Object.fromEntries(
                Object.entries(point.values).map(([arm, series]) => [
                  arm,
                  Object.fromEntries(
                    Object.entries(series).map(([name, values]) => [
                      name,
                      values.map((value) => value * (launch.purpose === 'confirm' && name === 'wall-ms' ? 2 : 1)),
                    ]),
                  ),
                ]),
              ),
            },
          ]),
        ),
      })),
    );

  it('that was confirmed, the gain is that of the screens, which ran the reference', () => {
    const slow = judged({ noise: 0.004, slowdown: (_, point) => (point === 'decode-b1' ? 0.1 : 0) }, 'changed');
    const { verdict, reference, head, samples } = metricOf(slow, 'decode-latency');
    expect([verdict, samples.head.length, samples.gains.base.length, samples.gains.head.length]).toEqual(['regressed', 12, 3, 3]);
    expect((reference ?? 0) / (head ?? 1)).toBeLessThan(0.8);
    for (const gain of samples.gains.head) expect(gain).toBeCloseTo(1.5 / 1.1, 1);
    for (const gain of samples.gains.base) expect(gain).toBeCloseTo(1.5, 1);
    expect(metricOf(slow, 'model-size').samples.gains.head).toHaveLength(1);
    expect(metricOf(slow, 'peak-memory').samples.gains).toEqual(none);
  });

  it('that is unchanged, base has gained what head has', () => {
    const { samples } = metricOf(judged({ noise: 0.004 }, 'unchanged'), 'decode-latency');
    expect(samples.gains.head).toHaveLength(3);
    expect(samples.gains.base).toEqual(samples.gains.head);
  });
});
