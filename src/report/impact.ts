/** What an optimization does to its model: reference against optimized, from the metrics of one cell. */
import type { ReportColumn } from '../records/metric.ts';
import type { CellVerdict, MetricVerdict } from '../records/verdict.ts';
import { pairedGain, postOf } from './gain.ts';
import { absent, changeText, gainText, passage, quantity, signedPercent, speedUpText } from './number.ts';

/**
 * A metric of the reference (`pre`) and of the arm (`post`); `ratio` is `pre` ÷ `post`, null unless both are positive. A speed has its ratio from rounds that ran
 * both arms side by side; `pre` is then left out, because confirming launches run without the reference model.
 */
export interface Effect {
  readonly metric: MetricVerdict;
  readonly pre: number | null;
  readonly post: number | null;
  readonly ratio: number | null;
}

export type Impact = Readonly<Record<ReportColumn, Effect | null>>;

const effect = (metric: MetricVerdict): Effect => {
  const pre = metric.reference;
  const post = postOf(metric);
  return { metric, pre, post, ratio: pre !== null && post !== null && pre > 0 && post > 0 ? pre / post : null };
};

/** What a cell gains over the reference; null where the cell has no such number. Of several points the first that has one is taken. */
export const impactOf = (cell: CellVerdict): Impact => {
  const effects = cell.metrics.map(effect).filter(({ post }) => post !== null);
  const first = (column: ReportColumn): Effect | null => effects.find(({ metric }) => metric.column === column) ?? null;
  const speed = (phase: 'prefill' | 'decode'): Effect | null => {
    const latency = first(phase);
    const paired = latency === null ? null : pairedGain(latency.metric, cell);
    return latency === null || paired === null ? latency : { ...latency, pre: null, ratio: paired.factor };
  };
  return {
    prefill: speed('prefill'),
    decode: speed('decode'),
    quality: first('quality'),
    size: first('size'),
    memory: first('memory'),
  };
};

/** `41.2 → 33.5 ms, 1.23× faster`. */
export const speedCell = (found: Effect | null): string => {
  if (found === null) return absent;
  const numbers =
    found.pre === null ? quantity(found.post, found.metric.unit) : (passage(found.pre, found.post, found.metric.unit) ?? absent);
  return found.ratio === null ? numbers : `${numbers}, ${speedUpText(found.ratio)}`;
};

/** `12.3 → 9.20 MiB, −25.2 %`. */
export const sizeCell = (found: Effect | null): string => {
  if (found === null) return absent;
  const numbers = passage(found.pre, found.post, found.metric.unit) ?? absent;
  return found.ratio === null ? numbers : `${numbers}, ${signedPercent(1 / found.ratio - 1)}`;
};

/** What the optimization cost in quality, in its unit, with the sign of a difference and its 95 % interval over held-out windows. */
export const qualityCell = (found: Effect | null): string => {
  if (found === null || found.post === null) return absent;
  const { interval, unit } = found.metric;
  const { lower, upper } = interval ?? { lower: null, upper: null };
  return changeText({ scale: 'linear', unit, change: { estimate: found.post, lower, upper } });
};

/** Whether the reference's number comes from the very launches that base's and head's come from: not every launch runs it. */
const isBeside = ({ samples: { reference, base, head } }: MetricVerdict): boolean =>
  reference.length === Math.max(base.length, head.length);

/**
 * Head against the reference for one metric of a cell: the gain of launches that ran both sides of a time, the change of an exact figure; `–` where
 * there is neither. Confirming launches run without the reference, and times of different launches are not divided.
 */
export const againstReference = (cell: CellVerdict, metric: MetricVerdict): string => {
  if (metric.kind === 'timing') {
    const gain = pairedGain(metric, cell);
    if (gain === null) return absent;
    return metric.id.endsWith('-latency') ? speedUpText(gain.factor) : gainText(gain.factor);
  }
  const { pre, post, ratio } = effect(metric);
  return !isBeside(metric) || pre === null || post === null || ratio === null || metric.scale === 'linear'
    ? absent
    : signedPercent(post / pre - 1);
};

/**
 * The reference of one metric, to stand beside base and head: its number where the same launches gave all of them, else how head compares with it in
 * launches that ran both.
 */
export const referenceText = (cell: CellVerdict, metric: MetricVerdict): string => {
  if (isBeside(metric)) return quantity(metric.reference, metric.unit);
  const gain = againstReference(cell, metric);
  return gain === absent ? absent : `head ${gain}`;
};
