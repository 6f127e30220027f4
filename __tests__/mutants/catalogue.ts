import { adaptiveBatching } from './adaptive-batching.ts';
import { architectureSearch } from './architecture-search.ts';
import { automl } from './automl.ts';
import { feedbackControl } from './feedback-control.ts';
import { modularComponents } from './modular-components.ts';
import type { Catalogue } from './mutant.ts';
import { runtime } from './runtime.ts';
import { sparseAttention } from './sparse-attention.ts';
import { sparseNetwork } from './sparse-network.ts';
import { streaming } from './streaming.ts';
import { structuredPruning } from './structured-pruning.ts';
import { tensorDecomposition } from './tensor-decomposition.ts';

/** Everything that is planted, by what it is planted in. */
export const catalogues: readonly Catalogue[] = [
  structuredPruning,
  sparseAttention,
  adaptiveBatching,
  architectureSearch,
  streaming,
  tensorDecomposition,
  sparseNetwork,
  modularComponents,
  automl,
  feedbackControl,
  runtime,
];
