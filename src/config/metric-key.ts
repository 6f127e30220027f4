import { suggestion } from '../records/nearest.ts';

/** A metric of a cell, as keys of the configuration name it. */
export interface KeyedMetric {
  readonly id: string;
  /** Names of its cell: `MODEL/OPTIMIZATION`, or the id of a measurement without a model. */
  readonly cells: readonly string[];
}

/** A wildcard stands for any characters of one part. More of them would let a key cost time. */
const mostWildcards = 4;
const part = '[a-z0-9*][a-z0-9._*-]{0,79}';
const form = new RegExp(`^${part}(/${part}){0,2}$`);

export const metricKeyRule = `must be METRIC, MEASUREMENT/METRIC or MODEL/OPTIMIZATION/METRIC, in which * stands for any characters (at most ${mostWildcards} of them)`;

const wildcardsOf = (key: string): number => key.split('*').length - 1;

/** Whether a text can be a key. */
export const isMetricKey = (key: string): boolean => form.test(key) && wildcardsOf(key) <= mostWildcards;

/** Of what a key may hold, the dot alone means something to a regular expression. */
const literal = (text: string): string => text.replaceAll('.', '\\.');

const matches = (pattern: string, text: string): boolean => new RegExp(`^${pattern.split('*').map(literal).join('[^/]*')}$`).test(text);

/** The cell and the metric of a key; no cell: it means all. */
const partsOf = (key: string): readonly [string | null, string] => {
  const end = key.lastIndexOf('/');
  return [end < 0 ? null : key.slice(0, end), key.slice(end + 1)];
};

/** Whether a key means a metric: its id, or the last words of it (`latency`: `decode-latency`), in a cell that the key names. */
export const meansMetric = (key: string, { id, cells }: KeyedMetric): boolean => {
  const [cell, metric] = partsOf(key);
  return (matches(metric, id) || matches(`*-${metric}`, id)) && (cell === null || cells.some((name) => matches(cell, name)));
};

/** Keys that name a cell come first, then those with more characters that are no wildcards. */
const bySpecificity = (one: string, other: string): number =>
  Number(other.includes('/')) - Number(one.includes('/')) || other.length - wildcardsOf(other) - (one.length - wildcardsOf(one));

/** The most specific of the keys that mean a metric; null without one. */
export const keyOf = (keys: readonly string[], metric: KeyedMetric): string | null =>
  keys.filter((key) => meansMetric(key, metric)).sort(bySpecificity)[0] ?? null;

/** Those of the keys that mean none of these metrics. */
export const unknownKeys = (keys: readonly string[], metrics: readonly KeyedMetric[]): readonly string[] =>
  keys.filter((key) => !metrics.some((metric) => meansMetric(key, metric)));

/** The metrics, and the last words by which a key may mean several. */
const namesOf = (metrics: readonly string[]): readonly string[] => [
  ...new Set([...metrics, ...metrics.flatMap((id) => id.split('-').map((_, at, words) => words.slice(at).join('-')))]),
];

/** Says that a key means none of these metrics, with the nearest that would. */
export const unknownKeyText = (key: string, metrics: readonly KeyedMetric[]): string => {
  const ids = [...new Set(metrics.map(({ id }) => id))];
  if (!key.includes('/')) return `No metric is called "${key}" or ends with it.${suggestion(key, namesOf(ids))}`;
  const named = [...new Set(metrics.flatMap(({ id, cells }) => cells.map((cell) => `${cell}/${id}`)))];
  return `No metric of a cell is called "${key}".${suggestion(key, named)}`;
};
