import { judge } from '../../src/gate/judge.ts';
import { type LaunchDemand, launchDemand } from '../../src/gate/launch-demand.ts';
import type { Baseline } from '../../src/records/baseline.ts';
import type { MetricSpec, OperatingPoint } from '../../src/records/metric.ts';
import type { GatePolicy, Plan, PlannedBuild, PlannedCell } from '../../src/records/plan.ts';
import type { Launch, Samples, SettledLine } from '../../src/records/sample.ts';
import { deriveSeed, seededRandom } from '../../src/statistics/random.ts';

export const digest = (letter: string): string => letter.repeat(64);

export const policy: GatePolicy = {
  alpha: 0.05,
  screen: 5,
  looks: [
    { launches: 12, alpha: 0.01, lastAlpha: 0.0005 },
    { launches: 24, alpha: 0.015, lastAlpha: 0.001 },
    { launches: 36, alpha: 0.02, lastAlpha: 0.0035 },
  ],
  mustDetect: 0.1,
  failOn: ['regressed', 'missing', 'failed'],
  accepted: [],
};

/** The same values in an order without a trend, in which neighbours differ: those of independent launches. */
export const mixed = (values: readonly number[]): readonly number[] => {
  const n = values.length;
  const step = [5, 7, 11, 13].find((each) => each > n / 3 && n % each !== 0) ?? 1;
  return values.map((_, i) => values[(i * step) % n] ?? Number.NaN);
};

const arms = ['reference', 'base', 'head'] as const;
export const points: readonly OperatingPoint[] = [
  { id: 'prefill-256', kind: 'call', phase: 'prefill', length: 256, batch: 1, rounds: 60, warmUp: 10, arms },
  { id: 'decode-b1', kind: 'call', phase: 'decode', length: 256, batch: 1, rounds: 60, warmUp: 10, arms },
  { id: 'evaluation', kind: 'evaluation', windows: 8, arms },
  { id: 'inspection', kind: 'inspection', arms },
  { id: 'memory', kind: 'solo', of: 'decode-b1', seconds: 1, launches: 3, arms },
  { id: 'build', kind: 'build', arms },
];

const shared = { identity: 'artefact', scale: 'log', better: 'lower', tolerance: 0.02 } as const;
export const metrics: readonly MetricSpec[] = [
  {
    ...shared,
    id: 'prefill-latency',
    unit: 'ms',
    kind: 'timing',
    role: 'gate',
    from: { of: 'series', point: 'prefill-256', series: 'wall-ms', over: 'median' },
  },
  {
    ...shared,
    id: 'decode-latency',
    unit: 'ms',
    kind: 'timing',
    role: 'gate',
    from: { of: 'series', point: 'decode-b1', series: 'wall-ms', over: 'median' },
  },
  {
    ...shared,
    id: 'decode-speedup',
    unit: '×',
    kind: 'timing',
    role: 'described',
    better: 'higher',
    from: { of: 'against', arm: 'reference', point: 'decode-b1', series: 'wall-ms', over: 'median', as: 'speed-up' },
  },
  {
    ...shared,
    id: 'nll-delta',
    unit: 'nats/token',
    kind: 'exact',
    role: 'gate',
    scale: 'linear',
    tolerance: 0.005,
    from: { of: 'against', arm: 'reference', point: 'evaluation', series: 'nll', over: 'mean', as: 'difference' },
  },
  {
    ...shared,
    id: 'perplexity-ratio',
    unit: '%',
    kind: 'exact',
    role: 'described',
    better: 'higher',
    scale: 'linear',
    tolerance: 0.5,
    from: { of: 'against', arm: 'reference', point: 'evaluation', series: 'nll', over: 'mean', as: 'percent-kept' },
  },
  {
    ...shared,
    id: 'model-size',
    unit: 'bytes',
    kind: 'exact',
    role: 'gate',
    tolerance: 0.001,
    from: { of: 'series', point: 'inspection', series: 'bytes', over: 'last' },
  },
  {
    ...shared,
    id: 'sparsity',
    unit: '%',
    kind: 'exact',
    role: 'described',
    better: 'higher',
    scale: 'linear',
    tolerance: 0,
    from: { of: 'series', point: 'inspection', series: 'sparsity', over: 'last' },
  },
  {
    ...shared,
    id: 'peak-memory',
    unit: 'bytes',
    kind: 'exact',
    role: 'gate',
    tolerance: 0.01,
    from: { of: 'series', point: 'memory', series: 'peak', over: 'max' },
  },
  {
    ...shared,
    id: 'energy',
    unit: 'J/token',
    kind: 'timing',
    role: 'advisory',
    tolerance: 0.05,
    from: { of: 'series', point: 'memory', series: 'joules', over: 'median' },
  },
  {
    ...shared,
    id: 'compression-time',
    unit: 's',
    kind: 'timing',
    role: 'described',
    identity: 'code',
    from: { of: 'series', point: 'build', series: 'seconds', over: 'last' },
  },
];

