/** A whole grid as a run would leave it: cells with launches, history and traces, drawn from a seed. */
import type { Baseline } from '../../src/records/baseline.ts';
import type { CellVerdict, MetricVerdict, Verdict, VerdictKind } from '../../src/records/verdict.ts';
import { type CellTrace, historyOf, type ShownEvidence } from '../../src/report/evidence.ts';
import { median } from '../../src/statistics/describe.ts';
import { deriveSeed, seededRandom } from '../../src/statistics/random.ts';
import { cell, metric, verdictOf } from './fixtures.ts';

export const gridModels = ['mini-qwen3-dense', 'mini-qwen3-moe', 'mini-glm4-moe-lite', 'mini-qwen3-vl'] as const;

type Draw = () => number;
type Own = Pick<MetricVerdict, 'id' | 'point' | 'unit' | 'better' | 'kind' | 'role' | 'scale' | 'tolerance'>;
/** A metric, the reference's number and how much better head is (a factor; on the linear scale a difference). */
type Line = readonly [own: Own, reference: number | null, gain: number];

const own = (
  name: string,
  unit: string,
  better: 'lower' | 'higher',
  kind: 'timing' | 'exact',
  role: MetricVerdict['role'],
  scale: 'log' | 'linear' = 'log',
  tolerance = kind === 'timing' ? 0.02 : 0.001,
): Own => {
  const [id = '', point = ''] = name.split('@');
  return { id, point, unit, better, kind, role, scale, tolerance };
};

const ofModel = (speed: number, loss: number, smaller: number): readonly Line[] => [
  [own('prefill-latency@prefill-256', 'ms', 'lower', 'timing', 'gate'), 22.4, speed],
  [own('prefill-speedup@prefill-256', '×', 'higher', 'timing', 'described'), null, speed],
  [own('decode-latency@decode-b1', 'ms', 'lower', 'timing', 'gate'), 1.62, speed ** 0.7],
  [own('decode-speedup@decode-b1', '×', 'higher', 'timing', 'described'), null, speed ** 0.7],
  [own('decode-latency@decode-b8', 'ms', 'lower', 'timing', 'gate'), 4.18, speed ** 0.9],
  [own('decode-speedup@decode-b8', '×', 'higher', 'timing', 'described'), null, speed ** 0.9],
  [own('nll-delta@evaluation', 'nats/token', 'lower', 'exact', 'gate', 'linear', 0.005), null, loss],
  [own('perplexity-ratio@evaluation', '%', 'higher', 'exact', 'described', 'log', 0.005), null, 100 * Math.exp(-loss)],
  [own('kl-divergence@evaluation', 'nats/token', 'lower', 'exact', 'described', 'linear', 0.005), null, loss * 1.6],
  [own('top1-agreement@evaluation', '%', 'higher', 'exact', 'described', 'linear', 0.5), null, 100 - loss * 900],
  [own('model-size@inspection', 'bytes', 'lower', 'exact', 'gate'), 12_912_384, smaller],
  [own('macs-per-token@inspection', 'count', 'lower', 'exact', 'gate'), 6_412_800, smaller],
  [own('peak-memory@solo', 'bytes', 'lower', 'exact', 'gate', 'log', 0.01), 171_966_464, smaller ** 0.4],
  [own('parameters@inspection', 'count', 'lower', 'exact', 'described'), 3_228_096, smaller],
  [own('energy@solo', 'J/token', 'lower', 'timing', 'advisory'), null, Number.NaN],
];

const shapes = ['steady', 'ramp', 'burst'] as const;

