/** A mistake that someone could make in an optimization's code, and what the gate must call a regression because of it. */
export interface Fault {
  readonly optimization: string;
  readonly what: string;
  readonly file: string;
  /** Text that stands once in the file, and what takes its place. */
  readonly from: string;
  readonly to: string;
  /** At least one of these regresses. */
  readonly metrics: readonly string[];
}

/** At least one for every optimization that has code of its own; before-after has none. */
export const faults: readonly Fault[] = [
  {
    optimization: 'structured-pruning',
    what: 'wrong importance: the most important channels go',
    file: 'src/optimizations/graph/selection.ts',
    from: '.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)',
    to: '.sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0) || a - b)',
    metrics: ['nll-delta'],
  },
  {
    optimization: 'sparse-attention',
    what: 'window too small',
    file: 'src/optimizations/sparse-attention/subject.ts',
    from: 'const pattern = chosen === null ? patterns[0] : chosen[layer]?.pattern;',
    to: 'const pattern = windowOnly(8);',
    metrics: ['nll-delta', 'late-nll-delta'],
  },
  {
    optimization: 'adaptive-batching',
    what: 'batch limit wrong',
    file: 'src/optimizations/adaptive-batching/token-budget.ts',
    from: 'const most = Math.min(setting.maximum, options.maximum);',
    to: 'const most = 1 + 0 * Math.min(setting.maximum, options.maximum);',
    metrics: ['goodput', 'latency-p50', 'slo-attainment'],
  },
  {
    optimization: 'architecture-search',
    what: 'a controller that ignores the latency budget',
    file: 'src/optimizations/architecture-search/controller.ts',
    from: 'latencyOf(each) * (1 + margin) <= budget;',
    to: 'latencyOf(each) * (1 + margin) <= budget || true;',
    metrics: ['adaptive-goodput', 'adaptation-time'],
  },
  {
    optimization: 'streaming',
    what: 'wrong eviction: almost nothing of the past is kept',
    file: 'src/optimizations/streaming/subject.ts',
    from: "keepLast: options['keep-last'],",
    to: "keepLast: Math.min(16, options['keep-last']),",
    metrics: ['nll-delta'],
  },
  {
    optimization: 'tensor-decomposition',
    what: 'activations weigh the wrong way round, so that more ranks are kept',
    file: 'src/optimizations/tensor-decomposition/linear.ts',
    from: "triangle.lower, weights, 'left'),\n    undoFlipped: async (weighed) => flipped(await products.multiply(weighed, triangle.inverse)),",
    to: "triangle.inverse, weights),\n    undoFlipped: async (weighed) => flipped(await products.multiply(weighed, triangle.lower, 'right')),",
    metrics: ['model-size', 'macs-per-token'],
  },
  {
    optimization: 'sparse-network',
    what: 'masks not applied',
    file: 'src/optimizations/sparse-network/mask.ts',
    from: 'weights[start + least] = 0;',
    to: 'weights[start + least] = weights[start + least] ?? 0;',
    metrics: ['pattern-conformity'],
  },
  {
    optimization: 'modular-components',
    what: 'module interface widened',
    file: 'src/optimizations/modular-components/cut.ts',
    from: 'kindOf(node).constant || (repeat && kindOf(node).light)',
    to: 'kindOf(node).constant && repeat && kindOf(node).light',
    metrics: ['interface-tensors', 'modularity-score'],
  },
  {
    optimization: 'automl',
    what: 'a search that ignores its constraint',
    file: 'src/optimizations/automl/expected-improvement.ts',
    from: "(losses.get(variant) ?? 0) <= setting['nll-bound'];",
    to: "(losses.get(variant) ?? 0) <= 1000 * (1 + setting['nll-bound']);",
    metrics: ['found-nll-delta'],
  },
  {
    optimization: 'feedback-control',
    what: 'controller gain × 10',
    file: 'src/optimizations/feedback-control/proportional-integral.ts',
    from: 'integral += options.integral * error;',
    to: 'integral += 10 * options.integral * error;',
    metrics: ['settling-steps', 'overshoot', 'tracking-accuracy', 'stable'],
  },
];
