/** How numbers are written for people, in one place: three significant digits, a unit, a true minus sign, `–` for none. */
import type { MetricVerdict } from '../records/verdict.ts';
import type { TimeTaken } from './context.ts';
import { plain } from './escape.ts';

/** What stands where there is no number. */
export const absent = '–';

/** What stands in a table in the place of a reason that the row above has. */
export const asAbove = 'as above';

const grouped = (digits: string): string => digits.replace(/\B(?=(\d{3})+$)/g, ',');

const unsigned = (value: number, digits: number): string => {
  if (value === 0) return '0';
  if (!Number.isFinite(value)) return '∞';
  if (value >= 1e15 || value < 1e-4) return value.toExponential(Math.min(1, digits - 1)).replace('-', '−');
  if (value >= 999.5) return grouped(value.toFixed(0));
  return value.toPrecision(digits);
};

/** A number with `digits` significant digits (integers from 1,000 up are written out); `–` for one that is null or not finite. */
export const significant = (value: number | null, digits = 3): string => {
  if (value === null || !Number.isFinite(value)) return absent;
  return `${value < 0 ? '−' : ''}${unsigned(Math.abs(value), digits)}`;
};

const trimmed = (text: string): string => (text.includes('.') && !text.includes('e') ? text.replace(/\.?0+$/, '') : text);

interface Scale {
  readonly divisor: number;
  readonly label: string;
  /** Whole numbers of this scale are written without decimals. */
  readonly whole: boolean;
}

const binary = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
const decimal = ['', 'k', 'M', 'G', 'T', 'P'] as const;

const step = (magnitude: number, base: number, labels: readonly string[]): { readonly divisor: number; readonly label: string } => {
  let power = 0;
  while (power < labels.length - 1 && magnitude / base ** power >= base * 0.9995) power += 1;
  return { divisor: base ** power, label: labels[power] ?? '' };
};

/** A unit is a name from a plug-in: what could be markup or a reference anywhere is dropped from it. A hyphen joins letters only. */
const unitText = (unit: string, max: number): string =>
  plain(unit.slice(0, 200).replace(/[^\p{L}\p{N}%×/·°² –-]|(?<!\p{L})-|-(?!\p{L})/gu, ''), max);

const bytesUnit = /^bytes(?<per>\/.*)?$/;

/** The unit that a value of this size is read in: bytes as KiB or MiB, very small milliseconds as µs, large counts as k, M, G. */
const scaleOf = (magnitude: number, unit: string): Scale => {
  const bytes = bytesUnit.exec(unit);
  if (bytes !== null) {
    const { divisor, label } = step(magnitude, 1024, binary);
    return { divisor, label: ` ${label}${unitText(bytes.groups?.['per'] ?? '', 16)}`, whole: divisor === 1 };
  }
  if (unit === 'count') {
    const { divisor, label } = magnitude < 10_000 ? { divisor: 1, label: '' } : step(magnitude, 1000, decimal);
    return { divisor, label: label === '' ? '' : ` ${label}`, whole: divisor === 1 };
  }
  if (unit === 'ms') {
    if (magnitude >= 1e-6 && magnitude < 0.1) return { divisor: 1e-3, label: ' µs', whole: false };
    if (magnitude >= 10_000) return { divisor: 1e3, label: ' s', whole: false };
  }
  if (unit === 's' && magnitude >= 1e-6 && magnitude < 0.1) return { divisor: 1e-3, label: ' ms', whole: false };
  if (unit === '×') return { divisor: 1, label: '×', whole: false };
  const label = unitText(unit, 24);
  return { divisor: 1, label: label === '' || /^\d/.test(label) ? '' : ` ${label}`, whole: false };
};

/** What an axis with values up to `magnitude` is drawn in: values are divided by `divisor`, its label names the unit. */
export const axisUnit = (magnitude: number, unit: string): { readonly divisor: number; readonly label: string } => {
  const { divisor, label } = scaleOf(magnitude, unit);
  return { divisor, label: label.trim() };
};