const optimizations: Readonly<Record<string, (draw: Draw) => readonly Line[]>> = {
  'structured-pruning': (draw) => ofModel(1.2 + draw() * 0.15, 0.01 + draw() * 0.02, 1.33),
  'sparse-attention': (draw) => [
    ...ofModel(1.06 + draw() * 0.1, 0.002 + draw() * 0.004, 1),
    [own('late-nll-delta@evaluation', 'nats/token', 'lower', 'exact', 'gate', 'linear', 0.005), null, 0.006],
    [own('kv-bytes-per-token@inspection', 'bytes/token', 'lower', 'exact', 'gate'), 4096, 1.6],
    [own('attention-density@inspection', '%', 'lower', 'exact', 'described', 'linear', 1), null, 41 + draw() * 10],
  ],
  'adaptive-batching': (draw) =>
    shapes.flatMap((shape): readonly Line[] => [
      [own(`goodput@${shape}`, 'requests/s', 'higher', 'timing', 'gate', 'log', 0.03), 61.2, 0.98 + draw() * 0.25],
      [own(`latency-p50@${shape}`, 'ms', 'lower', 'timing', 'gate', 'log', 0.03), 48.9, 1 + draw() * 0.4],
      [own(`latency-p99@${shape}`, 'ms', 'lower', 'timing', 'advisory', 'log', 0.05), 140.2, 1 + draw() * 0.2],
      [own(`slo-attainment@${shape}`, '%', 'higher', 'timing', 'gate', 'linear', 2), 88, 3 + draw() * 5],
      [own(`regret@${shape}`, '%', 'lower', 'timing', 'described', 'linear', 3), null, 2 + draw()],
      [own(`utilization@${shape}`, '%', 'higher', 'timing', 'described', 'linear', 2), 71, 6],
    ]),
  'architecture-search': (draw) => [
    [own('adaptive-goodput@drift', 'requests/s', 'higher', 'timing', 'gate'), 37.5, 1.1 + draw() * 0.2],
    [own('adaptation-time@drift', 'ms', 'lower', 'timing', 'gate'), 96, 1.3 + draw() * 0.3],
    [own('served-nll-delta@drift', 'nats/token', 'lower', 'exact', 'gate', 'linear', 0.005), null, 0.021 + draw() * 0.01],
    [own('architecture-efficiency@front', '0–1', 'higher', 'exact', 'described'), null, 0.87 + draw() * 0.1],
    [own('performance-gain@drift', '×', 'higher', 'timing', 'described'), null, 1.2],
  ],
  streaming: (draw) => [
    [own('time-to-first-token@prompt', 'ms', 'lower', 'timing', 'gate'), 84.1, 1.4 + draw() * 0.4],
    [own('inter-token-latency@endless', 'ms', 'lower', 'timing', 'gate'), 2.31, 1.1 + draw() * 0.1],
    [own('longest-stall@endless', 'ms', 'lower', 'timing', 'advisory'), 9.7, 1.2],
    [own('memory-slope@endless', 'bytes/token', 'lower', 'exact', 'gate', 'linear', 1), 4096, -4096],
    [own('sustained-throughput@endless', 'tokens/s', 'higher', 'timing', 'gate'), 411, 1.12],
    [own('drift@endless', '%/1000 tokens', 'lower', 'timing', 'described', 'linear', 1), null, 0.2],
  ],
  'tensor-decomposition': (draw) => [
    ...ofModel(1.1 + draw() * 0.1, 0.018 + draw() * 0.012, 1.24),
    [own('compression-ratio@inspection', '×', 'higher', 'exact', 'described'), null, 1.24],
    [own('compression-time@build', 's', 'lower', 'timing', 'described'), null, 2.9 + draw()],
  ],
  'sparse-network': (draw) => [
    ...ofModel(0.99 + draw() * 0.02, 0.012 + draw() * 0.01, 1),
    [own('pattern-conformity@inspection', '%', 'higher', 'exact', 'gate', 'linear', 0), null, 100],
    [own('sparsity@inspection', '%', 'higher', 'exact', 'described', 'linear', 1), null, 50],
    [own('realized-efficiency@decode-b1', '0–1', 'higher', 'timing', 'described', 'linear', 0.1), null, 0.06],
  ],
  'modular-components': (draw) => [
    [own('pipeline-latency@prefill-256', 'ms', 'lower', 'timing', 'gate'), 22.4, 0.93 + draw() * 0.05],
    [own('interoperability@pairs', '%', 'higher', 'exact', 'gate', 'linear', 1), null, 91.7],
    [own('composition-overhead@prefill-256', '%', 'lower', 'timing', 'described', 'linear', 1), null, 5.2],
    [own('modularity-score@inspection', '0–1', 'higher', 'exact', 'described', 'linear', 0.01), null, 0.71],
  ],
  automl: (draw) => [
    [own('found-latency@search', 'ms', 'lower', 'timing', 'gate'), 1.62, 1.2 + draw() * 0.2],
    [own('configuration-trials@search', 'count', 'lower', 'exact', 'gate'), 24, 2.4],
    [own('optimization-quality@search', '0–1', 'higher', 'exact', 'described', 'linear', 0.05), null, 0.93],
    [own('configuration-time@search', 's', 'lower', 'timing', 'described'), null, 2.2 + draw()],
  ],
  'feedback-control': (draw) => [
    ...(['step', 'ramp', 'burst'] as const).flatMap((shape): readonly Line[] => [
      [own(`settling-steps@${shape}`, 'count', 'lower', 'exact', 'gate'), 31, 2 + Math.round(draw() * 2)],
      [own(`overshoot@${shape}`, '%', 'lower', 'exact', 'gate', 'linear', 1), 24, -14],
      [own(`tracking-accuracy@${shape}`, '%', 'higher', 'exact', 'gate', 'linear', 1), 71, 25],
    ]),
  ],
  'before-after': (draw) => [
    [own('improvement@decode-b1', '×', 'higher', 'timing', 'described'), null, 1.1 + draw() * 0.1],
    [own('break-even-tokens@model', 'count', 'lower', 'timing', 'described'), null, 41_000],
    [own('roi@model', '%', 'higher', 'timing', 'described', 'linear', 1), null, 212],
    [own('false-alarms@run', '%', 'lower', 'timing', 'described', 'linear', 1), null, 0],
  ],
};

