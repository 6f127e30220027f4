import { isOnce } from '../gate/cell-state.ts';
import type { LaunchDemand } from '../gate/launch-demand.ts';
import { readAbsence } from '../records/absence.ts';
import type { OperatingPoint } from '../records/metric.ts';
import { otherMeasureText } from '../records/other-measure.ts';
import { measuringDigest, type Plan } from '../records/plan.ts';
import type { FromWorker, LaunchRequest } from '../records/protocol.ts';
import type { Coded } from '../records/words.ts';
import { askWorker, codedOf, type WorkerLimits, type WorkerProgram } from '../run/worker-process.ts';
import { soloProgram } from './solo-program.ts';
import type { StoredScores } from './stored-scores.ts';

type Measured = Extract<FromWorker, { type: 'measured' }>;
type Column = Readonly<Record<string, readonly number[]>>;

/**
 * Which program measures a launch. Where base's own serves otherwise than the running one, head is
 * measured by the running program, and everything else by base's: `both`, one after the other, where a
 * launch compares the two. A self-check asks what the machine does, of one program.
 */
export type MeasuredBy = 'running' | 'base' | 'both';

export const measuredBy = (
  { baseWorker }: Pick<Plan, 'baseWorker'>,
  { arms, selfCheck }: Pick<LaunchDemand, 'arms' | 'selfCheck'>,
): MeasuredBy => {
  if (baseWorker === null || selfCheck) return 'running';
  if (!arms.includes('head')) return 'base';
  return arms.includes('base') ? 'both' : 'running';
};

/** What numbers of a launch rest on besides its arms; of `both` it is that of head. */
export const measuredWith = ({ runtime, baseRuntime }: Pick<Plan, 'runtime' | 'baseRuntime'>, by: MeasuredBy): LaunchRequest['runtime'] => {
  const { provider, threads } = runtime;
  return { digest: measuringDigest(by === 'base' ? (baseRuntime ?? runtime) : runtime), provider, threads };
};

/** The same launch for one program: without the arm that the other measures. */
const without = (arm: 'base' | 'head', request: LaunchRequest): LaunchRequest => {
  const policies = Object.fromEntries(Object.entries(request.policies).filter(([id]) => id !== arm));
  const points = request.points.map((point) => ({ ...point, arms: point.arms.filter((id) => id !== arm) }));
  return { ...request, arms: request.arms.filter((id) => id !== arm), policies, points: points.filter(({ arms }) => arms.length > 0) };
};

/** All columns of a point that takes turns end with the shortest: its rounds are pairs. */
const evenly = (columns: Readonly<Record<string, Column>>): Record<string, Record<string, number[]>> => {
  const shortest = Math.min(...Object.values(columns).flatMap((column) => Object.values(column).map(({ length }) => length)));
  return Object.fromEntries(
    Object.entries(columns).map(([arm, column]) => [
      arm,
      Object.fromEntries(Object.entries(column).map(([series, values]) => [series, values.slice(0, shortest)])),
    ]),
  );
};

/** Numbers of one model may differ by rounding where code was only rearranged. */
const rounding = 1e-9;

const isSame = (some: readonly number[] = [], others: readonly number[] = []): boolean =>
  some.length === others.length &&
  some.every((value, at) => Math.abs(value - (others[at] ?? 0)) <= rounding * Math.max(1, Math.abs(value)));

/** Series of the reference that rest on no clock, and that the two programs disagree on. */
const disagreements = (point: OperatingPoint, others: Column = {}, own: Column = {}): readonly string[] =>
  isOnce(point)
    ? Object.keys(others)
        .filter((series) => Object.hasOwn(own, series) && !isSame(others[series], own[series]))
        .map((series) =>
          otherMeasureText({
            series,
            text: `head's own program measures ${series} of the reference model otherwise than base's, so it cannot tell whether head is as good`,
          }),
        )
    : [];

const sum = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b);
const larger = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.max(a, b));