const scaled = (value: number, scale: Scale, digits = 3): string => {
  const inScale = value / scale.divisor;
  return scale.whole && Number.isInteger(inScale) && Math.abs(inScale) < 1000
    ? String(inScale).replace('-', '−')
    : significant(inScale, digits);
};

/** A value with its unit (`12.3 MiB`, `4.10 ms`, `1.23×`), or `–`. */
export const quantity = (value: number | null, unit: string): string => {
  if (value === null || !Number.isFinite(value)) return absent;
  const scale = scaleOf(Math.abs(value), unit);
  return `${scaled(value, scale)}${scale.label}`;
};

/** A value with its 95 % interval in one unit, `0.0123 nats/token (0.0101 … 0.0145)`; the interval only where there is one. */
export const quantityWithin = (value: number | null, interval: MetricVerdict['interval'], unit: string): string => {
  if (value === null || interval === null || ![value, interval.lower, interval.upper].every(Number.isFinite)) return quantity(value, unit);
  const { lower, upper } = interval;
  const scale = scaleOf(Math.max(...[value, lower, upper].map(Math.abs)), unit);
  return `${scaled(value, scale)}${scale.label} (${scaled(lower, scale)} … ${scaled(upper, scale)})`;
};

/** Before and after in one unit: `12.3 → 9.20 MiB`; a side without a number is `–`, both without: null. */
export const passage = (before: number | null, after: number | null, unit: string): string | null => {
  const known = [before, after].filter((value) => value !== null && Number.isFinite(value)) as readonly number[];
  if (known.length === 0) return null;
  const scale = scaleOf(Math.max(...known.map(Math.abs)), unit);
  const side = (value: number | null): string => (value === null || !Number.isFinite(value) ? absent : scaled(value, scale));
  return `${side(before)} → ${side(after)}${scale.label}`;
};

const signOf = (value: number): string => (value > 0 ? '+' : value < 0 ? '−' : '±');

const percentDigits = (percent: number, digits = 3): string => {
  const magnitude = Math.abs(percent);
  if (magnitude === 0) return '0';
  if (magnitude < 0.01) return unsigned(magnitude, digits - 2);
  if (magnitude < 1) return magnitude.toFixed(digits - 1);
  return unsigned(magnitude, digits);
};

/** A fraction as a signed percentage without its sign of percent: `+5.21`, `±0`. */
const bareFraction = (fraction: number, digits = 3): string =>
  Number.isFinite(fraction) ? `${signOf(fraction)}${percentDigits(fraction * 100, digits)}` : absent;

/** A fraction as a signed percentage: `+5.21 %`. */
export const signedPercent = (fraction: number): string => `${bareFraction(fraction)} %`;

type Measured = Pick<MetricVerdict, 'scale' | 'unit' | 'change'> & Partial<Pick<MetricVerdict, 'tolerance' | 'base' | 'head'>>;

/** Differences of percentages are points, not percent. */
const differenceUnit = (unit: string): string => (unit === '%' ? 'points' : unit);

/** More digits than these tell nothing that people read. */
const mostDigits = 8;

/** So much of a change lies between it and that of the medians before a reader wonders. */
const muchApart = 0.2;

/**
 * Whether base and head, as they are written, go the other way than the change, or by an amount far outside of its interval. They are
 * medians over launches, and the change is the centre of the changes within each launch, which a machine that becomes slower from launch
 * to launch does not move.
 */
const seemsContradicted = ({ unit, scale, base = null, head = null, change }: Measured, estimate: number): boolean => {
  if (base === null || head === null) return false;
  const plain = scale === 'log' && base > 0 ? head / base - 1 : head - base;
  const { lower, upper } = change ?? { lower: null, upper: null };
  const outside = lower !== null && upper !== null && lower < upper && (plain < lower || plain > upper);
  if (plain * estimate >= 0) return outside && Math.abs(plain - estimate) > muchApart * Math.abs(estimate);
  const first = (one: number, other: number): string | undefined => passage(one, other, unit)?.split(' → ')[0];
  return first(base, head) !== first(head, base);
};

/**
 * Head against base, or a difference like it: `+5.21 % (+3.10 … +7.44)`; the interval only where there is one; `–` without a change. A change that is
 * not as large as the tolerance has as many digits as show it. One that base and head seem to contradict says that it is `within launches`.
 */
