import type { Plan } from '../records/plan.ts';
import type { Samples } from '../records/sample.ts';
import type { Verdict } from '../records/verdict.ts';

interface Input {
  readonly plan: Plan;
  readonly planDigest: string;
  readonly samples: Samples;
  readonly samplesDigest: string;
  readonly baselinesDigest: string | null;
}

const reasonOf = ({ base, head }: Plan): string =>
  base === null
    ? `the base branch holds commit ${head.commit.slice(0, 12)} already`
    : 'nothing that the base branch configures can be measured';

/**
 * The verdict on a head that is its own base, or of whose cells none can be measured: exit 0, and no cell, so that it cannot be taken for a
 * pass.
 */
export const nothingToCompare = ({ plan, planDigest, samples, samplesDigest, baselinesDigest }: Input): Verdict => ({
  schema: 'optimization-gate/verdict/1',
  verdict: 'nothing-to-compare',
  exitCode: 0,
  summary: `Nothing to compare: ${reasonOf(plan)}, so nothing was measured`,
  plan: planDigest,
  samples: samplesDigest,
  baselines: baselinesDigest,
  cells: [],
  coverage: { judged: 0, total: 0, byReason: {} },
  statistics: { alpha: plan.policy.alpha, family: 0, smallestDetectable: {} },
  selfChecks: [],
  repeatedBuilds: { count: 0, seconds: 0 },
  runnerClass: samples.runnerClass,
  environment: samples.environment,
  policyChanges: plan.policyChanges,
  warnings: plan.warnings,
  seed: plan.seed,
});
