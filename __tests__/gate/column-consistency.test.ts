import { describe, expect, it } from 'vitest';
import { requireColumns } from '../../src/gate/column-consistency.ts';
import type { LaunchDemand } from '../../src/gate/launch-demand.ts';
import type { OperatingPoint } from '../../src/records/metric.ts';
import type { Launch } from '../../src/records/sample.ts';
import { cell, run } from './fixtures.ts';

const drawn: OperatingPoint = {
  id: 'replay',
  kind: 'episode',
  setting: null,
  exact: true,
  rounds: 200,
  enough: { within: { goodput: 0.005 }, least: 24 },
  warmUp: 0,
  arms: ['base', 'head'],
};
const generated: OperatingPoint = { id: 'generation', kind: 'generation', windows: 8, steps: 128, arms: ['base', 'head'] };

/** What is wrong with columns of so many values at a point; null: nothing. */
const refusal = (point: OperatingPoint, series: string, base: number, head: number): string | null => {
  const values = { base: { [series]: Array<number>(base).fill(1) }, head: { [series]: Array<number>(head).fill(1) } };
  const own = cell('mini/a', { points: [point], metrics: [] });
  const order = { launch: `${own.id}#once-0`, cell: own.id, purpose: 'once', index: 0 } as const;
  const demand: LaunchDemand = { ...order, arms: ['base', 'head'], points: [], selfCheck: false, alone: false };
  const launch: Launch = { ...run({}, demand), points: { [point.id]: { values, warnings: [] } } };
  try {
    requireColumns(own, point, launch, false);
    return null;
  } catch (thrown) {
    return String(thrown);
  }
};

describe('columns of a point of draws', () => {
  it.each([8, 24, 200])('may hold %i', (draws) => {
    expect(refusal(drawn, 'goodput', draws, draws)).toBeNull();
  });

  it.each([
    [7, 7, /has 7 values; expected 8 to 200/],
    [201, 201, /has 201 values; expected 8 to 200/],
    [24, 25, /has 24 values and series goodput of head 25/],
  ])('may not hold %i of base and %i of head', (base, head, says) => {
    expect(refusal(drawn, 'goodput', base, head)).toMatch(says);
  });
});

describe('columns of what is generated', () => {
  it('hold a value for each window', () => {
    const read = (count: number) => refusal(generated, 'cached-nll', count, count);
    expect(read(8)).toBeNull();
    expect(read(9)).toMatch(/has 9 values/);
  });
});
