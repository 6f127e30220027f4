import type { Acceptance, GatePolicy } from '../records/plan.ts';
import { type Config, type OptimizationEntry, takesModel } from './config.ts';
import { modelEntryId } from './resolve.ts';

/**
 * Launches of the confirmation's looks, their shares of alpha (.010 + .015 + .020 of .05), and
 * those of the last test where measuring ended at that look (.0005 + .001 + .0035): nearly all for
 * the longest series, which is where noise keeps metrics undecided.
 */
const looks = [
  { launches: 12, share: 0.2, last: 0.01 },
  { launches: 24, share: 0.3, last: 0.02 },
  { launches: 36, share: 0.4, last: 0.07 },
] as const;
const screenLaunches = 5;
const quickLaunches = 3;

/** The decision rule's numbers. Always called with base's configuration and base's acceptances. */
export const gatePolicyOf = (config: Config, accepted: readonly Acceptance[]): GatePolicy => ({
  alpha: config.gate.alpha,
  screen: screenLaunches,
  looks: looks.map(({ launches, share, last }) => ({
    launches,
    alpha: Number((config.gate.alpha * share).toPrecision(12)),
    lastAlpha: Number((config.gate.alpha * last).toPrecision(12)),
  })),
  mustDetect: config.gate.mustDetect,
  failOn: config.gate.failOn,
  accepted,
});

/** The same rule for `--quick`: a shorter screen and no confirmation, so a first impression instead of a verdict on time. */
export const quickPolicy = (policy: GatePolicy): GatePolicy => ({ ...policy, screen: quickLaunches, looks: [] });

/** Everything of a configuration by which a pull request is judged, as readable pairs. */
const rulesOf = (config: Config): ReadonlyMap<string, string> =>
  new Map<string, string>([
    ['gate.alpha', String(config.gate.alpha)],
    ['gate.must-detect', `${Number((config.gate.mustDetect * 100).toPrecision(6))}%`],
    ['gate.quality', config.gate.quality],
    ['gate.build-twice', String(config.gate.buildTwice)],
    ['gate.fail-on', [...config.gate.failOn].sort().join(', ') || 'nothing'],
    ...Object.entries(config.gate.tolerance).map(
      ([metric, { value, relative }]) =>
        [`gate.tolerance.${metric}`, relative ? `${Number((value * 100).toPrecision(6))}%` : String(value)] as const,
    ),
    ...Object.entries(config.gate.require).map(([metric, { text }]) => [`gate.require.${metric}`, text] as const),
    ['environment', config.environment.map(({ name }) => name).join(', ') || 'none'],
    ['lfs', String(config.lfs)],
    ['isolation.user', config.isolation?.user ?? 'none'],
    ['isolation.base-user', config.isolation?.baseUser ?? 'none'],
    ['budget.minutes', config.budgetMinutes === null ? 'none' : String(config.budgetMinutes)],
    ['limits.seconds', String(config.limits.seconds)],
    ['limits.memory', `${config.limits.memoryBytes} bytes`],
  ]);

/** How both sides are run. It has no arm of its own: head's is in force at once, and its effect is not measured. */
const runtimeEdits = ({ runtime: base }: Config, { runtime: head }: Config): string[] =>
  (['provider', 'threads'] as const)
    .filter((key) => base[key] !== head[key])
    .map(
      (key) =>
        `runtime.${key} was changed from ${base[key]} to ${head[key]}; both sides are measured with ${head[key]}, so its own effect is not seen.`,
    );

/** What the benchmark of an entry is: judged like what and with which options, at which points, by which metrics of its own. */
const benchmarkOf = (entry: OptimizationEntry): string => JSON.stringify([entry.like, entry.likeOptions, entry.points, entry.metrics]);

const listed = (what: string, base: readonly string[], head: readonly string[]): readonly string[] => [
  ...base
    .filter((id) => !head.includes(id))
    .map(
      (id) =>
        `${what} ${id} was removed: it is expected until the merge, so it is reported as missing unless baselines/accepted.json of base retires it.`,
    ),
  ...head.filter((id) => !base.includes(id)).map((id) => `${what} ${id} was added: base has nothing to compare it with yet.`),
];

/**
 * Head's edits of what it is judged by, as plain sentences in a stable order; empty when there are none. The values in
 * force are base's (but for the runtime, which is head's); head's count after the merge. Options under `with:` are no policy: each side is built with its own.
 */
export const diffPolicy = (base: Config, head: Config, renamed: ReadonlyMap<string, string> = new Map()): string[] => {
  const [before, after] = [rulesOf(base), rulesOf(head)];
  const edits = [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((rule) => {
    const [was, is] = [before.get(rule), after.get(rule)].map(
      (value) => value ?? (rule.startsWith('gate.require.') ? 'nothing' : 'default'),
    );
    return was === is ? [] : [`${rule} was changed from ${was} to ${is}; ${was} is in force until the merge.`];
  });
  const benchmarks = base.optimizations.flatMap((entry) => {
    const other = head.optimizations.find(({ id }) => (renamed.get(id) ?? id) === entry.id);
    return other === undefined || benchmarkOf(other) === benchmarkOf(entry)
      ? []
      : [
          `optimization ${entry.id} has other \`like\`, \`like-with\`, \`points\` or \`metrics\` than in base; base's are in force until the merge.`,
        ];
  });
  return [
    ...edits,
    ...runtimeEdits(base, head),
    ...benchmarks,
    // Measurements without a model lose nothing with one.
    ...([...base.optimizations, ...head.optimizations].some(takesModel)
      ? listed('model', base.models.map(modelEntryId), head.models.map(modelEntryId))
      : []),
    ...listed(
      'optimization',
      base.optimizations.map(({ id }) => id),
      head.optimizations.map(({ id }) => renamed.get(id) ?? id),
    ),
  ];
};