export const cell = (id: string, fields: Partial<PlannedCell> = {}): PlannedCell => {
  const [model = '', optimization = ''] = id.split('/');
  const arm = (side: 'head' | 'base') => ({
    id: side,
    builds: { main: side === 'head' ? digest('1') : digest('2') },
    policy: null,
    options: null,
    code: digest(side === 'head' ? 'c' : 'd'),
  });
  return {
    id,
    model,
    optimization,
    like: optimization,
    presence: 'both',
    renamedFrom: null,
    skipped: null,
    arms: [arm('head'), arm('base')],
    comparators: {},
    tunes: null,
    options: null,
    points,
    metrics,
    headline: [],
    claims: [],
    ...fields,
  };
};

/** The build of an arm, which every cell of `cell` shares. */
export const buildOf = (arm: 'head' | 'base'): PlannedBuild => ({
  key: arm === 'head' ? digest('1') : digest('2'),
  cell: 'mini/pruning',
  arm,
  variant: 'main',
  model: 'mini',
  optimization: 'pruning',
  on: null,
  mayFail: 'never',
  options: null,
  told: { name: 'main', options: null },
  subject: {
    door: { kind: 'command', command: 'make {model} {output}' },
    tree: arm,
    folder: '',
    inputs: [],
    code: digest('c'),
    ownCode: digest('c'),
  },
  seed: 7,
});

export const planOf = (cells: readonly PlannedCell[], fields: Partial<Plan> = {}): Plan => {
  const runtime = { digest: digest('e'), ort: '1', provider: 'cpu', threads: 1, session: null, serving: digest('5') };
  return {
    schema: 'optimization-gate/plan/1',
    head: { commit: 'a'.repeat(40), dirty: false },
    reviewed: null,
    base: { commit: 'b'.repeat(40), dirty: false },
    event: 'change',
    warnings: [],
    seed: 7,
    policy,
    policyChanges: [],
    runtime,
    baseRuntime: runtime,
    baseWorker: null,
    models: [],
    builds: [],
    cells,
    environment: [],
    lfs: false,
    buildTwice: true,
    folders: { head: '', base: '' },
    setup: { head: null, base: null },
    isolation: null,
    limits: { seconds: 60, memoryBytes: 1e9 },
    budgetMinutes: null,
    ...fields,
  };
};

export const settle = (id: string, status: SettledLine['status'], error: SettledLine['error'] = null): SettledLine => ({
  line: 'settled',
  cell: id,
  status,
  arms: { reference: digest('0'), base: status === 'changed' ? digest('8') : digest('9'), head: digest('9') },
  error,
  warnings: [],
});

export const samplesOf = (settled: readonly SettledLine[], launches: readonly Launch[] = [], fields: Partial<Samples> = {}): Samples => ({
  plan: digest('f'),
  at: '2026-06-15T23:00:00.000Z',
  runnerClass: 'cpu-test',
  environment: {},
  settled: new Map(settled.map((line) => [line.cell, line])),
  seen: new Map(),
  settlements: [],
  launches,
  failedStarts: new Map(),
  stopped: null,
  warnings: [],
  built: new Map(
    (['1', '2'] as const).map((key) => [
      digest(key),
      {
        line: 'built',
        key: digest(key),
        status: 'built',
        artefact: digest(key),
        bytes: 900,
        seconds: key === '1' ? 3 : 2,
        repeatSeconds: null,
        facts: {},
        error: null,
      },
    ]),
  ),
  ...fields,
});

