/**
 * What a graph is made of, as plain data. Tensors are named by their names; a node is named by its first output, which is
 * unique in a graph (node names are not).
 */

/** A matrix times the activations. `rows` is the width that goes in, `columns` the width that comes out. */
export interface Linear {
  readonly op: 'MatMul' | 'Gemm' | 'MatMulNBits' | 'MatMulInteger';
  /** First output of the node. */
  readonly node: string;
  /** Tensor that is multiplied. */
  readonly input: string;
  /** Tensor that comes out, the bias included. */
  readonly output: string;
  /** Initializer that stores the matrix. */
  readonly weight: string;
  /** How the initializer lies: `in-out` is [rows, columns], `out-in` is [columns, rows]. */
  readonly orientation: 'in-out' | 'out-in';
  readonly rows: number;
  readonly columns: number;
  /** 1-D initializer [columns] that is added, if any. */
  readonly bias: string | null;
  /** Stored as integers or blocks, not as floats. */
  readonly quantized: boolean;
}

/** Some of a linear's columns: packed projections are one linear with a Split behind it. */
export interface Slice {
  readonly linear: Linear;
  readonly offset: number;
  readonly size: number;
}

/** up → activation (→ × up) → down. `gate` is null where there is one projection only. */
export interface FeedForward {
  readonly kind: 'feed-forward';
  readonly gate: Slice | null;
  readonly up: Slice;
  readonly down: Linear;
  readonly width: number;
  /** First output of the nodes (Split) between a packed projection and the activation whose sizes follow the width. */
  readonly splits: readonly string[];
}

/** Stacked experts in one fused operator. Every initializer has the experts as its first dimension. */
export interface Experts {
  readonly kind: 'experts';
  readonly op: 'MoE' | 'QMoE';
  readonly node: string;
  readonly input: string;
  readonly output: string;
  readonly count: number;
  readonly chosen: number;
  readonly width: number;
  /** [count, fused·width, hidden]; `fused` is 2 where gate and up are stored together, else 1. */
  readonly up: string;
  readonly fused: 1 | 2;
  /** Gate and up alternate row by row, or lie one after the other. */
  readonly layout: 'interleaved' | 'concatenated' | 'single';
  /** [count, hidden, width] */
  readonly down: string;
  /** Further initializers of the node (biases, scales): name and input position. */
  readonly extras: readonly { readonly slot: number; readonly tensor: string }[];
  readonly quantized: boolean;
  readonly router: Router;
}

/** What chooses experts: a linear, and every constant between it and the experts that is as long as there are experts. */
export interface Router {
  readonly linear: Linear;
  /** Constants with the experts on an axis (correction bias, masks), each with the node that reads it. */
  readonly perExpert: readonly { readonly node: string; readonly tensor: string; readonly axis: number }[];
  /** Integer constants that hold the number of experts (shapes, depths), each with the node and input that read it. */
  readonly counts: readonly { readonly node: string; readonly input: number }[];
}

/** Where the keys and values of one attention enter and leave the graph. Layout: [batch, heads, positions, size]. */
export interface CacheTensors {
  readonly pastKey: string;
  readonly pastValue: string;
  readonly presentKey: string;
  readonly presentValue: string;
}

export interface Attention {
  readonly op: 'GroupQueryAttention' | 'MultiHeadAttention' | 'Attention' | 'Softmax';
  /** First output of the operator (of the Softmax for attention that is spelled out). */
  readonly node: string;
  readonly heads: number;
  readonly kvHeads: number;
  /** Elements per head of queries and keys, and of values. */
  readonly headSize: number;
  readonly valueSize: number;
  readonly query: Slice;
  readonly key: Slice;
  readonly value: Slice;
  readonly output: Linear;
  /** Low-rank path into the projections above (latent attention), else null. */
  readonly latent: { readonly queryDown: Linear | null; readonly keyValueDown: Linear } | null;
  readonly cache: CacheTensors | null;
  /** First outputs of all nodes between the projections and the output linear, in graph order. */
  readonly inside: readonly string[];
}

/** Something that normalises the stream, or heads, or latents. */
export interface Norm {
  readonly node: string;
  readonly op: string;
  readonly input: string;
  readonly output: string;
  readonly weight: string;
  readonly length: number;
}

/** One writer of the residual stream: `output` = `stream` + `delta`. */
export interface ResidualWrite {
  readonly node: string;
  readonly stream: string;
  /** What the block made. */
  readonly delta: string;
  /** Empty where the sum is fused into a norm and does not leave it. */
  readonly output: string;
}

export interface Layer {
  readonly index: number;
  readonly attention: Attention;
  readonly attentionWrite: ResidualWrite;
  /** Dense and shared feed-forwards. */
  readonly feedForwards: readonly FeedForward[];
  readonly experts: Experts | null;
  readonly feedForwardWrite: ResidualWrite;
}

export interface Port {
  readonly name: string;
  readonly type: string;
  /** Symbolic dimensions stay names. */
  readonly dims: readonly (number | string)[];
}

export interface Architecture {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly layers: readonly Layer[];
  /** Feed-forwards outside any layer: the mergers of a vision tower. */
  readonly projections: readonly FeedForward[];
  readonly norms: readonly Norm[];
  readonly head: Linear | null;
  readonly embedding: { readonly node: string; readonly weight: string; readonly rows: number; readonly columns: number } | null;
  readonly linears: readonly Linear[];
  /** Large constants that nothing above explains. */
  readonly unclaimed: readonly string[];
  /** What does not add up: widths that differ, layers unlike each other. */
  readonly warnings: readonly string[];
  /** What keeps the rest from being told, and why: nested graphs, local functions, numbers that contradict each other. */
  readonly notRecognised: readonly string[];
}
