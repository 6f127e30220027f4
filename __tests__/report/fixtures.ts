/** Verdicts written by hand: one of each kind that a reader meets, and the full grid. */

import { sharedHeadline, sharedMetrics as sharedMetricSpecs } from '../../src/contract/shared-metrics.ts';
import { findBenchmark } from '../../src/optimizations/registry.ts';
import type { CellVerdict, MetricVerdict, Verdict, VerdictKind } from '../../src/records/verdict.ts';
import type { ReportContext } from '../../src/report/context.ts';
import { textFacts } from '../testkit/model-facts.ts';

export const headCommit = '1a2b3c4d5e6f70819203a4b5c6d7e8f901234567';
export const baseCommit = '9f8e7d6c5b4a39281706f5e4d3c2b1a098765432';

export const context: ReportContext = {
  project: null,
  headCommit,
  baseCommit,
  runUrl: 'https://github.com/example/models/actions/runs/1234567890',
  took: { seconds: 1103.4, waitedSeconds: 0 },
  staleness: { oldestDays: 3.4, oldestCommit: baseCommit, without: [] },
};

const shared = new Map(sharedMetricSpecs({ vision: false }).map((spec) => [spec.id, spec]));

export const metric = (id: string, point: string, given: Partial<MetricVerdict> = {}): MetricVerdict => ({
  id,
  point,
  unit: 'ms',
  better: 'lower',
  kind: 'timing',
  role: 'gate',
  scale: 'log',
  verdict: 'passed',
  state: 'measured',
  reference: null,
  base: null,
  head: null,
  earlier: null,
  interval: null,
  change: null,
  tolerance: 0.02,
  column: shared.get(id)?.column ?? null,
  pairedWith: shared.get(id)?.pairedWith ?? null,
  p: null,
  launches: 5,
  detectable: null,
  reason: null,
  warnings: [],
  samples: { reference: [], base: [], head: [], change: [], gains: { base: [], head: [] } },
  ...given,
});

/** Same work on both sides, within noise. */
const steady = (base: number, by = 0.002): Pick<MetricVerdict, 'base' | 'head' | 'change'> => ({
  base,
  head: base * (1 + by),
  change: { estimate: by, lower: by - 0.011, upper: by + 0.012 },
});

export const sharedMetrics = (verdict: VerdictKind = 'passed', speed = 1.24): readonly MetricVerdict[] => {
  const same = verdict === 'unchanged';
  const state = same ? ('unchanged' as const) : ('measured' as const);
  const timing = (id: string, point: string, reference: number): MetricVerdict => {
    const value = reference / speed;
    const numbers = same ? { base: value, head: value, change: null } : steady(value);
    return metric(id, point, { verdict, state, reference, ...numbers, detectable: same ? null : 0.031, launches: same ? 0 : 5 });
  };
  const exact = (
    id: string,
    point: string,
    unit: string,
    reference: number | null,
    value: number,
    more: Partial<MetricVerdict> = {},
  ): MetricVerdict =>
    metric(id, point, {
      unit,
      kind: 'exact',
      verdict,
      state,
      reference,
      base: value,
      head: value,
      change: same ? null : { estimate: 0, lower: null, upper: null },
      tolerance: 0.001,
      launches: 0,
      ...more,
    });
  return [
    timing('prefill-latency', 'prefill-256', 41.23),
    timing('decode-latency', 'decode-b1', 1.846),
    timing('decode-latency', 'decode-b8', 6.031),
    exact('nll-delta', 'quality', 'nats/token', 0, 0.01234, {
      scale: 'linear',
      tolerance: 0.005,
      interval: { lower: 0.01102, upper: 0.01366 },
    }),
    exact('kl-divergence', 'quality', 'nats/token', null, 0.0187, { role: 'described', verdict: null, scale: 'linear' }),
    exact('top1-agreement', 'quality', '%', null, 96.41, { role: 'described', verdict: null, scale: 'linear', better: 'higher' }),
    exact('model-size', 'files', 'bytes', 12_912_384, 9_650_112),
    exact('macs-per-token', 'files', 'count', 6_412_800, 4_810_112),
    exact('peak-memory', 'solo', 'bytes', 171_966_464, 158_334_976, { tolerance: 0.01 }),
    exact('parameters', 'files', 'count', 3_228_096, 2_412_544, { role: 'described', verdict: null }),
    metric('energy', 'solo', {
      unit: 'J/token',
      role: 'advisory',
      verdict: null,
      state: 'no-meter',
      reason: 'no meter on this machine: neither NVML nor RAPL can be read',
      launches: 0,
    }),
  ];
};

