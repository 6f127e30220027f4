import type { Optimization } from './contract.ts';
import { structuredPruningBench } from './structured-pruning/bench.ts';
import { tensorDecompositionBench } from './tensor-decomposition/bench.ts';

/** Hides the option type of an entry: the bench parses options before its own subject or workload sees them. */
const entry = <Options>(optimization: Optimization<Options>): Optimization => optimization as unknown as Optimization;

/** Every optimization that ships with the gate, in the order of reports. A subject is loaded only where it runs. */
export const builtinOptimizations: readonly Optimization[] = [
  entry({ bench: structuredPruningBench, subject: async () => (await import('./structured-pruning/subject.ts')).structuredPruning }),
  entry({ bench: tensorDecompositionBench, subject: async () => (await import('./tensor-decomposition/subject.ts')).tensorDecomposition }),
];

/** The built-in with this id, or null. */
export const findOptimization = (id: string): Optimization | null => builtinOptimizations.find((each) => each.bench.id === id) ?? null;
