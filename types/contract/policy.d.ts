/** Policies: code that is asked during an episode, and answers with an action. */
import type * as z from '../zod/v4/classic/external.js';
import type { Json, PointId } from '../records/words.js';
/** Ask and tell: a batcher, a window, a variant controller and a search differ only in observation and action. */
export interface Policy<Observation = Json, Action = Json> {
    next(observation: Observation): Promise<Action>;
}
export interface EpisodeStart<Setting = Json> {
    readonly point: PointId;
    readonly seed: number;
    readonly options: Json;
    readonly setting: Setting;
}
/** The messages of one kind of episode, as schemas: docs/serve-protocol.md and schemas/ are made of them. */
export interface PolicyExchange {
    /** What the setting calls this kind of episode; null where the benchmark has one kind only. */
    readonly task: string | null;
    /** When the policy is asked, as a sentence of the documentation. */
    readonly asked: string;
    readonly setting: z.ZodType;
    readonly observation: z.ZodType;
    readonly action: z.ZodType;
    /** A start, and a first question after it: by these a policy's code is seen to run. They measure nothing. */
    readonly rehearsal: {
        readonly setting: Json;
        readonly observation: Json;
    };
}