const around = (value: number, noise: number, draw: Draw): number => value * Math.exp(noise * (draw() + draw() + draw() - 1.5));

/** One metric as the gate leaves it. `worse`: by how much head is worse than base, in tolerances. */
const judged = ([spec, reference, gain]: Line, kind: VerdictKind, worse: number, draw: Draw): MetricVerdict => {
  const same = kind === 'unchanged';
  const judges = spec.role === 'gate';
  if (Number.isNaN(gain))
    return metric(spec.id, spec.point, {
      ...spec,
      verdict: null,
      state: 'no-meter',
      launches: 0,
      reason: 'no meter on this machine: neither NVML nor RAPL can be read',
    });
  const log = spec.scale === 'log';
  const bad = spec.better === 'lower' ? 1 : -1;
  const base = reference === null ? gain : log ? (spec.better === 'lower' ? reference / gain : reference * gain) : reference + gain;
  const head = same ? base : log ? base * (1 + bad * worse * spec.tolerance) : base + bad * worse * spec.tolerance;
  const launches = spec.kind === 'exact' ? 0 : same || !judges ? 3 : worse > 1 ? 24 : 12;
  const values = (value: number, count: number): number[] =>
    Array.from({ length: count }, () => around(value, spec.kind === 'exact' ? 0 : 0.012, draw));
  const heads = values(head, launches);
  const bases = same ? heads : values(base, launches);
  const shown = launches > 0 ? median(heads) : head;
  const baseShown = launches > 0 ? median(bases) : base;
  const references = reference === null ? [] : values(reference, spec.kind === 'exact' ? 0 : 5);
  const gains = (own: readonly number[]): number[] =>
    log ? references.slice(0, own.length).map((before, launch) => (before / (own[launch] ?? before)) ** bad) : [];
  const estimate = log ? shown / baseShown - 1 : shown - baseShown;
  const half = log ? 0.006 : Math.max(spec.tolerance * 0.4, 1e-4);
  const verdict: VerdictKind = same ? 'unchanged' : worse > 1 ? 'regressed' : worse < -1 ? 'improved' : 'passed';
  return metric(spec.id, spec.point, {
    ...spec,
    verdict: judges ? verdict : null,
    state: same ? 'unchanged' : 'measured',
    reference,
    base: judges || !same ? baseShown : null,
    head: shown,
    interval: spec.point === 'evaluation' && spec.scale === 'linear' ? { lower: shown * 0.9, upper: shown * 1.1 } : null,
    change: same ? null : { estimate, lower: estimate - half, upper: estimate + half },
    p: judges && spec.kind === 'timing' && worse > 1 ? 0.0021 : null,
    launches,
    detectable: spec.kind === 'timing' && !same ? 0.024 : null,
    samples: {
      reference: references,
      base: bases,
      head: heads,
      change: [],
      gains: { base: gains(bases), head: gains(heads) },
    },
  });
};

