import type { Bench } from '../contract/benchmark.ts';
import type { Optimization } from '../contract/optimization.ts';
import { adaptiveBatchingBench } from './adaptive-batching/benchmark.ts';
import { architectureSearchBench } from './architecture-search/benchmark.ts';
import { automlBench } from './automl/benchmark.ts';
import { beforeAfterBench } from './before-after/benchmark.ts';
import { feedbackControlBench } from './feedback-control/benchmark.ts';
import { modelChangeBench } from './model-change/benchmark.ts';
import { modularComponentsBench } from './modular-components/benchmark.ts';
import { sparseAttentionBench } from './sparse-attention/benchmark.ts';
import { sparseNetworkBench } from './sparse-network/benchmark.ts';
import { streamingBench } from './streaming/benchmark.ts';
import { structuredPruningBench } from './structured-pruning/benchmark.ts';
import { tensorDecompositionBench } from './tensor-decomposition/benchmark.ts';

/** Hides the option type of an entry: the bench parses options before its own subject or workload sees them. */
const entry = <Options>(optimization: Optimization<Options>): Optimization => optimization as unknown as Optimization;

/** Every optimization that ships with the gate, in the order of reports. A subject is loaded only where it runs. */
export const builtinOptimizations: readonly Optimization[] = [
  entry({ bench: structuredPruningBench, subject: async () => (await import('./structured-pruning/subject.ts')).structuredPruning }),
  entry({ bench: sparseAttentionBench, subject: async () => (await import('./sparse-attention/subject.ts')).sparseAttention }),
  entry({ bench: adaptiveBatchingBench, subject: async () => (await import('./adaptive-batching/subject.ts')).adaptiveBatching }),
  entry({ bench: architectureSearchBench, subject: async () => (await import('./architecture-search/subject.ts')).architectureSearch }),
  entry({ bench: streamingBench, subject: async () => (await import('./streaming/subject.ts')).streaming }),
  entry({ bench: tensorDecompositionBench, subject: async () => (await import('./tensor-decomposition/subject.ts')).tensorDecomposition }),
  entry({ bench: sparseNetworkBench, subject: async () => (await import('./sparse-network/subject.ts')).sparseNetwork }),
  entry({ bench: modularComponentsBench, subject: async () => (await import('./modular-components/subject.ts')).modularComponents }),
  entry({ bench: automlBench, subject: async () => (await import('./automl/subject.ts')).automl }),
  entry({ bench: feedbackControlBench, subject: async () => (await import('./feedback-control/subject.ts')).feedbackControl }),
  entry({ bench: beforeAfterBench, subject: async () => ({}) }),
];

/** The built-in with this id, or null. */
export const findOptimization = (id: string): Optimization | null => builtinOptimizations.find((each) => each.bench.id === id) ?? null;

/** Everything that one's own code can be judged like: the built-ins, and any other change of a model. */
export const benches: readonly Bench[] = [...builtinOptimizations.map(({ bench }) => bench), modelChangeBench as unknown as Bench];

/** The bench with this id, or null. */
export const findBench = (id: string): Bench | null => benches.find((bench) => bench.id === id) ?? null;