/** What a simulated machine does: noise of a launch and of a round, and what head costs against base, as a fraction, by cell and point. */
export interface Machine {
  readonly noise?: number;
  readonly slowdown?: (cell: string, point: string) => number;
  readonly size?: (arm: string) => number;
  readonly nll?: (arm: string, window: number) => number;
  readonly peak?: (arm: string, index: number) => number;
  readonly sparsity?: number;
  readonly selfCheck?: { readonly 'a-a': number; readonly planted: number };
}

const timed = (machine: Machine, demand: LaunchDemand, point: Extract<OperatingPoint, { kind: 'call' | 'episode' }>) => {
  const random = seededRandom(deriveSeed(11, demand.launch, point.id));
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const { noise = 0.01, slowdown = () => 0, selfCheck = { 'a-a': 0, planted: 0.25 } } = machine;
  const bias = gauss() * noise;
  const changes: Readonly<Record<string, number>> = !demand.selfCheck
    ? { head: slowdown(demand.cell, point.id) }
    : { head: selfCheck['a-a'], 'self-check:planted': selfCheck.planted };
  const factor = (arm: string): number => {
    const change = changes[arm];
    return arm === 'reference' ? 1.5 : change === undefined ? 1 : (1 + change) * Math.exp(bias);
  };
  return Object.fromEntries(
    demand.arms.map((arm) => [arm, { 'wall-ms': Array.from({ length: 9 }, () => 2 * factor(arm) * Math.exp(noise * gauss())) }]),
  );
};

/** Runs one demanded launch on the simulated machine. */
export const run = (machine: Machine, demand: LaunchDemand): Launch => {
  const {
    size = () => 1000,
    nll = (arm, window) => (arm === 'reference' ? 2 : 2.1) + window / 100,
    peak = () => 50 * 2 ** 20,
    sparsity = 0,
  } = machine;
  const values = (point: OperatingPoint) => {
    const each = (of: (arm: string) => Record<string, number[]>) => Object.fromEntries(point.arms.map((arm) => [arm, of(arm)]));
    if (point.kind === 'call' || point.kind === 'episode') return timed(machine, demand, point);
    if (point.kind === 'evaluation')
      return each((arm) => ({ nll: Array.from({ length: point.windows }, (_, window) => nll(arm, window)) }));
    if (point.kind === 'inspection') return each((arm) => ({ bytes: [size(arm)], sparsity: [arm === 'reference' ? 0 : sparsity] }));
    return each((arm) => ({ peak: [peak(arm, demand.index)] }));
  };
  const measured = Object.fromEntries(
    demand.points.map((point) => [
      point.id,
      { values: values(point), warnings: point.kind === 'solo' ? ['no-meter: joules: this machine has none'] : [] },
    ]),
  );
  return {
    id: demand.launch,
    cell: demand.cell,
    purpose: demand.purpose,
    index: demand.index,
    selfCheck: demand.selfCheck,
    status: 'complete',
    error: null,
    process: null,
    points: measured,
    traces: [],
    tuned: undefined,
  };
};

/** Follows the demand to its end, as the orchestrator does. `step` may turn a launch into a failed or discarded one. */
export const measure = (plan: Plan, samples: Samples, machine: Machine, step: (launch: Launch) => Launch = (launch) => launch): Samples => {
  let current = samples;
  for (let turn = 0; turn < 40; turn++) {
    const wanted = launchDemand(plan, current);
    if (wanted.length === 0) return current;
    current = { ...current, launches: [...current.launches, ...wanted.map((demand) => step(run(machine, demand)))] };
  }
  throw new Error('the demand never ends');
};

export const verdictOf = (plan: Plan, samples: Samples, baselines: readonly Baseline[] = []) =>
  judge({ plan, planDigest: digest('f'), samples, samplesDigest: digest('a'), baselines, baselinesDigest: null });

export const metricOf = (verdict: ReturnType<typeof judge>, id: string, at = 0) =>
  verdict.cells[at]!.metrics.find((metric) => metric.id === id)!;