export const changeText = (metric: Measured): string => {
  const { scale, unit, change, tolerance } = metric;
  if (change === null || !Number.isFinite(change.estimate)) return absent;
  const { estimate, lower, upper } = change;
  const size = scaleOf(Math.max(...[estimate, lower ?? 0, upper ?? 0].filter(Number.isFinite).map(Math.abs)), differenceUnit(unit));
  const written = (value: number, digits: number): string => {
    if (scale === 'log') return bareFraction(value, digits);
    return Number.isFinite(value) ? `${signOf(value)}${scaled(Math.abs(value), size, digits)}` : absent;
  };
  const limit = (tolerance ?? 0) * Math.sign(estimate);
  let digits = 3;
  while (limit !== 0 && digits < mostDigits && written(estimate, digits) === written(limit, digits)) digits += 1;
  // One that is as large but for rounding needs none.
  if (digits === mostDigits) digits = 3;
  const bare = (value: number): string => written(value, digits);
  const text = `${bare(estimate)}${scale === 'log' ? ' %' : size.label}${seemsContradicted(metric, estimate) ? ' within launches' : ''}`;
  if ((lower === null && upper === null) || (lower === upper && lower === estimate)) return text;
  return `${text} (${lower === null ? '−∞' : bare(lower)} … ${upper === null ? '+∞' : bare(upper)})`;
};

/** A tolerance or a smallest detectable change: `2 %` on the log scale, `0.005 nats/token` on the linear one. */
export const allowanceText = (value: number | null, metric: Pick<MetricVerdict, 'scale' | 'unit'>): string => {
  if (value === null || !Number.isFinite(value)) return absent;
  if (metric.scale === 'log') return `${trimmed(percentDigits(value * 100))} %`;
  const text = quantity(value, differenceUnit(metric.unit));
  const [number = '', ...unit] = text.split(' ');
  return [trimmed(number), ...unit].join(' ');
};

/** `1.23× faster`, `1.10× slower` or `as fast`; of a speed-up (reference ÷ arm) that is positive and finite, else `–`. */
export const speedUpText = (ratio: number | null): string => timesText(ratio, ['faster', 'slower', 'as fast']);

/** `1.23× better`, `1.05× worse`, `as good`; `–` for none. */
export const gainText = (factor: number | null): string => timesText(factor, ['better', 'worse', 'as good']);

const timesText = (factor: number | null, [above, below, same]: readonly [string, string, string]): string => {
  if (factor === null || !Number.isFinite(factor) || factor <= 0) return absent;
  if (factor >= 1.005) return `${significant(factor)}× ${above}`;
  return factor <= 1 / 1.005 ? `${significant(1 / factor)}× ${below}` : same;
};

/** `< .001`, `.012` or `–`. */
export const probabilityText = (p: number | null): string => {
  if (p === null || !Number.isFinite(p)) return absent;
  if (p < 0.001) return '< .001';
  return p >= 0.9995 ? '1' : p.toFixed(3).slice(1);
};

/** Whether a verdict was compared, not tested: an exact metric that varies is tested like timing. */
export const isCompared = ({ kind, p }: Pick<MetricVerdict, 'kind' | 'p'>): boolean => kind === 'exact' && p === null;

/** `45 s`, `6 min 12 s`, `2 h 5 min`. */
export const durationText = (seconds: number): string => {
  if (!Number.isFinite(seconds) || seconds < 0) return absent;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${grouped(String(Math.floor(whole / 3600)))} h ${Math.floor((whole % 3600) / 60)} min`;
};

/** `6 min 12 s`, and what was waited for: `6 min 12 s (without 40 s of waiting for another measurement)`. */
export const takenText = ({ seconds, waitedSeconds }: TimeTaken): string =>
  `${durationText(seconds)}${waitedSeconds > 0 ? ` (without ${durationText(waitedSeconds)} of waiting for another measurement)` : ''}`;

/** `1 cell`, `1,234 cells`. */
export const counted = (count: number, singular: string, plural = `${singular}s`): string =>
  `${grouped(String(count))} ${count === 1 ? singular : plural}`;
