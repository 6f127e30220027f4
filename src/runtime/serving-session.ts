import type { GenerationSession } from '../contract/generation.ts';
import { GateError } from '../errors.ts';
import type { EvaluationWindows } from '../records/serving.ts';
import { cacheBytes } from './cache-window.ts';
import type { Advanced, LoadedModel } from './decoder.ts';

import { argMax } from './row-logits.ts';

/**
 * A session on a loaded model that decodes greedily; several may take turns on one model. Releasing the model is its owner's affair.
 * `prefill` throws `option-invalid` for rows that are not of equal length, `decode` before a prefill.
 */
export const greedySession = (model: LoadedModel, images: EvaluationWindows['images'] = null): GenerationSession => {
  let state: Advanced | null = null;
  return {
    prefill: async (prompt) => {
      const { batch, length, tokens } = prompt;
      if (!Number.isInteger(batch) || batch < 1 || tokens.length === 0 || tokens.length !== batch * length)
        throw new GateError(
          'option-invalid',
          `A prompt was given to the model. Expected ${batch} rows of ${length} tokens, got ${tokens.length} tokens in all.`,
        );
      state = await model.advance(prompt, null, images);
    },
    decode: async (steps) => {
      for (let step = 0; step < steps; step++) {
        if (state === null) throw new GateError('option-invalid', 'The model was to decode. That needs a prefill before it.');
        const tokens = argMax(state.logits);
        state = await model.advance({ batch: tokens.length, length: 1, tokens, windows: null }, state);
      }
    },
    get cacheBytes() {
      return state === null ? 0 : cacheBytes(state.cache);
    },
    release: async () => {
      state = null;
    },
  };
};
