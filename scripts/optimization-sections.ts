/** The parts of the documentation that follow from the optimizations and the models that ship. */
import type { Benchmark } from '../src/contract/benchmark.ts';
import type { Optimization } from '../src/contract/optimization.ts';
import { sharedMetrics } from '../src/contract/shared-metrics.ts';
import { benchmarksOf } from '../src/optimizations/registry.ts';
import type { Claim } from '../src/records/claim.ts';
import type { MetricSpec } from '../src/records/metric.ts';
import type { ModelFacts } from '../src/records/serving.ts';
import { code, table } from './markdown-table.ts';
import type { SchemaNode } from './schema-node.ts';

export type Documented = Pick<Optimization, 'benchmark'>;

const toleranceText = ({ tolerance, scale, unit }: MetricSpec): string =>
  scale === 'log' ? `${Number((tolerance * 100).toPrecision(6))} %` : `${tolerance} ${unit}`;

const metricRows = (metrics: readonly MetricSpec[]): string => {
  const seen = new Map<string, MetricSpec>();
  for (const metric of metrics) if (!seen.has(metric.id)) seen.set(metric.id, metric);
  return table(
    ['Metric', 'Unit', 'Better', 'Kind', 'Role', 'Tolerance'],
    [...seen.values()].map((metric) => [
      code(metric.id),
      metric.unit,
      metric.better,
      metric.kind,
      metric.role,
      metric.role === 'described' ? '' : toleranceText(metric),
    ]),
  );
};

/** Any model will do to ask a benchmark for its metrics; these two differ in what they can be asked for. */
const sampleModels = [false, true].map((vision) => ({
  id: 'sample',
  family: 'sample',
  digest: '0'.repeat(64),
  miniature: true,
  layers: 4,
  hidden: 64,
  heads: 4,
  kvHeads: 2,
  experts: 8,
  vision,
  latentAttention: false,
  quantized: false,
  vocabulary: 512,
  context: 512,
}));

const shared = sampleModels.flatMap((model) => sharedMetrics(model));
const sharedMetricsTable = (): string => metricRows(shared);

/** Which of the shared metrics are among these. */
const sharedAmong = (metrics: readonly MetricSpec[]): string => {
  const all = [...new Set(shared.map(({ id }) => id))];
  const found = all.filter((id) => metrics.some((metric) => metric.id === id));
  if (found.length === 0) return 'None of the shared metrics.';
  if (found.length === all.length) return 'All shared metrics.';
  const missing = all.filter((id) => !found.includes(id));
  return missing.length < found.length
    ? `The shared metrics without ${missing.map(code).join(', ')}.`
    : `Of the shared metrics ${found.map(code).join(', ')}.`;
};

const claimText = (claim: Claim): string => {
  if (claim.of === 'undominated')
    return `It claims to beat ${claim.comparator} in something: ineffective where that is as good by ${claim.metrics.map((id) => code(id)).join(', ')}, and better by one of them.`;
  if (claim.of === 'compressed') return `It claims to compress: ineffective where ${code(claim.ratio)} is 1 or less.`;
  const removed = claim.removed.map(({ metric }) => code(metric)).join(', ');
  const possible = claim.possible === null ? '' : `, held against ${code(claim.possible)}`;
  return `It claims to be faster by what is removed (${removed})${possible}: ineffective where no speed-up shows it.`;
};

const metricsOfBenchmarks = (optimizations: readonly Documented[]): string =>
  benchmarksOf(optimizations)
    .map((benchmark) => {
      const workloads = sampleModels.map((model) => benchmark.workload(model, benchmark.options.parse({}, benchmark.id)));
      const metrics = workloads.flatMap((workload) => workload.metrics);
      const own = metrics.filter(({ id }) => !shared.some((metric) => metric.id === id));
      const rest = own.length === 0 ? [] : [`${own.length === metrics.length ? 'Its' : 'And its'} own:`, metricRows(own)];
      const [{ headline, claims = [] } = { headline: [] }] = workloads;
      const known = [
        `Known by the first two of these that have a number: ${headline.map(code).join(', ')}.`,
        ...claims.map(claimText),
      ].join(' ');
      return [`### ${benchmark.title} \`${benchmark.id}\``, sharedAmong(metrics), ...rest, known].join('\n\n');
    })
    .join('\n\n');

const optionsOfBuiltins = (optimizations: readonly Documented[]): string =>
  optimizations
    .map(({ benchmark }) => {
      const { properties = {} } = benchmark.options.json as SchemaNode;
      const rows = Object.entries(properties).map(([key, node]) => {
        const kind = node.enum === undefined ? (node.type ?? '') : node.enum.join(', ');
        return [code(key), kind, code(node.default === undefined ? '' : JSON.stringify(node.default)), node.description ?? ''];
      });
      return `### ${benchmark.title} \`${benchmark.id}\`\n\n${table(['Option', 'Values', 'Default', 'Meaning'], rows)}`;
    })
    .join('\n\n');

/** `11 optimizations on 4 miniature models, 44 cells`, and how many of these are judged. */
const built = (optimizations: readonly Documented[], models: readonly ModelFacts[]): string => {
  const cells = optimizations.length * models.length;
  const applying = optimizations
    .map(({ benchmark }) => models.filter((model) => benchmark.applies(model, benchmark.options.parse({}, benchmark.id)) === true).length)
    .reduce((sum, count) => sum + count, 0);
  const which = applying === cells ? 'All of them' : `Of these ${applying}`;
  return [
    `Built: ${optimizations.length} optimizations on ${models.length} [miniature models](models/README.md), ${cells} cells.`,
    `${which} apply with default options.`,
  ].join(' ');
};

const listOf = (optimizations: readonly Documented[]): string =>
  table(
    ['Optimization', 'What the built-in does', 'What it is compared with'],
    optimizations.map(({ benchmark: { id, does, comparedWith } }) => [code(id), does, comparedWith]),
  );

const supplies = ({ needs }: Benchmark): string => needs.map((need) => `a ${need}`).join(' and ');

/** What own code can be judged like, by what it must supply; what needs no code has no place for it. */
const likeTable = (optimizations: readonly Documented[]): string => {
  const judging = benchmarksOf(optimizations).filter(({ needs }) => needs.length > 0);
  const kinds = [...new Set(judging.map(supplies))];
  return table(
    ['Your code supplies', '`like`'],
    kinds.map((kind) => [
      kind,
      judging
        .filter((benchmark) => supplies(benchmark) === kind)
        .map(({ id }) => code(id))
        .join(', '),
    ]),
  );
};

/** Marker name → what the optimizations say of themselves. */
export const optimizationSections = (
  optimizations: readonly Documented[],
  models: readonly ModelFacts[],
): Readonly<Record<string, () => string>> => ({
  like: () => likeTable(optimizations),
  built: () => built(optimizations, models),
  optimizations: () => listOf(optimizations),
  'shared-metrics': sharedMetricsTable,
  'metrics-of-optimizations': () => metricsOfBenchmarks(optimizations),
  'optimization-options': () => optionsOfBuiltins(optimizations),
});
