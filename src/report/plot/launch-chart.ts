import * as Plot from '@observablehq/plot';
import type { MetricVerdict } from '../../records/verdict.ts';
import { median } from '../../statistics/describe.ts';
import { metricName } from '../listed-metric.ts';
import { allowanceText, axisUnit, changeText, counted } from '../number.ts';
import { armLines } from './colours.ts';
import { drawing, isDrawable, label } from './drawing.ts';

/** Whether the launches of a metric make a picture: base and head were told apart, and more than one launch has a number. */
export const hasLaunches = ({ verdict, state, samples }: MetricVerdict): boolean =>
  verdict !== null &&
  verdict !== 'unchanged' &&
  state === 'measured' &&
  (samples.base.length > 1 || samples.head.length > 1) &&
  [...samples.base, ...samples.head].every(isDrawable);

/** Where head may lie without being worse or better than the tolerance, around base's middle. */
const toleranceOf = (metric: MetricVerdict): readonly { readonly x1: number; readonly x2: number }[] => {
  if (metric.samples.base.length === 0) return [];
  const middle = median(metric.samples.base);
  const by = metric.scale === 'log' ? Math.abs(middle) * metric.tolerance : metric.tolerance;
  return isDrawable(by) ? [{ x1: middle - by, x2: middle + by }] : [];
};

/** Pixels: of a row, and of the x axis about. */
const [rowHeight, axisWidth] = [30, 300];

/** Radius in pixels with which the dots that lie upon one another find room in their row. @param span of the x axis */
const radiusFor = (rows: readonly (readonly number[])[], span: number): number => {
  const widest = 2.5;
  const near = (span * 2 * widest) / axisWidth;
  const pile = Math.max(...rows.flatMap((row) => row.map((x) => row.filter((other) => Math.abs(other - x) <= near).length)));
  return Math.min(widest, (rowHeight / pile - 0.5) / 2);
};

/** One dot per launch (one fresh process), base above head, their medians as ticks, the tolerance around base as a band. */
export const launchChart = (cell: string, metric: MetricVerdict): string => {
  const arms = (['base', 'head'] as const).filter((arm) => metric.samples[arm].length > 0);
  const band = toleranceOf(metric);
  const magnitude = Math.max(...arms.flatMap((arm) => metric.samples[arm].map(Math.abs)));
  const { divisor, label: unit } = axisUnit(magnitude, metric.unit);
  const dots = arms.flatMap((arm) => metric.samples[arm].map((value) => ({ arm, x: value / divisor })));
  const ends = [...dots.map(({ x }) => x), ...band.flatMap(({ x1, x2 }) => [x1 / divisor, x2 / divisor])];
  const radius = radiusFor(
    arms.map((arm) => dots.filter((dot) => dot.arm === arm).map(({ x }) => x)),
    Math.max(...ends) - Math.min(...ends),
  );
  const middles = arms.map((arm) => ({ arm, x: median(metric.samples[arm]) / divisor }));
  return drawing(
    {
      title: `Launches of ${metricName(metric)} of ${cell}`,
      description: `${arms.map((arm) => `${arm}: ${counted(metric.samples[arm].length, 'launch', 'launches')}`).join(', ')}. Change ${changeText(metric)}, tolerance ${allowanceText(metric.tolerance, metric)}, ${metric.verdict ?? metric.role}.`,
    },
    {
      width: 360,
      height: 44 + arms.length * 34,
      marginLeft: 40,
      marginTop: 20,
      marginBottom: 26,
      x: { label: null, nice: true, ticks: 5, insetLeft: 6, insetRight: 6 },
      fy: { domain: [...arms], label: null, axis: 'left', padding: 0.1 },
      marks: [
        Plot.rect(
          band.map(({ x1, x2 }) => ({ x1: x1 / divisor, x2: x2 / divisor })),
          { x1: 'x1', x2: 'x2', fill: 'var(--band)' },
        ),
        ...arms.map((arm) =>
          Plot.dotX(
            dots.filter((dot) => dot.arm === arm),
            Plot.dodgeY('middle', { x: 'x', fy: 'arm', r: radius, padding: 0.5, fill: armLines[arm].stroke, fillOpacity: 0.65 }),
          ),
        ),
        Plot.tickX(middles, { x: 'x', fy: 'arm', stroke: 'var(--ink)', strokeWidth: 1.5 }),
        Plot.text([`${label(metricName(metric), 44)} ${metric.better === 'lower' ? '↓' : '↑'}${unit === '' ? '' : `, ${unit}`}`], {
          frameAnchor: 'top-left',
          dy: -16,
          dx: -36,
          fontWeight: 600,
          facetAnchor: 'top',
        }),
      ],
    },
  );
};
