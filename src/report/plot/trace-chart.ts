import * as Plot from '@observablehq/plot';
import type { CellTrace } from '../evidence.ts';
import { counted } from '../number.ts';
import { armLines, armNames, type DrawnArm, line } from './colours.ts';
import { drawing, isDrawable, label } from './drawing.ts';

/** Rows of a trace that are drawn: two per bucket, its lowest and its highest, so that no spike is lost. */
const buckets = 64;
/** Columns that are drawn of a trace; more are in the samples. */
const mostColumns = 6;

const setPoint = 'set-point';
const steered = 'latency';

type Columns = CellTrace['columns'];

const isRising = (values: readonly number[]): boolean =>
  values.every((value, index) => index === 0 || value >= (values[index - 1] ?? value));

/** What runs along the trace: its time, else a first column that never falls; null: the row's number. */
export const runningColumn = (columns: Columns): string | null => {
  if (columns['time'] !== undefined) return 'time';
  const [first] = Object.keys(columns);
  return first !== undefined && isRising(columns[first] ?? []) ? first : null;
};

/** The columns that are drawn one above the other; a set-point stands in the panel of what it steers. */
export const panelsOf = (columns: Columns): readonly string[] => {
  const running = runningColumn(columns);
  const steers = columns[steered] !== undefined;
  return Object.keys(columns)
    .filter((name) => name !== running && !(steers && name === setPoint))
    .slice(0, mostColumns);
};

/** Indices of the rows to draw: all of a short column, else the extremes of each bucket. */
export const extremes = (values: readonly number[]): readonly number[] => {
  if (values.length <= 2 * buckets) return values.map((_value, index) => index);
  const kept = new Set<number>([0, values.length - 1]);
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = Math.floor((bucket * values.length) / buckets);
    const to = Math.floor(((bucket + 1) * values.length) / buckets);
    let [low, high] = [from, from];
    for (let row = from; row < to; row++) {
      if ((values[row] ?? 0) < (values[low] ?? 0)) low = row;
      if ((values[row] ?? 0) > (values[high] ?? 0)) high = row;
    }
    kept.add(low).add(high);
  }
  return [...kept].sort((a, b) => a - b);
};

interface Drawn {
  readonly arm: DrawnArm;
  readonly rows: readonly { readonly x: number; readonly y: number }[];
}

const drawnOf = (trace: CellTrace & { readonly arm: DrawnArm }, name: string): Drawn => {
  const values = trace.columns[name] ?? [];
  const running = runningColumn(trace.columns);
  const along = running === null ? values.map((_value, index) => index) : (trace.columns[running] ?? []);
  const rows = extremes(values).map((row) => ({ x: along[row] ?? Number.NaN, y: values[row] ?? Number.NaN }));
  return { arm: trace.arm, rows: rows.filter(({ x, y }) => isDrawable(x) && isDrawable(y)) };
};

/** Traces of the arms that are drawn, the reference first, so that head lies on top. Comparators are left out: they are worse by design. */
export const drawnTraces = (traces: readonly CellTrace[]): readonly (CellTrace & { readonly arm: DrawnArm })[] =>
  armNames.flatMap((arm) => traces.filter((trace) => trace.arm === arm).map((trace) => ({ ...trace, arm })));

/** One panel: one column of all arms at one point, over time. The set-point is the dashed line that latency is to keep to. */
export const traceChart = (cell: string, point: string, traces: ReturnType<typeof drawnTraces>, name: string): string => {
  const drawn = traces.map((trace) => drawnOf(trace, name));
  const target = name === steered ? traces.map((trace) => drawnOf(trace, setPoint)).find(({ rows }) => rows.length > 0) : undefined;
  const heights = [...drawn, ...(target === undefined ? [] : [target])].flatMap(({ rows }) => rows.map(({ y }) => y));
  const [low, high] = [Math.min(0, ...heights), Math.max(0, ...heights)];
  const running = traces[0] === undefined ? null : runningColumn(traces[0].columns);
  return drawing(
    {
      title: `${name} of ${cell} at ${point}`,
      description: `${drawn.map(({ arm, rows }) => `${arm}: ${counted(rows.length, 'row')}`).join(', ')}${target === undefined ? '' : '; with its set-point'}.`,
    },
    {
      width: 620,
      height: 112,
      marginLeft: 54,
      marginTop: 20,
      marginBottom: 28,
      x: { label: `${label(running ?? 'row')} →`, ticks: 8 },
      y: { label: null, ticks: 3, domain: [low, high > low ? high : low + 1], nice: true },
      marks: [
        Plot.gridY({ stroke: line, strokeOpacity: 1, ticks: 3 }),
        ...(target === undefined ? [] : [Plot.line(target.rows, { x: 'x', y: 'y', stroke: 'var(--bad)', strokeDasharray: '7 3' })]),
        ...drawn.map(({ arm, rows }) => Plot.line(rows, { x: 'x', y: 'y', strokeWidth: arm === 'head' ? 1.5 : 1.25, ...armLines[arm] })),
        Plot.text([`${label(name)}${target === undefined ? '' : ' and its set-point'}`], {
          frameAnchor: 'top-left',
          dy: -16,
          dx: -48,
          fontWeight: 600,
        }),
      ],
    },
  );
};