const kindOf = (model: number, row: number): VerdictKind => {
  if (model === 1 && row === 0) return 'regressed';
  if (model === 3 && row === 2) return 'regressed';
  if (model === 0 && row === 5) return 'improved';
  if (model === 2 && row === 7) return 'failed';
  if (row === 10) return 'passed';
  return (model + row) % 3 === 0 ? 'passed' : 'unchanged';
};

const cellOf = (model: string, column: number, optimization: string, row: number, seed: number): CellVerdict => {
  const draw = seededRandom(deriveSeed(seed, model, optimization));
  const kind = kindOf(column, row);
  const lines = (optimizations[optimization]?.(draw) ?? []).filter(
    ([{ id }]) => !(model === 'mini-qwen3-vl' && id === 'kv-bytes-per-token'),
  );
  if (kind === 'failed') {
    const reason = 'error[onnx-unsupported]: a pipeline of 4 modules cannot be cut at layer 0 of MultiHeadLatentAttention';
    const none = { verdict: 'failed' as const, state: 'failed' as const, reason };
    return cell(
      model,
      optimization,
      kind,
      lines.map(([spec]) =>
        metric(spec.id, spec.point, { ...spec, ...none, verdict: spec.role === 'gate' ? 'failed' : null, launches: 0 }),
      ),
      { reason },
    );
  }
  const worseOf = (index: number): number => {
    if (kind === 'regressed') return index === 2 || index === 1 ? 4.1 : 0.1;
    return kind === 'improved' && index === 2 ? -5 : 0.1;
  };
  // What sees is scored on captions, of which a token is a character.
  const read = ({ unit, ...spec }: Own): Own => ({
    ...spec,
    unit: model === 'mini-qwen3-vl' ? unit.replace('/token', '/character') : unit,
  });
  const metrics = lines.map(([spec, ...rest], index) =>
    judged([spec.unit === 'nats/token' ? read(spec) : spec, ...rest], kind, worseOf(index), draw),
  );
  const notApplicable =
    model === 'mini-qwen3-vl' && optimization === 'sparse-attention'
      ? [
          metric('kv-bytes-per-token', 'inspection', {
            unit: 'bytes/token',
            kind: 'exact',
            verdict: null,
            state: 'not-applicable',
            launches: 0,
            reason: 'keys of images are kept whole',
          }),
        ]
      : [];
  return cell(
    model,
    optimization,
    kind,
    [...metrics, ...notApplicable],
    optimization === 'sparse-network' ? { warnings: ['ineffective: sparser, not faster: 50 % of the eligible weights are zero'] } : {},
  );
};