/** That of the built-in of this name, then what all share, then what only these metrics have. */
const headlineOf = (optimization: string, metrics: readonly MetricVerdict[]): readonly string[] => {
  const benchmark = findBenchmark(optimization);
  const own = benchmark?.workload(textFacts, benchmark.options.parse({}, optimization)).headline ?? [];
  return [...new Set([...own, ...sharedHeadline(textFacts), ...metrics.map(({ id }) => id).filter((id) => !shared.has(id))])];
};

export const cell = (
  model: string,
  optimization: string,
  verdict: VerdictKind,
  metrics: readonly MetricVerdict[],
  given: Partial<CellVerdict> = {},
): CellVerdict => ({
  id: `${model}/${optimization}`,
  model,
  optimization,
  verdict,
  reason: null,
  warnings: [],
  requirements: [],
  headline: headlineOf(optimization, metrics),
  metrics,
  ...given,
});

const coverageOf = (cells: readonly CellVerdict[]): Verdict['coverage'] => {
  const all = cells.flatMap(({ metrics }) => metrics.filter(({ role, state }) => role === 'gate' || state === 'no-meter'));
  const byReason: Record<string, number> = {};
  for (const { state } of all)
    if (state !== 'measured' && state !== 'unchanged' && state !== 'baseline') byReason[state] = (byReason[state] ?? 0) + 1;
  return { total: all.length, judged: all.length - Object.values(byReason).reduce((sum, count) => sum + count, 0), byReason };
};

export const verdictOf = (cells: readonly CellVerdict[], given: Partial<Verdict> = {}): Verdict => ({
  schema: 'optimization-gate/verdict/1',
  verdict: 'passed',
  exitCode: 0,
  summary: 'No gating metric regressed.',
  plan: 'a'.repeat(64),
  samples: 'b'.repeat(64),
  baselines: 'c'.repeat(64),
  cells,
  coverage: coverageOf(cells),
  statistics: {
    alpha: 0.05,
    family: 0,
    smallestDetectable: Object.fromEntries(
      cells.flatMap(({ id, metrics }) =>
        metrics.filter(({ detectable }) => detectable !== null).map((one) => [`${id} ${one.id}@${one.point}`, one.detectable ?? 0]),
      ),
    ),
  },
  selfChecks: [
    { kind: 'a-a', cell: cells[0]?.id ?? 'a/b', outcome: 'as-expected', detail: 'p = .41 over 5 launches' },
    { kind: 'planted', cell: cells[0]?.id ?? 'a/b', outcome: 'as-expected', detail: 'a slowdown of 6.2 % was seen as 6.0 %' },
  ],
  repeatedBuilds: { count: 2, seconds: 3.25 },
  runnerClass: 'cpu-xeon-2c-ort1.30-5f2a',
  environment: { ort: '1.30.0', provider: 'cpu', threads: 1, node: '24.21.0', cpu: { model: 'Xeon', cores: 2 } },
  policyChanges: [],
  warnings: [],
  seed: 20261123,
  ...given,
});

const models = ['mini-qwen3-dense', 'mini-qwen3-moe', 'mini-glm4-moe-lite', 'mini-qwen3-vl'] as const;
const optimizations = [
  'structured-pruning',
  'sparse-attention',
  'adaptive-batching',
  'architecture-search',
  'streaming',
  'tensor-decomposition',
  'sparse-network',
  'modular-components',
  'automl',
  'feedback-control',
  'before-after',
] as const;

