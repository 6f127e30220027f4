import type { Benchmark, BuildSpec } from '../../contract/benchmark.ts';
import type { CountedWeights } from '../../records/metric.ts';
import type { ModelFacts } from '../../records/serving.ts';
import { sparseNetworkBenchmark } from '../sparse-network/benchmark.ts';
import { densityOf, sparsityOptions } from '../sparse-network/options.ts';
import { structuredPruningBenchmark } from '../structured-pruning/benchmark.ts';
import { tensorDecompositionBenchmark } from '../tensor-decomposition/benchmark.ts';

export const passIds = ['structured-pruning', 'tensor-decomposition', 'sparse-network'] as const;
export type PassId = (typeof passIds)[number];

/** What the pass builds with its defaults: the same build as in a cell of its own. Null where it does not apply to the model. */
const defaultBuild = <Options>(benchmark: Benchmark<Options>, model: ModelFacts): BuildSpec | null => {
  const options = benchmark.options.parse({}, benchmark.id);
  if (benchmark.applies(model, options) !== true) return null;
  const spec = benchmark.workload(model, options).variants['main'];
  return spec === undefined ? null : { ...spec, optimization: benchmark.id };
};

const builds: Readonly<Record<PassId, (model: ModelFacts) => BuildSpec | null>> = {
  'structured-pruning': (model) => defaultBuild(structuredPruningBenchmark, model),
  'tensor-decomposition': (model) => defaultBuild(tensorDecompositionBenchmark, model),
  'sparse-network': (model) => defaultBuild(sparseNetworkBenchmark, model),
};

/** The passes of a list that apply to a model, in its order, with what they build. */
export const passesOf = (model: ModelFacts, passes: readonly PassId[]): readonly { readonly id: PassId; readonly spec: BuildSpec }[] =>
  passes.flatMap((id) => {
    const spec = builds[id](model);
    return spec === null ? [] : [{ id, spec }];
  });

/** Ordered pairs of different passes. */
export const pairsOf = (passes: readonly PassId[]): readonly (readonly [PassId, PassId])[] =>
  passes.flatMap((first) => passes.filter((then) => then !== first).map((then) => [first, then] as const));

/** The model after one pass, after two, and after one and then cut into modules. */
export const pairVariant = (first: PassId, then: PassId): string => `${first}-then-${then}`;
export const cutVariant = (pass: PassId): string => `${pass}-then-modules`;

const sparsePass: PassId = 'sparse-network';

/** The pass that cuts a model into modules is the optimization itself, so its variant is `main`. */
export type PartId = PassId | 'main';

/** Two parts of a composition and the variant that has both. */
export interface Composition {
  readonly name: string;
  readonly parts: readonly [PartId, PartId];
}

/** Every two passes in both orders, and each pass before the cut. */
export const compositionsOf = (passes: readonly PassId[]): readonly Composition[] => [
  ...pairsOf(passes).map(([first, then]): Composition => ({ name: pairVariant(first, then), parts: [first, then] })),
  ...passes.map((pass): Composition => ({ name: cutVariant(pass), parts: [pass, 'main'] })),
];

/**
 * The weights of a variant that are looked at for zeros: those of the sparse network, with its pattern, where that is the variant or a part of it. All of
 * them are read for it.
 */
export const zeroedBy = (
  passes: ReturnType<typeof passesOf>,
  compositions: readonly Composition[],
): ((variant: string | null) => CountedWeights | null) => {
  const sparse = passes.find(({ id }) => id === sparsePass);
  if (sparse === undefined) return () => null;
  const options = sparsityOptions.parse(sparse.spec.options, 'options');
  const density = densityOf(options);
  const weights: CountedWeights = { target: options.target, pattern: 'zeros' in density ? null : density, tokens: 1 };
  const names = new Set<string | null>([
    sparsePass,
    ...compositions.flatMap(({ name, parts }) => (parts.includes(sparsePass) ? [name] : [])),
  ]);
  return (variant) => (names.has(variant) ? weights : null);
};
