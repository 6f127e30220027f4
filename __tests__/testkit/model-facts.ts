import type { ModelFacts } from '../../src/records/serving.ts';

/** A text model that no optimization refuses. */
export const textFacts: ModelFacts = {
  id: 'sample',
  family: 'sample',
  digest: '0'.repeat(64),
  miniature: true,
  layers: 4,
  hidden: 64,
  heads: 4,
  kvHeads: 2,
  experts: 8,
  vision: false,
  latentAttention: false,
  quantized: false,
  vocabulary: 512,
  context: 2048,
};

/** The same with a vision tower. */
export const pictureFacts: ModelFacts = { ...textFacts, vision: true };
