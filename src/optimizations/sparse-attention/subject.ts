import type { BuildContext } from '../../contract/build.ts';
import type { Subject } from '../../contract/optimization.ts';
import { GateError } from '../../errors.ts';
import { rewriteStages, type StageGraph } from '../graph/stage-graphs.ts';
import { layerErrors } from './calibrated.ts';
import { chosenPatterns } from './choice.ts';
import type { SparseAttentionOptions } from './options.ts';
import { keysSeen, type Pattern, sinkWindow, stridedWindow, windowOnly } from './pattern.ts';
import { sparsify } from './rewrite.ts';

type Context = BuildContext<SparseAttentionOptions>;

/** A quarter of a window of text, a multiple of 8: then most queries of calibration text see less than all. */
const windowFor = (positions: number): number => Math.max(8, Math.floor(positions / 32) * 8);

const usualSinks = 4;

/** The first positions of a text, or of an image and what stands around it: a caption that no longer sees its image is lost. */
const sinksFor = async ({ options, input, calibration }: Context): Promise<number> => {
  if (options.sinks > 0) return options.sinks;
  let image = 0;
  if (input.stages.some(({ id }) => id === 'vision'))
    await calibration.observe('vision', ['image_features'], ({ image_features: features }) => {
      image = features?.dims[0] ?? 0;
    });
  return usualSinks + image;
};

const patternsOf = ({ pattern, stride }: SparseAttentionOptions, window: number, sinks: number): readonly Pattern[] => {
  switch (pattern) {
    case 'adaptive':
      return [windowOnly(window), sinkWindow(window, sinks), stridedWindow(window, stride)];
    case 'window':
      return [windowOnly(window)];
    case 'sink-window':
      return [sinkWindow(window, sinks)];
    case 'strided':
      return [stridedWindow(window, stride)];
  }
};

/** Keys that a query is spared on average over so many positions. */
const savedKeys = (pattern: Pattern, positions: number): number => {
  let saved = 0;
  for (let at = 0; at < positions; at += 1) saved += at + 1 - keysSeen(pattern, at);
  return saved / positions;
};

/** Patterns are compared over so many times the text that they are calibrated on: what they spare shows in long contexts. */
const reach = 2;

const makeSparse = async ({ stage, model, architecture }: StageGraph, context: Context): Promise<Record<string, number>> => {
  const { options, calibration } = context;
  const { layers, inputs } = architecture;
  if (layers.length === 0)
    throw new GateError('onnx-unsupported', 'The attention of the graph was looked for. None is recognised.', { where: model.graph });
  const sinks = await sinksFor(context);
  const adaptive = options.pattern === 'adaptive';
  // A pattern that is not chosen needs no errors: one layer tells how long a window of text is.
  const { positions, patterns, errors } = await layerErrors(model, stage, adaptive ? layers : layers.slice(0, 1), calibration, (length) =>
    patternsOf(options, options.window || windowFor(length), sinks),
  );
  const candidates = errors.map((own) =>
    patterns.map((pattern, at) => ({ pattern, error: own[at] ?? Number.NaN, saved: savedKeys(pattern, reach * positions) })),
  );
  const chosen = adaptive ? chosenPatterns(candidates, options.budget) : null;
  const sparse = layers.flatMap(({ attention }, layer) => {
    const pattern = chosen === null ? patterns[0] : chosen[layer]?.pattern;
    return pattern === undefined ? [] : [{ layer, attention, pattern }];
  });
  sparsify(model, inputs, sparse, options.block);
  const counts = { 'sparse-layers': sparse.length, 'dense-layers': layers.length - sparse.length };
  return chosen === null ? counts : { ...counts, 'predicted-stray': chosen.reduce((sum, candidate) => sum + (candidate?.error ?? 0), 0) };
};

/**
 * Sparse attention whose patterns calibration chooses, layer by layer: a window, a window and attention sinks, or a window and every k-th
 * position. Facts: `sparse-layers`, `dense-layers`, and `predicted-stray`, what a choice spends of its budget.
 */
export const sparseAttention: Subject<SparseAttentionOptions> = {
  build: (context) => {
    if (!context.input.stages.some(({ id }) => id === 'decoder'))
      throw new GateError('onnx-unsupported', 'The decoder was to be rewritten. The model has no ONNX file of that name.');
    return rewriteStages(
      context,
      (stage) => stage === 'decoder',
      (graph) => makeSparse(graph, context),
    );
  },
};
