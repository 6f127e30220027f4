import * as Plot from '@observablehq/plot';
import type { CellVerdict, MetricVerdict } from '../../records/verdict.ts';
import type { PastValue } from '../evidence.ts';
import { postOf } from '../gain.ts';
import { metricName } from '../listed-metric.ts';
import { counted, quantity } from '../number.ts';
import { line } from './colours.ts';
import { drawing, isDrawable, label } from './drawing.ts';

export interface MetricHistory {
  readonly metric: MetricVerdict;
  /** Oldest first; not empty. */
  readonly past: readonly PastValue[];
}

const rowHeight = 26;

const arrow = { lower: '↓', higher: '↑' } as const;

/** Each metric on a scale of its own, from its lowest to its highest number, so that one picture holds them all. */
const relative = (values: readonly number[]): readonly number[] => {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return values.map((value) => (high > low ? (value - low) / (high - low) : 0.5));
};

/**
 * The metrics of one cell over the commits of the base branch, a row each on its own scale; the last dot is this run's head.
 * Commits follow each other at equal distances, the time between them says nothing.
 */
export const historyChart = (cell: CellVerdict, histories: readonly MetricHistory[]): string => {
  const longest = Math.max(...histories.map(({ past }) => past.length));
  const rows = histories.map(({ metric, past }) => {
    const head = postOf(metric);
    const values = [...past.map(({ value }) => value), ...(isDrawable(head) ? [head] : [])];
    const name = `${label(metricName(metric), 34)} ${arrow[metric.better]}`;
    const heights = relative(values);
    const dots = values.map((_value, at) => ({ name, x: at + longest - past.length, y: heights[at] ?? 0, now: at >= past.length }));
    const ends = `${quantity(past[0]?.value ?? null, metric.unit)} … ${quantity(values.at(-1) ?? null, metric.unit)}`;
    return { name, dots, ends };
  });
  const dots = rows.flatMap((row) => row.dots);
  return drawing(
    {
      title: `History of ${cell.id}`,
      description: `${counted(rows.length, 'metric')} over ${counted(longest, 'commit')} of the base branch, each on its own scale; the last dot of a row is this run. The numbers follow in a table.`,
    },
    {
      width: 620,
      height: 12 + rows.length * rowHeight,
      marginLeft: 208,
      marginRight: 168,
      marginTop: 6,
      marginBottom: 6,
      x: { domain: [0, longest], axis: null },
      y: { domain: [0, 1], axis: null, insetTop: 5, insetBottom: 5 },
      fy: { domain: [...new Set(rows.map(({ name }) => name))], label: null, axis: 'left', padding: 0 },
      marks: [
        Plot.ruleY([0], { stroke: line, dy: 5 }),
        Plot.lineY(dots, { x: 'x', y: 'y', z: 'name', fy: 'name', stroke: 'var(--base)', strokeWidth: 1.25 }),
        Plot.dot(
          dots.filter(({ now }) => now),
          { x: 'x', y: 'y', fy: 'name', r: 3, fill: 'var(--head)' },
        ),
        Plot.text(rows, { fy: 'name', text: 'ends', frameAnchor: 'right', textAnchor: 'start', dx: 10 }),
      ],
    },
  );
};
