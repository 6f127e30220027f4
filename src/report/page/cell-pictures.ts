/** What is drawn of one cell: its launches, what its controllers did, where its metrics came from. */
import type { CellVerdict } from '../../records/verdict.ts';
import { html } from '../escape.ts';
import type { CellTrace, PastValue, ShownEvidence } from '../evidence.ts';
import { postOf } from '../gain.ts';
import { metricName } from '../listed-metric.ts';
import { absent, counted, quantity, significant } from '../number.ts';
import { historyChart, type MetricHistory } from '../plot/history-chart.ts';
import { hasLaunches, launchChart } from '../plot/launch-chart.ts';
import { drawnTraces, panelsOf, traceChart } from '../plot/trace-chart.ts';
import { figure, rowsOf, table } from './element.ts';

const launchFigure = (cell: CellVerdict): string => {
  const metrics = cell.metrics.filter(hasLaunches);
  if (metrics.length === 0) return '';
  const longest = Math.max(...metrics.flatMap(({ samples }) => [samples.base.length, samples.head.length]));
  return figure(
    'Launches: one dot per fresh process, base and head. The tick is the median, the band is the tolerance around base.',
    metrics.map((metric) => launchChart(cell.id, metric)),
    table({
      caption: `Launch values of ${cell.id}`,
      head: ['launch', ...metrics.flatMap((metric) => [`${metricName(metric)} base`, 'head'])],
      rows: rowsOf(
        Array.from({ length: longest }, (_, launch) => [
          String(launch + 1),
          ...metrics.flatMap(({ samples, unit }) =>
            [samples.base, samples.head].map((values) => html(quantity(values[launch] ?? null, unit))),
          ),
        ]),
      ),
      numbers: metrics.flatMap((_, index) => [2 * index + 1, 2 * index + 2]),
    }),
  );
};

/** Rows of a trace that stand in its table: evenly spread, the last among them. */
const tabledRows = 16;

const traceTable = (cell: string, point: string, traces: readonly CellTrace[]): string => {
  const names = [...new Set(traces.flatMap(({ columns }) => Object.keys(columns)))];
  const rows = traces.flatMap(({ arm, columns }) => {
    const length = Object.values(columns)[0]?.length ?? 0;
    const shown = Math.min(length, tabledRows);
    return Array.from({ length: shown }, (_, index) => {
      const row = shown < 2 ? 0 : Math.round((index * (length - 1)) / (shown - 1));
      return [`${html(arm)} ${row + 1}`, ...names.map((name) => significant(columns[name]?.[row] ?? null))];
    });
  });
  return table({
    caption: `Trace of ${cell} at ${point}: at most ${tabledRows} rows per side, all of them are in samples.jsonl`,
    head: ['arm, row', ...names],
    rows: rowsOf(rows),
    numbers: names.map((_, index) => index + 1),
  });
};

const armTitles = { head: 'head (solid)', base: 'base (dashed)', reference: 'reference (dotted)' } as const;

const traceFigures = (cell: CellVerdict, traces: readonly CellTrace[]): string =>
  [...new Set(traces.map(({ point }) => point))]
    .map((point) => {
      const shown = drawnTraces(traces.filter((trace) => trace.point === point));
      const panels = [...new Set(shown.flatMap(({ columns }) => panelsOf(columns)))];
      if (panels.length === 0) return '';
      return figure(
        `Trace at ${point}, first launch: ${[...new Set(shown.map(({ arm }) => armTitles[arm]))].reverse().join(', ')}.`,
        panels.map((name) => traceChart(cell.id, point, shown, name)),
        traceTable(cell.id, point, shown),
      );
    })
    .join('');

/** Commits of a history that are drawn, and those of them that stand in its table. */
const drawnCommits = 60;
const tabledCommits = 20;

const historyTable = (cell: CellVerdict, histories: readonly MetricHistory[]): string => {
  const commits = new Map<string, PastValue>();
  for (const { past } of histories) for (const one of past) commits.set(`${one.at} ${one.commit}`, one);
  const rows = [...commits]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, one]) => one)
    .slice(-tabledCommits);
  const valueAt = ({ metric, past }: MetricHistory, { commit, at }: PastValue): string =>
    html(quantity(past.find((one) => one.commit === commit && one.at === at)?.value ?? null, metric.unit));
  return table({
    caption: `History of ${cell.id}: the newest ${tabledCommits} commits at most, oldest first; all of them are in the baselines`,
    head: ['commit', 'measured', ...histories.map(({ metric }) => metricName(metric))],
    rows: rowsOf([
      ...rows.map((row) => [
        html(row.commit.slice(0, 10)),
        html(row.at.slice(0, 10)),
        ...histories.map((history) => valueAt(history, row)),
      ]),
      ['this run', absent, ...histories.map(({ metric }) => html(quantity(postOf(metric), metric.unit)))],
    ]),
    numbers: histories.map((_, index) => index + 2),
  });
};

const historyFigure = (cell: CellVerdict, history: ShownEvidence['history']): string => {
  const histories = cell.metrics.flatMap((metric): MetricHistory[] => {
    const past = history.get(`${cell.id} ${metric.id}@${metric.point}`) ?? [];
    return past.length === 0 ? [] : [{ metric, past: past.slice(-drawnCommits) }];
  });
  if (histories.length === 0) return '';
  const longest = Math.max(...histories.map(({ past }) => past.length));
  return figure(
    `History on this runner class: ${counted(longest, 'commit')} of the base branch, oldest on the left; the dot is this run. Each row has its own scale, from its lowest to its highest number.`,
    [historyChart(cell, histories)],
    historyTable(cell, histories),
  );
};

/** The pictures of a cell as HTML; empty where there is nothing to draw. */
export const cellPictures = (cell: CellVerdict, evidence: ShownEvidence): string =>
  [
    launchFigure(cell),
    traceFigures(
      cell,
      evidence.traces.filter((trace) => trace.cell === cell.id),
    ),
    historyFigure(cell, evidence.history),
  ].join('');
