import type { ModelFacts } from '../records/serving.ts';
import type { ModelConfig } from './config.ts';

/** What `plan` knows of a model: no weight is opened. @param digest digest of the source files; @param id names the model in results. */
export const modelFacts = (id: string, digest: string, config: ModelConfig, miniature: boolean): ModelFacts => {
  const { text } = config;
  return {
    id,
    family: config.family,
    digest,
    miniature,
    layers: text.layers,
    hidden: text.hidden,
    heads: text.heads,
    kvHeads: 'kvHeads' in text ? text.kvHeads : text.heads,
    experts: 'experts' in config ? config.experts.experts : 0,
    vision: 'vision' in config,
    latentAttention: 'latentRank' in text,
    quantized: false,
    vocabulary: text.vocabulary,
    context: text.context,
  };
};
