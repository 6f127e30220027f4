import { launchDemand } from '../../src/gate/launch-demand.ts';
import { type ExternalMetric, externalBenchmark } from '../../src/optimizations/external-measurement/benchmark.ts';
import type { Requirement } from '../../src/records/metric.ts';
import type { GatePolicy, Plan } from '../../src/records/plan.ts';
import type { Launch, Samples } from '../../src/records/sample.ts';
import type { MetricVerdict, Verdict } from '../../src/records/verdict.ts';
import { seededRandom } from '../../src/statistics/random.ts';
import { cell, policy as defaultPolicy, planOf, samplesOf, settle, verdictOf } from './fixtures.ts';

/** One answer of a program: an arm of a launch, asked for a round. */
export interface Asked {
  readonly cell: string;
  readonly arm: 'base' | 'head';
  readonly purpose: 'screen' | 'confirm' | 'requirement';
  /** Index of the launch within its purpose. */
  readonly index: number;
  readonly round: number;
}

/** What the programs of a pull request answer, by metric. */
export type Program = (asked: Asked) => Readonly<Record<string, number>>;

/** Without `over`: a time in ms with a tolerance of 2 %. */
export const metric = (over: Partial<ExternalMetric> & { readonly tolerance?: number; readonly require?: Requirement } = {}) => ({
  id: 'latency',
  unit: 'ms',
  better: 'lower' as const,
  kind: 'timing' as const,
  role: 'gate' as const,
  scale: 'log' as const,
  ...over,
});

export interface PullRequest {
  readonly metrics: readonly ReturnType<typeof metric>[];
  readonly program: Program;
  readonly cells?: readonly string[];
  readonly rounds?: number;
  readonly policy?: Partial<GatePolicy>;
  readonly seed?: number;
  /** Measuring ends after so many launches, by the budget. */
  readonly launches?: number;
  /** What the worker says of a launch. */
  readonly warnings?: (launch: Pick<Asked, 'purpose' | 'index'>) => readonly string[];
}

const planned = ({ metrics, cells = ['mini/engine'], policy = {}, seed = 7 }: PullRequest): Plan => {
  const { points, metrics: specs } = externalBenchmark(metrics.map(({ tolerance: _, require: __, ...each }) => each)).workload(
    {} as never,
    {} as never,
  );
  const tolerated = specs.map((spec, at) => {
    const { tolerance = spec.tolerance, require } = metrics[at] ?? {};
    return { ...spec, tolerance, ...(require === undefined ? {} : { require }) };
  });
  return planOf(
    cells.map((id) => cell(id, { points: [...points], metrics: tolerated })),
    { policy: { ...defaultPolicy, ...policy }, seed },
  );
};

const answered = (
  { program, metrics, rounds = 15, warnings = () => [] }: PullRequest,
  demand: ReturnType<typeof launchDemand>[number],
): Launch => {
  const arm = (side: 'base' | 'head') => {
    const answers = Array.from({ length: rounds }, (_, round) =>
      program({ cell: demand.cell, arm: side, purpose: demand.purpose as Asked['purpose'], index: demand.index, round }),
    );
    return Object.fromEntries(metrics.map(({ id }) => [id, answers.map((answer) => answer[id] ?? Number.NaN)]));
  };
  return {
    id: demand.launch,
    cell: demand.cell,
    purpose: demand.purpose,
    index: demand.index,
    selfCheck: demand.selfCheck,
    status: 'complete',
    error: null,
    process: null,
    points: {
      rounds: {
        values: { base: arm('base'), head: arm('head') },
        warnings: [...warnings({ purpose: demand.purpose as Asked['purpose'], index: demand.index })],
      },
    },
    traces: [],
    tuned: undefined,
  };
};

/** Measures a pull request as the orchestrator does, and judges it. */
export const judged = (request: PullRequest): { readonly verdict: Verdict; readonly launches: number } => {
  const plan = planned(request);
  let samples: Samples = samplesOf(plan.cells.map(({ id }) => settle(id, 'changed')));
  const most = request.launches ?? Number.POSITIVE_INFINITY;
  for (let wanted = launchDemand(plan, samples); wanted.length > 0; wanted = launchDemand(plan, samples)) {
    const room = most - samples.launches.length;
    const more = wanted.slice(0, room).map((demand) => answered(request, demand));
    samples = { ...samples, launches: [...samples.launches, ...more], stopped: more.length < wanted.length ? 'budget' : null };
  }
  return { verdict: verdictOf(plan, samples), launches: samples.launches.length };
};

/** The verdict on the first metric of the first cell. */
export const judgedMetric = (request: PullRequest): MetricVerdict & { readonly run: Verdict['verdict'] } => {
  const { verdict } = judged(request);
  const first = verdict.cells[0]?.metrics[0];
  if (first === undefined) throw new Error('no metric was judged');
  return { ...first, run: verdict.verdict };
};

/** What a clock with this step reads of a time; 0: without steps. */
export const readBy = (value: number, step: number): number => (step === 0 ? value : Math.floor(value / step + 1e-9) * step);

export interface AtTolerance {
  readonly runs: number;
  readonly cells: number;
  readonly rounds: number;
  /** Of the clock, in ms, where about 50 ms are timed. */
  readonly step: number;
  /** Standard deviation of a round, and of a launch, as shares of the time. */
  readonly noise: number;
  readonly launchNoise?: number;
  readonly tolerance?: number;
}

/**
 * How many pull requests fail of which every metric has become worse by just its tolerance, with
 * symmetric noise.
 */
export const failuresAtTolerance = ({ runs, cells, rounds, step, noise, launchNoise = 0, tolerance = 0.02 }: AtTolerance): number => {
  const names = Array.from({ length: cells }, (_, at) => `mini/c${at}`);
  let failed = 0;
  for (let run = 0; run < runs; run++) {
    const random = seededRandom(run);
    const gauss = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    // Every cell has a phase of its own against the grid of the clock.
    const levels = new Map(names.map((name) => [name, 50 + 10 * random()]));
    let bias = 0;
    const program = ({ cell: name, arm, round }: Asked) => {
      if (round === 0) bias = launchNoise * gauss();
      const time = (levels.get(name) ?? 50) * (arm === 'head' ? 1 + tolerance : 1) * Math.exp(bias + noise * gauss());
      return { latency: readBy(time, step) };
    };
    if (judged({ metrics: [metric({ tolerance })], cells: names, rounds, seed: run, program }).verdict.verdict === 'regressed') failed += 1;
  }
  return failed;
};
