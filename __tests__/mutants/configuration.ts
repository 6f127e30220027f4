/** The configuration that mutants are judged with: every optimization as it is, and the targets that the defaults leave out. */
export const mutantsConfiguration = `runtime: { provider: cpu, threads: 1 }
optimizations:
  - { id: structured-pruning }
  - { id: pruned-heads, like: structured-pruning, with: { target: heads } }
  - { id: pruned-layers, like: structured-pruning, with: { target: layers } }
  - { id: pruned-experts, like: structured-pruning, with: { target: experts } }
  - { id: sparse-attention }
  - { id: sink-attention, like: sparse-attention, with: { pattern: sink-window, window: 32 } }
  - { id: adaptive-batching }
  - { id: architecture-search }
  - { id: streaming }
  - { id: tensor-decomposition }
  - { id: sparse-network }
  - { id: unstructured, like: sparse-network, with: { pattern: unstructured } }
  - { id: modular-components }
  - { id: automl }
  - { id: feedback-control }
`;
