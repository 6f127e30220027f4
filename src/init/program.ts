/** A metric that a program answers, as its name and code tell. */
export interface FoundMetric {
  readonly id: string;
  readonly unit: string;
  readonly better: 'lower' | 'higher';
  readonly kind: 'timing' | 'exact';
  /** `described`: the name does not say which direction is better, so it decides nothing. */
  readonly role: 'gate' | 'described';
}

/** A file of the repository that is an optimization of one's own, or may become one. */
export interface FoundProgram {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly language: 'python' | 'javascript';
  /** The key of an entry by which it is run. */
  readonly key: 'command' | 'module' | 'serve' | 'measure';
  /** What it is judged like; null for `measure`. */
  readonly like: string | null;
  /** Words of the command line behind the file. */
  readonly words: string;
  readonly metrics: readonly FoundMetric[];
  /** Whether it loads packages that are to be installed. */
  readonly installed: boolean;
  /** What was seen in it: the rest of a sentence that begins with its path. */
  readonly seen: string;
  /** What a person has to do first, as a sentence; null where the entry runs as it is. */
  readonly open: string | null;
}

/** The metric that stands in a block whose metrics are not known. */
export const exampleMetric: FoundMetric = { id: 'latency', unit: 'ms', better: 'lower', kind: 'timing', role: 'gate' };

const metricId = /^[a-z0-9][a-z0-9._-]{0,79}$/;
const timeUnits: readonly (readonly [RegExp, string])[] = [
  [/(^|[-_.])(ms|millis|milliseconds)$/, 'ms'],
  [/(^|[-_.])(us|microseconds)$/, 'us'],
  [/(^|[-_.])(ns|nanoseconds)$/, 'ns'],
  [/(^|[-_.])(s|sec|seconds)$/, 's'],
];
const timeName = /(^|[-_.])(latency|time|duration|elapsed|ttft|tpot)$/;
const rateName = /(throughput|[-_.]per[-_.](s|sec|second)|(^|[-_.])(qps|rps|fps|tps))$/;
const sizeName = /(^|[-_.])(bytes|size)$/;
const inMilliseconds = /\b(1000(\.0)?|1e3)\b|\bmilliseconds?\b|\b\w*_ms\b|performance\.now/;

const metricOf = (id: string, text: string): FoundMetric => {
  const unit = timeUnits.find(([ending]) => ending.test(id))?.[1];
  if (rateName.test(id)) return { id, unit: 'per second', better: 'higher', kind: 'timing', role: 'gate' };
  if (unit !== undefined) return { id, unit, better: 'lower', kind: 'timing', role: 'gate' };
  if (timeName.test(id)) return { id, unit: inMilliseconds.test(text) ? 'ms' : 's', better: 'lower', kind: 'timing', role: 'gate' };
  if (sizeName.test(id)) return { id, unit: 'bytes', better: 'lower', kind: 'exact', role: 'gate' };
  return { id, unit: 'count', better: 'higher', kind: 'exact', role: 'described' };
};

/** What lies in brackets is no part of an object's own keys. */
const withoutBrackets = (text: string): string => {
  for (let before = ''; before !== text; ) {
    before = text;
    text = text.replace(/\([^()[\]]*\)|\[[^()[\]]*\]/g, '');
  }
  return text;
};

/**
 * The metrics of the one object of plain names that a program prints; null where the names cannot be
 * read, or none of them is a time.
 * @param objects the insides of the objects that it prints
 * @param key matches each key of an object; every part between commas must hold one
 */
export const metricsOf = (objects: readonly string[], key: RegExp, text: string): readonly FoundMetric[] | null => {
  const [object, second] = objects;
  if (object === undefined || second !== undefined || /\*\*|\.\.\.|\n\s*(#|\/\/)/.test(object)) return null;
  const names = [...withoutBrackets(object).matchAll(key)].map((match) => match[1] ?? match[2] ?? '');
  if (names.length === 0 || names.length > 64 || new Set(names).size < names.length || !names.every((name) => metricId.test(name)))
    return null;
  const metrics = names.map((name) => metricOf(name, text));
  return metrics.some(({ kind }) => kind === 'timing') ? metrics : null;
};

/** Words of the actions and settings of each policy that no other has. */
const policyWords: readonly (readonly [RegExp, string])[] = [
  [/["'.]?\boffer\b["']?\s*:/, 'architecture-search'],
  [/["'.]?\bfound\b["']?\s*:/, 'automl'],
  [/\bsetPoint\b/, 'feedback-control'],
  [/\b(waiting|ages)\b/, 'adaptive-batching'],
];

/** The built-in whose policy a program speaks like; null where that is none, or several. */
export const policyOf = (text: string): string | null => {
  const found = policyWords.filter(([words]) => words.test(text)).map(([, id]) => id);
  return found.length === 1 ? (found[0] ?? null) : null;
};

const benchmarkPath =
  /(^|\/)(benche?s?|benchmarks?|perf)\/|(^|\/)((benche?|benchmark|perf)([_.-][^/]*)?|[^/]*[_.-](benche?|benchmark|perf))\.[a-z]+$/;

/** Whether the name of a file or of its folder says that it measures. */
export const isBenchmark = (path: string): boolean => benchmarkPath.test(path);

/** What has to happen to a program that measures and cannot be asked yet. */
export const askedByRounds = 'Let it answer each line `round N` with one JSON line of numbers (docs/plug-ins.md), and name them below.';
