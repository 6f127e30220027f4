import type { Experts, Layer, Linear } from './architecture.ts';

/** Which weights of a model: feed-forwards with their experts, projections of attention, both in every stage, or both in the vision tower alone. */
export const weightTargets = ['ffn', 'attention', 'all', 'vision'] as const;
export type WeightTarget = (typeof weightTargets)[number];

/** Whether a target has weights in a stage. */
export const inStage = (target: WeightTarget, stage: string): boolean =>
  target === 'all' || stage === (target === 'vision' ? 'vision' : 'decoder');

/** The linears of a target, each once, in the order of the layers: no embedding, no head, no router, nothing outside a layer. */
export const layerLinears = (layers: readonly Layer[], target: WeightTarget): readonly Linear[] => {
  const found = layers.flatMap(({ attention, feedForwards }) => [
    ...(target === 'attention'
      ? []
      : feedForwards.flatMap(({ gate, up, down }) => [...(gate === null ? [] : [gate.linear]), up.linear, down])),
    ...(target === 'ffn'
      ? []
      : [
          attention.query.linear,
          attention.key.linear,
          attention.value.linear,
          attention.output,
          attention.latent?.queryDown ?? null,
          attention.latent?.keyValueDown ?? null,
        ].filter((linear) => linear !== null)),
  ]);
  return [...new Set(found)];
};

/** The stacked experts of a target. */
export const layerExperts = (layers: readonly Layer[], target: WeightTarget): readonly Experts[] =>
  target === 'attention' ? [] : layers.map((layer) => layer.experts).filter((each): each is Experts => each !== null);
