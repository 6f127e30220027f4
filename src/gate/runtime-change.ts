import type { Plan, RuntimeSpec } from '../records/plan.ts';
import type { VerdictKind } from '../records/verdict.ts';
import type { CellState } from './cell-state.ts';
import type { JudgedMetric } from './judged-metric.ts';
import { pointOf } from './metric-key.ts';

const parts = {
  provider: ({ provider }) => provider,
  threads: ({ threads }) => String(threads),
  library: ({ ort }) => ort ?? 'none',
  'session options': ({ session }) => JSON.stringify(session),
} as const satisfies Readonly<Record<string, (spec: RuntimeSpec) => string>>;

const differences = (base: NonNullable<Plan['baseRuntime']>, head: RuntimeSpec): string => {
  const named = Object.entries(parts).flatMap(([name, of]) => {
    const [was, is] = [of(base), of(head)];
    if (name === 'library' && base.named !== undefined) return [`${name} ${base.named.base} → ${base.named.head} in ${base.named.file}`];
    return was === is ? [] : [name === 'session options' ? name : `${name} ${was} → ${is}`];
  });
  return named.length === 0 ? 'its digest' : named.join(', ');
};

/**
 * Why numbers of this run cannot tell base's runtime from head's: both arms are measured with head's. Null where the two are equal.
 */
export const runtimeChange = ({ runtime, baseRuntime }: Plan): string | null => {
  if (baseRuntime?.digest === runtime.digest) return null;
  const what = baseRuntime === null ? "base's is not known" : differences(baseRuntime, runtime);
  return `the runtime differs between base and head (${what}): both were measured with head's, so its own effect is not seen`;
};

/** What a changed runtime leaves as it is: nothing that it could have done makes these better. */
const settled: ReadonlySet<VerdictKind> = new Set(['regressed', 'failed', 'missing', 'new']);

/**
 * A metric that depends on the runtime (time, memory, energy; not what building cost, and not quality and size) where that
 * changed: no pass and no improvement, but undecided, which holds the run. A regression that head's runtime shows in the code stays one.
 */
export const withoutRuntimeEffect = (judged: JudgedMetric, { cell }: CellState, change: string | null): JudgedMetric => {
  const { spec, verdict } = judged;
  const kind = pointOf(cell, spec)?.kind;
  const depends = kind === 'solo' || (spec.kind === 'timing' && (kind === 'call' || kind === 'episode' || kind === 'external'));
  if (change === null || !depends || (verdict.verdict !== null && settled.has(verdict.verdict))) return judged;
  const reason = verdict.reason === null || verdict.verdict === 'unchanged' ? change : `${change}; ${verdict.reason}`;
  return { ...judged, holdsRun: true, verdict: { ...verdict, verdict: verdict.role === 'gate' ? 'inconclusive' : null, reason } };
};
