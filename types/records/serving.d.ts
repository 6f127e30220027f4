/** What the parts that build, serve and score a model hand to each other inside one process; not a document. */
/** How a decode loop must drive an artefact. Part of its digest. */
export interface ServeHints {
    /** Keep only this many newest positions of the KV cache … */
    readonly keepLast?: number | undefined;
    /** … and this many first ones. */
    readonly sinks?: number | undefined;
    /** Prefill in chunks of this many tokens. */
    readonly chunk?: number | undefined;
    /** Let a bounded cache grow by so many positions before it is cut back to `sinks` + `keepLast`; at once unless told. */
    readonly slack?: number | undefined;
    /**
     * Radians per position by which the pairs (i, i + n) of a key turn, n of them: what stays of a bounded cache is turned back to its place
     * inside it. Without, positions go on counting, and the decoder must take them as an input.
     */
    readonly frequencies?: readonly number[] | undefined;
    /** Keys and values are written into buffers of `sinks` + `keepLast` + `slack` positions: for attention that appends in place. */
    readonly inPlace?: boolean | undefined;
}
/** One graph of an artefact; more than one is a pipeline (vision tower and decoder; modules). */
export interface Stage {
    /** `decoder`, `vision`, … */
    readonly id: string;
    /** File name of the ONNX graph inside the artefact's folder; its external data lies beside it. */
    readonly graph: string;
}
/** What is known of a model without opening a weight. */
export interface ModelFacts {
    readonly id: string;
    readonly family: string;
    readonly digest: string;
    readonly miniature: boolean;
    readonly layers: number;
    readonly hidden: number;
    readonly heads: number;
    readonly kvHeads: number;
    /** Routed experts per layer; 0: dense. */
    readonly experts: number;
    readonly vision: boolean;
    readonly latentAttention: boolean;
    readonly quantized: boolean;
    readonly vocabulary: number;
    readonly context: number;
}
/** The images of windows, as a vision tower reads them. One image stands in each window, all of one size. */
export interface WindowImages {
    /** Rows of `pixel_values` per image and their width. */
    readonly patches: number;
    readonly patchWidth: number;
    /** The token that stands where an image feature goes. */
    readonly imageToken: number;
    /** `pixel_values` of one window's image: patches × patchWidth, in [-1, 1]. */
    pixels(window: number): Float32Array;
    /** Rotary positions of one row of tokens: time, height and width, three rows of the row's length, and the position of the token after it. */
    positions(tokens: ArrayLike<number>): {
        readonly axes: Float64Array;
        readonly next: number;
    };
}
/** Held-out or calibration text. A window is a row of `length` tokens; token t is predicted from the tokens before it. */
export interface EvaluationWindows {
    readonly count: number;
    readonly length: number;
    /** count × length, row-major. */
    readonly tokens: Uint16Array;
    /** count × length, 1 where the token is a target; null: every token after the first is. */
    readonly scored: Uint8Array | null;
    readonly images: WindowImages | null;
}