/** Two optimizations of one model, all within noise. */
export const passed = verdictOf([
  cell('mini-qwen3-dense', 'structured-pruning', 'passed', sharedMetrics()),
  cell('mini-qwen3-dense', 'sparse-network', 'passed', sharedMetrics('passed', 1.01), {
    warnings: ['ineffective: sparser, not faster: 50 % of the eligible weights are zero, decode runs at 1.01 × of the reference model'],
  }),
]);

const slower = (found: MetricVerdict): MetricVerdict =>
  found.id === 'decode-latency' && found.point === 'decode-b1'
    ? {
        ...found,
        verdict: 'regressed',
        base: 1.489,
        head: 1.6121,
        change: { estimate: 0.0829, lower: 0.0711, upper: 0.0948 },
        p: 0.0021,
        launches: 24,
        reason: 'worse beyond the tolerance at the second look',
      }
    : found.id === 'nll-delta'
      ? {
          ...found,
          verdict: 'regressed',
          head: 0.02134,
          interval: { lower: 0.0186, upper: 0.02408 },
          change: { estimate: 0.009, lower: 0.0071, upper: 0.0109 },
          warnings: ['the interval of nll-delta is wider than its tolerance'],
        }
      : found.id === 'model-size'
        ? { ...found, verdict: 'improved', head: 9_112_064, change: { estimate: -0.05576, lower: null, upper: null } }
        : found;

/** A regression in time and in quality, beside an improvement, an edit of the policy and a cell with the same artefact. */
export const regressed = verdictOf(
  [
    cell('mini-qwen3-dense', 'structured-pruning', 'regressed', sharedMetrics().map(slower)),
    cell('mini-qwen3-dense', 'sparse-attention', 'unchanged', sharedMetrics('unchanged')),
    cell('mini-qwen3-moe', 'structured-pruning', 'passed', sharedMetrics('passed', 1.31)),
  ],
  {
    verdict: 'regressed',
    exitCode: 1,
    summary: 'Regressed: decode-latency +8.3 % in mini-qwen3-dense/structured-pruning and 1 more metric',
    statistics: { alpha: 0.05, family: 3, smallestDetectable: {} },
    policyChanges: ['gate.tolerance.latency: 2 % → 5 %'],
  },
);

/** Noise that hides a large change. */
export const inconclusive = verdictOf(
  [
    cell(
      'mini-qwen3-dense',
      'streaming',
      'inconclusive',
      sharedMetrics().map((found) =>
        found.id === 'prefill-latency'
          ? {
              ...found,
              verdict: 'inconclusive',
              change: { estimate: 0.041, lower: -0.012, upper: null },
              detectable: 0.162,
              launches: 36,
              reason: 'a change of 10 % could not be ruled out after 36 launches',
            }
          : found,
      ),
    ),
  ],
  {
    verdict: 'inconclusive',
    exitCode: 3,
    summary: 'One gating metric could not be decided: this runner is too noisy for it.',
    warnings: ['4 launches were discarded: the processor throttled'],
  },
);

const unmeasured = (state: MetricVerdict['state'], verdict: VerdictKind, reason: string | null): readonly MetricVerdict[] =>
  sharedMetrics().map((found) => ({
    ...found,
    state,
    verdict: found.role === 'gate' ? verdict : null,
    reference: null,
    base: null,
    head: null,
    interval: null,
    change: null,
    detectable: null,
    launches: 0,
    reason,
  }));

/** A build that failed, a cell that did not run, and one that failed in part. */
export const failed = verdictOf(
  [
    cell('mini-qwen3-dense', 'our-pruning', 'failed', unmeasured('failed', 'failed', null), {
      reason:
        'error[build-failed]: the command ended with 1\n  Traceback (most recent call last):\n  KeyError: "model.layers.0|up" in `prune.py` @someone #12 <script>',
    }),
    cell('mini-qwen3-dense', 'sparse-network', 'missing', [], { reason: 'removed from the configuration, but base has it' }),
    cell(
      'mini-qwen3-moe',
      'streaming',
      'failed',
      sharedMetrics().map((found) =>
        found.id === 'decode-latency'
          ? {
              ...found,
              verdict: 'failed',
              state: 'failed',
              base: null,
              head: null,
              change: null,
              reason: 'error[launch-timeout]: the point did not end within 600 s',
            }
          : found,
      ),
    ),
  ],
  {
    verdict: 'regressed',
    exitCode: 1,
    summary: 'Regressed: mini-qwen3-dense/sparse-network missing: it was never built to its end; 2 cells failed',
  },
);

