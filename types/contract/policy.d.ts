/** Policies: code that is asked during an episode, and answers with an action. */
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
