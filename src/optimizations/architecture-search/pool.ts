import type { ModelFacts } from '../contract.ts';
import type { SearchOptions, Shape } from './options.ts';

/** The untouched model: what every arm serves under this name when nothing else is built as it. */
export const untouched = 'main';

/** Nats per token: losses that round to the same multiple of it are the same loss. */
const noticeable = 0.005;
export const roundedLoss = (loss: number): number => Math.round(loss / noticeable);

export interface Member {
  readonly name: string;
  readonly shape: Shape;
}

/** `depth-75-width-50` */
const nameOf = ({ depth, width }: Shape): string => `depth-${Math.round(100 * depth)}-width-${Math.round(100 * width)}`;

/** Layers that a share leaves: at least one goes below 1, and at least one stays. */
const layersLeft = (model: Pick<ModelFacts, 'layers'>, depth: number): number =>
  depth === 1 ? model.layers : Math.max(1, Math.min(model.layers - 1, Math.round(model.layers * depth)));

/** The untouched model, then the variants in their order. Shapes that leave the same are one: nothing is built twice. */
export const poolOf = (model: Pick<ModelFacts, 'layers'>, { pool }: Pick<SearchOptions, 'pool'>): readonly Member[] => {
  const key = ({ depth, width }: Shape): string => `${layersLeft(model, depth)} ${Math.round(100 * width)}`;
  const dense: Shape = { depth: 1, width: 1 };
  const members = new Map<string, Member>([[key(dense), { name: untouched, shape: dense }]]);
  for (const shape of pool) if (!members.has(key(shape))) members.set(key(shape), { name: nameOf(shape), shape });
  return [...members.values()];
};
