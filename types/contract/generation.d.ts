/** Running a model: prompts, session options and sessions that generate. */
/** Rows of tokens that a session is fed with; drawn by `Tools.prompt`, from calibration text (and images, for models that see). */
export interface Prompt {
    readonly batch: number;
    readonly length: number;
    /** batch × length */
    readonly tokens: Uint32Array;
    /** The window whose image stands in each row; null: text only. */
    readonly windows: readonly number[] | null;
}
/** Settings of the native runtime that a trial may change; whatever is left out is the run's own. */
export interface SessionOptions {
    /** Threads of one operator, 1 to 256. */
    readonly threads?: number;
    /** How far the runtime rewrites the graph when it loads it. */
    readonly graphOptimization?: 'disabled' | 'basic' | 'extended' | 'all';
    readonly executionMode?: 'sequential' | 'parallel';
    /** Spin instead of sleeping between operators: a little faster, costs processor time of the neighbours. */
    readonly spinning?: boolean;
    readonly memoryPattern?: boolean;
    readonly arena?: boolean;
}
export interface GenerationSession {
    /** Starts a conversation anew, as the artefact's serving hints say (whole, or in chunks). Throws `option-invalid` for a prompt that does not fit. */
    prefill(prompt: Prompt): Promise<void>;
    /** Greedy steps after the last prefill. */
    decode(steps: number): Promise<void>;
    /** Bytes of the keys and values held now. */
    readonly cacheBytes: number;
    /** Ends the session; the model is unloaded with its last session. */
    release(): Promise<void>;
}