/** Head's only fault: its build ended with an error. */
export const crashed = verdictOf(
  [
    cell('mini-qwen3-dense', 'our-pruning', 'failed', unmeasured('failed', 'failed', null), {
      reason: 'error[build-failed] of head: exit status 1',
      warnings: ['1 of 12 processes failed at their start and was started again: error[subject-crashed] of head: it ended'],
    }),
  ],
  {
    verdict: 'failed',
    exitCode: 1,
    summary: 'Failed: mini-qwen3-dense/our-pruning: exit status 1 (build-failed)',
  },
);

/** Nothing changed: every cell has the artefact of base, and only its impact was measured. */
export const unchanged = verdictOf(
  models
    .slice(0, 2)
    .flatMap((model) =>
      optimizations
        .slice(0, 6)
        .map((optimization, index) => cell(model, optimization, 'unchanged', sharedMetrics('unchanged', 1 + index * 0.07))),
    ),
  { summary: 'All 12 cells are unchanged: same artefacts, same runtime.' },
);

const ownMetrics = (optimization: string, verdict: VerdictKind): readonly MetricVerdict[] =>
  Array.from({ length: 9 }, (_, index) =>
    metric(`${optimization}-figure-${index + 1}`, 'episode', {
      unit: ['requests/s', '%', 'count', 'tokens/s', '0–1', 's', 'bytes/token', '×', 'ms'][index] ?? 'ms',
      better: index % 2 === 0 ? 'higher' : 'lower',
      role: index < 3 ? 'gate' : 'described',
      verdict: index < 3 ? verdict : null,
      reference: 17.25 * (index + 1),
      base: 21.5 * (index + 1),
      head: 21.53 * (index + 1),
      change: { estimate: 0.0014, lower: -0.006, upper: 0.009 },
      detectable: 0.024,
    }),
  );

/** Every optimization on every model, 20 metrics each, with one regression, one improvement and one failure in it. */
export const fullGrid = verdictOf(
  models.flatMap((model, column) =>
    optimizations.map((optimization, row) => {
      const kind: VerdictKind = (row + column) % 3 === 0 ? 'unchanged' : 'passed';
      const metrics = [...sharedMetrics(kind, 0.95 + row * 0.06 + column * 0.01), ...ownMetrics(optimization, kind)];
      if (row === 0 && column === 1) return cell(model, optimization, 'regressed', metrics.map(slower));
      if (row === 7 && column === 2)
        return cell(model, optimization, 'failed', unmeasured('failed', 'failed', null), {
          reason: 'error[onnx-unsupported]: MultiHeadLatentAttention cannot be cut at layer 0',
        });
      if (row === 5 && column === 0)
        return cell(
          model,
          optimization,
          'improved',
          metrics.map((found) =>
            found.id === 'decode-latency'
              ? { ...found, verdict: 'improved', change: { estimate: -0.112, lower: -0.121, upper: -0.103 }, p: 0.0004, launches: 12 }
              : found,
          ),
        );
      return cell(model, optimization, kind, metrics);
    }),
  ),
  {
    verdict: 'regressed',
    exitCode: 1,
    summary: 'Regressed: decode-latency +8.3 % in mini-qwen3-moe/structured-pruning and 1 more metric; 1 cell failed',
    statistics: { alpha: 0.05, family: 4, smallestDetectable: {} },
  },
);

export const named = { passed, regressed, inconclusive, failed, crashed, unchanged, 'full-grid': fullGrid } as const;
