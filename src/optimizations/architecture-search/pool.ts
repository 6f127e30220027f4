import type { ModelFacts } from '../../records/serving.ts';
import { keptCount } from '../graph/selection.ts';
import type { MemberShape, SearchOptions } from './options.ts';

/** The reference model: what every arm serves under this name when nothing else is built as it. */
export const fullModel = 'main';

/** Nats per token: losses that round to the same multiple of it are the same loss. */
export const noticeable = 0.005;
export const roundedLoss = (loss: number): number => Math.round(loss / noticeable);

export interface Member {
  readonly name: string;
  readonly shape: MemberShape;
}

/** `depth-75-width-50` */
const nameOf = ({ depth, width }: MemberShape): string => `depth-${Math.round(100 * depth)}-width-${Math.round(100 * width)}`;

/** The reference model, then the variants in their order. Shapes that leave the same are one: nothing is built twice. */
export const poolOf = (model: Pick<ModelFacts, 'layers'>, { pool }: Pick<SearchOptions, 'pool'>): readonly Member[] => {
  const key = ({ depth, width }: MemberShape): string => `${keptCount(model.layers, 1 - depth)} ${Math.round(100 * width)}`;
  const dense: MemberShape = { depth: 1, width: 1 };
  const members = new Map<string, Member>([[key(dense), { name: fullModel, shape: dense }]]);
  for (const shape of pool) if (!members.has(key(shape))) members.set(key(shape), { name: nameOf(shape), shape });
  return [...members.values()];
};
