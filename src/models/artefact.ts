import { createHash } from 'node:crypto';
import { GateError } from '../errors.ts';
import { graphDigest, storedBytes, type Unused, unusedBytes, usedBytes } from '../onnx/digest.ts';
import type { ServeHints, Stage } from '../records/serving.ts';

/** Bytes in use: the graphs without descriptions, and the weights that they reference, each distinct range of a data file once. */
export const artefactBytes = (folder: string, stages: readonly Stage[]): number => usedBytes(folder, ...stages.map(({ graph }) => graph));

/** Files beside the graphs with bytes that no stage uses. Throws the coded errors of reading ONNX. */
export const unusedFiles = (folder: string, stages: readonly Stage[]): readonly Unused[] =>
  unusedBytes(
    folder,
    stages.map(({ graph }) => graph),
  );

/**
 * Digest of what an optimization made: every graph with all that it computes with, the bytes that this takes, and how it is to be driven.
 * Doc strings, metadata, producer, names of nodes, file names of data and their order do not enter it. Artefacts of one digest have one
 * size, and as many bytes inside of their graphs: the runtime copies these, where it maps data files. Throws the coded errors of
 * reading ONNX.
 * @param spare bytes that would be served although no graph uses them
 */
export const artefactDigest = (folder: string, stages: readonly Stage[], serve: ServeHints, spare = 0): string => {
  const ids = stages.map(({ id }) => id);
  if (new Set(ids).size !== ids.length)
    throw new GateError(
      'build-failed',
      `The ONNX files of a build were read. Expected a name of its own for each, got ${ids.join(', ')}.`,
      { where: folder },
    );
  const graphs = stages.map(({ id, graph }) => [id, graphDigest(folder, graph)]);
  const { inside, outside } = storedBytes(folder, ...stages.map(({ graph }) => graph));
  const hints = Object.entries(serve).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([graphs, inside, outside + spare, hints]))
    .digest('hex');
};
