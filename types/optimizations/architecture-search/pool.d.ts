import type { ModelFacts } from '../../records/serving.js';
import type { MemberShape, SearchOptions } from './options.js';
/** The reference model: what every arm serves under this name when nothing else is built as it. */
export declare const fullModel = "main";
/** Nats per token: losses that round to the same multiple of it are the same loss. */
export declare const noticeable = 0.005;
export declare const roundedLoss: (loss: number) => number;
export interface Member {
    readonly name: string;
    readonly shape: MemberShape;
}
/** The reference model, then the variants in their order. Shapes that leave the same are one: nothing is built twice. */
export declare const poolOf: (model: Pick<ModelFacts, 'layers'>, { pool }: Pick<SearchOptions, 'pool'>) => readonly Member[];