/** One launch of what two programs measured: head's numbers by the running one, all others by base's. */
export const joinedLaunch = (request: LaunchRequest, base: Measured, head: Measured): Measured => ({
  type: 'measured',
  points: request.points.flatMap((asked) => {
    const [others, own] = [base, head].map(({ points }) => points.find(({ point }) => point === asked.id));
    if (own === undefined || others === undefined) return own ?? others ?? [];
    const headColumn = own.values['head'];
    const values = { ...others.values, ...(headColumn === undefined ? {} : { head: headColumn }) };
    return {
      point: asked.id,
      values: 'rounds' in asked ? evenly(values) : values,
      warnings: [
        ...new Set([...others.warnings, ...own.warnings]),
        ...disagreements(asked, others.values['reference'], own.values['reference']),
      ],
    };
  }),
  traces: [...base.traces, ...head.traces.filter(({ arm }) => arm === 'head')],
  scores: [...base.scores, ...head.scores],
  process: {
    seconds: base.process.seconds + head.process.seconds,
    vmHwmBytes: larger(base.process.vmHwmBytes, head.process.vmHwmBytes),
    cpuSeconds: sum(base.process.cpuSeconds, head.process.cpuSeconds),
    runNs: sum(base.process.runNs, head.process.runNs),
    waitNs: sum(base.process.waitNs, head.process.waitNs),
    pressure: larger(base.process.pressure, head.process.pressure),
    throttled: base.process.throttled === true || head.process.throttled,
  },
});

/** Why head's program has no numbers of head where base's program has some of base; null where it has. */
const lacking = (request: LaunchRequest, base: Measured, head: Measured): Coded | null => {
  for (const { id } of request.points) {
    const [others, own] = [base, head].map(({ points }) => points.find(({ point }) => point === id));
    if (others?.values['base'] === undefined || own === undefined || own.values['head'] !== undefined) continue;
    const why = own.warnings.map((warning) => readAbsence(warning)?.reason ?? warning).join(' ');
    const message = `A launch was run by head's own program and by base's. Expected numbers of both at ${id}, got none of head. ${why}`;
    return { code: 'launch-crashed', message: message.trim(), arm: 'head' };
  }
  return null;
};

/** How one launch is measured. */
export interface MeasuringWorkers {
  readonly running: WorkerProgram;
  /** Base's own; null where the running one measures all. */
  readonly base: WorkerProgram | null;
  readonly plan: Pick<Plan, 'runtime' | 'baseRuntime' | 'baseWorker'>;
  readonly scores: Pick<StoredScores, 'of'>;
}

export type LaunchAnswer =
  | { readonly status: 'measured'; readonly measured: Measured }
  | { readonly status: 'failed'; readonly error: Coded };

/** Runs a launch in fresh processes, two where two programs measure it, which take turns to be first. What fails in base's is no fault of head's. */
export const measureLaunch = async (
  { running, base, plan, scores }: MeasuringWorkers,
  request: LaunchRequest,
  index: number,
  limits: WorkerLimits,
): Promise<LaunchAnswer> => {
  const ask = async (worker: WorkerProgram, one: LaunchRequest, arm: 'base' | null): Promise<LaunchAnswer> => {
    const program = one.purpose === 'solo' ? soloProgram(worker) : worker;
    try {
      return { status: 'measured', measured: await askWorker(program, one, 'measured', limits, `launch ${one.launch}`) };
    } catch (thrown) {
      const error = codedOf(thrown);
      return { status: 'failed', error: arm === null ? error : { ...error, arm } };
    }
  };
  const by = measuredBy(plan, request);
  if (base === null || by === 'running') return ask(running, request, null);
  if (by === 'base') return ask(base, request, 'base');
  const ofBase = { ...without('head', request), runtime: measuredWith(plan, 'base') };
  const asking = {
    base: () => ask(base, { ...ofBase, scores: [...scores.of(ofBase)] }, 'base'),
    head: () => ask(running, without('base', request), null),
  };
  const order = index % 2 === 0 ? (['base', 'head'] as const) : (['head', 'base'] as const);
  const answers = new Map<string, LaunchAnswer>();
  for (const side of order) {
    const answer = await asking[side]();
    if (answer.status === 'failed') return answer;
    answers.set(side, answer);
  }
  const [first, second] = [answers.get('base'), answers.get('head')];
  if (first?.status !== 'measured' || second?.status !== 'measured') throw new TypeError('A side of the launch was not asked.');
  const error = lacking(request, first.measured, second.measured);
  if (error !== null) return { status: 'failed', error };
  return { status: 'measured', measured: joinedLaunch(request, first.measured, second.measured) };
};