/** Each of the optimizations on each of the models, with two regressions, an improvement and a failure among them. */
export const gridVerdict = (seed = 1): Verdict => {
  const cells = gridModels.flatMap((model, column) =>
    Object.keys(optimizations).map((optimization, row) => cellOf(model, column, optimization, row, seed)),
  );
  const all = cells.flatMap(({ metrics }) => metrics);
  const byReason: Record<string, number> = {};
  for (const { state } of all) if (!['measured', 'unchanged'].includes(state)) byReason[state] = (byReason[state] ?? 0) + 1;
  return verdictOf(cells, {
    verdict: 'regressed',
    exitCode: 1,
    summary: 'Regressed: latency-p50 +12.3 % in mini-qwen3-vl/adaptive-batching and 3 more metrics; 1 cell failed',
    coverage: { total: all.length, judged: all.length - Object.values(byReason).reduce((sum, count) => sum + count, 0), byReason },
    statistics: { alpha: 0.05, family: 6, smallestDetectable: {} },
  });
};

const historyLength = 40;

/** Baselines of each model whose metrics wandered, with a step in the middle. */
export const gridBaselines = (verdict: Verdict, seed = 1): readonly Baseline[] =>
  gridModels.map((model) => {
    const draw = seededRandom(deriveSeed(seed, 'history', model));
    const known = verdict.cells.filter((one) => one.model === model).flatMap((one) => one.metrics.map((found) => [one.id, found] as const));
    return {
      schema: 'optimization-gate/baseline/1',
      runnerClass: verdict.runnerClass ?? '',
      project: null,
      model,
      runtime: 'd'.repeat(64),
      entries: [],
      anchor: null,
      history: Array.from({ length: historyLength }, (_, index) => ({
        commit: (index + 1).toString(16).padStart(2, '0').repeat(20),
        at: new Date(Date.UTC(2026, 8, 1 + index * 2)).toISOString(),
        values: Object.fromEntries(
          known
            .filter(([, { base }]) => base !== null)
            .map(([id, found]) => [
              `${id} ${found.id}@${found.point}`,
              (found.base ?? 0) * (index < historyLength / 2 ? 1.06 : 1) * (found.kind === 'timing' ? around(1, 0.01, draw) : 1),
            ]),
        ),
      })),
    };
  });

const traced: Readonly<Record<string, readonly string[]>> = {
  'adaptive-batching': shapes,
  'architecture-search': ['drift'],
  streaming: ['endless'],
  'feedback-control': ['step', 'ramp', 'burst'],
};

/** A queue under a changing load: rows as long as samples may hold. */
const traceOf = (cellId: string, point: string, arm: string, seed: number): CellTrace => {
  const draw = seededRandom(deriveSeed(seed, cellId, point, arm));
  const rows = 256;
  const lag = arm === 'reference' ? 1.5 : arm === 'base' ? 1.1 : 1;
  let queue = 0;
  const queues = Array.from({ length: rows }, (_, row) => {
    const load = point === 'burst' && row % 64 < 12 ? 5 : 1 + (point === 'ramp' ? row / 128 : 0);
    queue = Math.max(0, queue + load * draw() * lag - 1.2 - queue * 0.08);
    return queue;
  });
  return {
    cell: cellId,
    point,
    arm,
    columns: {
      time: queues.map((_, row) => row * 12.5),
      queue: queues.map(Math.round),
      batch: queues.map((value) => Math.min(16, 1 + Math.round(value))),
      latency: queues.map((value) => 14 + value * 6 * lag + draw() * 4),
      'set-point': queues.map(() => 60),
    },
  };
};

export const gridTraces = (verdict: Verdict, seed = 1): readonly CellTrace[] =>
  verdict.cells
    .filter((one) => one.verdict !== 'failed')
    .flatMap(({ id, optimization }) =>
      (traced[optimization] ?? []).flatMap((point) => ['reference', 'base', 'head'].map((arm) => traceOf(id, point, arm, seed))),
    );

export const gridEvidence = (verdict: Verdict): ShownEvidence => ({
  history: historyOf(gridBaselines(verdict), verdict.runnerClass),
  traces: gridTraces(verdict),
});
