import { GateError } from '../errors.ts';
import type { EvaluationWindows } from '../records/serving.ts';
import { cacheBytes } from './cache-window.ts';
import type { Advanced, LoadedModel } from './decoder.ts';
import type { Rows } from './feeds.ts';
import { argMax } from './row-logits.ts';

/** A conversation with a model: tokens in, greedy tokens on. Satisfies the contract's `ServingSession`; releasing the model is its owner's affair. */
export interface GreedySession {
  /** Starts anew with rows of equal length. Throws `option-invalid` for rows that are not what they say. */
  prefill(prompt: Rows): Promise<void>;
  /** Greedy steps after the last prefill. Throws `option-invalid` before one. */
  decode(steps: number): Promise<void>;
  /** Bytes of the keys and values held now. */
  readonly cacheBytes: number;
  release(): Promise<void>;
}

/** A session on a loaded model; several may take turns on one model. */
export const greedySession = (model: LoadedModel, images: EvaluationWindows['images'] = null): GreedySession => {
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
