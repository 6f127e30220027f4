import { readOtherMeasure } from '../records/other-measure.ts';
import { isAbout } from '../records/series-note.ts';
import type { VerdictKind } from '../records/verdict.ts';
import type { CellState } from './cell-state.ts';
import type { JudgedMetric } from './judged-metric.ts';

/** What stays as it is: nothing of it says that head is good. */
const settled: ReadonlySet<VerdictKind> = new Set(['regressed', 'failed', 'missing', 'new', 'inconclusive']);

/**
 * A metric whose measure itself is another one in head: the two programs disagree on the reference model. Whether head is as good as base
 * cannot be said by its own measure, so that it neither passes nor improves. A regression stays one.
 */
export const withoutOwnMeasure = (judged: JudgedMetric, { launches }: Pick<CellState, 'launches'>): JudgedMetric => {
  const { spec, verdict } = judged;
  if (verdict.role !== 'gate' || verdict.verdict === null || settled.has(verdict.verdict)) return judged;
  if (spec.from.of !== 'series' && spec.from.of !== 'against') return judged;
  const { point, series } = spec.from;
  const found = Object.values(launches)
    .flatMap((each) => each.flatMap(({ points }) => (Object.hasOwn(points, point) ? (points[point]?.warnings ?? []) : [])))
    .flatMap((warning) => readOtherMeasure(warning) ?? [])
    .find((each) => isAbout(each, series));
  return found === undefined ? judged : { ...judged, holdsRun: true, verdict: { ...verdict, verdict: 'inconclusive', reason: found.text } };
};
