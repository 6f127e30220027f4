import type { Benchmark } from '../contract/benchmark.ts';
import type { Optimization } from '../contract/optimization.ts';
import { adaptiveBatchingBenchmark } from './adaptive-batching/benchmark.ts';
import { architectureSearchBenchmark } from './architecture-search/benchmark.ts';
import { automlBenchmark } from './automl/benchmark.ts';
import { beforeAfterBenchmark } from './before-after/benchmark.ts';
import { feedbackControlBenchmark } from './feedback-control/benchmark.ts';
import { modelChangeBenchmark } from './model-change/benchmark.ts';
import { modularComponentsBenchmark } from './modular-components/benchmark.ts';
import { sparseAttentionBenchmark } from './sparse-attention/benchmark.ts';
import { sparseNetworkBenchmark } from './sparse-network/benchmark.ts';
import { streamingBenchmark } from './streaming/benchmark.ts';
import { structuredPruningBenchmark } from './structured-pruning/benchmark.ts';
import { tensorDecompositionBenchmark } from './tensor-decomposition/benchmark.ts';

/** Hides the option type of an entry: the benchmark parses options before its own subject or workload sees them. */
const entry = <Options>(optimization: Optimization<Options>): Optimization => optimization as unknown as Optimization;

/** Every optimization that ships with the gate, in the order of reports. A subject is loaded only where it runs. */
export const builtinOptimizations: readonly Optimization[] = [
  entry({
    benchmark: structuredPruningBenchmark,
    subject: async () => (await import('./structured-pruning/subject.ts')).structuredPruning,
  }),
  entry({ benchmark: sparseAttentionBenchmark, subject: async () => (await import('./sparse-attention/subject.ts')).sparseAttention }),
  entry({ benchmark: adaptiveBatchingBenchmark, subject: async () => (await import('./adaptive-batching/subject.ts')).adaptiveBatching }),
  entry({
    benchmark: architectureSearchBenchmark,
    subject: async () => (await import('./architecture-search/subject.ts')).architectureSearch,
  }),
  entry({ benchmark: streamingBenchmark, subject: async () => (await import('./streaming/subject.ts')).streaming }),
  entry({
    benchmark: tensorDecompositionBenchmark,
    subject: async () => (await import('./tensor-decomposition/subject.ts')).tensorDecomposition,
  }),
  entry({ benchmark: sparseNetworkBenchmark, subject: async () => (await import('./sparse-network/subject.ts')).sparseNetwork }),
  entry({
    benchmark: modularComponentsBenchmark,
    subject: async () => (await import('./modular-components/subject.ts')).modularComponents,
  }),
  entry({ benchmark: automlBenchmark, subject: async () => (await import('./automl/subject.ts')).automl }),
  entry({ benchmark: feedbackControlBenchmark, subject: async () => (await import('./feedback-control/subject.ts')).feedbackControl }),
  entry({ benchmark: beforeAfterBenchmark, subject: async () => ({}) }),
];

/** The built-in with this id, or null. */
export const findOptimization = (id: string): Optimization | null => builtinOptimizations.find((each) => each.benchmark.id === id) ?? null;

/** Everything that one's own code can be judged like: these optimizations, and any other change of a model. */
export const benchmarksOf = (optimizations: readonly Pick<Optimization, 'benchmark'>[]): readonly Benchmark[] => [
  ...optimizations.map(({ benchmark }) => benchmark),
  modelChangeBenchmark as unknown as Benchmark,
];

/** The same of the optimizations that ship. */
export const benchmarks: readonly Benchmark[] = benchmarksOf(builtinOptimizations);

/** The benchmark with this id, or null. */
export const findBenchmark = (id: string): Benchmark | null => benchmarks.find((benchmark) => benchmark.id === id) ?? null;
