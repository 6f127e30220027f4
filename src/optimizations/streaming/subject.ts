import type { Subject } from '../../contract/optimization.ts';
import { GateError } from '../../errors.ts';
import { findRotaryKeys } from '../../onnx/recognise/rotary.ts';
import type { ServeHints } from '../../records/serving.ts';
import { rewriteStages, type StageGraph } from '../graph/stage-graphs.ts';
import { cachePositions, type StreamingOptions } from './options.ts';

const hintsOf = ({ model, architecture }: StageGraph, options: StreamingOptions): ServeHints => {
  const attentions = architecture.layers.map(({ attention }) => attention);
  const { frequencies, positions } = findRotaryKeys(model, attentions);
  if (positions !== null && cachePositions(options) > positions)
    throw new GateError(
      'option-invalid',
      `The options make a cache of ${cachePositions(options)} positions. Expected at most ${positions}, as far as the rotary tables of the model reach.`,
      {
        where: 'options.keep-last',
      },
    );
  return {
    chunk: options.chunk,
    sinks: options.sinks,
    keepLast: options['keep-last'],
    slack: options.chunk,
    frequencies,
    // This operator appends to the buffer that it reads where both are one; a Concat needs a new one.
    inPlace: attentions.every(({ op, cache }) => op === 'GroupQueryAttention' && cache !== null),
  };
};

/**
 * Leaves the weights as they are and serves them as a stream (StreamingLLM, arXiv 2309.17453): attention sinks and a sliding window
 * are all that stays of the past, at the positions that they have inside the cache, so that an input may be endless; a prompt is read in chunks
 * (Sarathi, arXiv 2308.16369), between which other conversations go on; keys and values are written in place where the attention operator can.
 * @throws GateError onnx-unsupported for keys that are not turned by a recognised rotary embedding.
 */
export const streaming: Subject<StreamingOptions> = {
  build: async (context) => {
    const hints: ServeHints[] = [];
    const built = await rewriteStages(
      context,
      (stage) => stage === 'decoder',
      async (graph) => {
        hints.push(hintsOf(graph, context.options));
        return {};
      },
    );
    const [serve] = hints;
    if (serve === undefined)
      throw new GateError(
        'onnx-unsupported',
        `The decoder was looked for. The model has only the ONNX files ${context.input.stages.map(({ id }) => id).join(', ')}.`,
      );
    return { ...built, serve };
  },
};
