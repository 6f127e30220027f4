import { createHash } from 'node:crypto';
import { GateError } from '../errors.ts';
import { graphDigest, usedBytes } from '../onnx/digest.ts';
import type { ServeHints, Stage } from '../records/serving.ts';

/**
 * Digest of what an optimization made: every graph with all that it computes with, and how it is to be driven. Doc strings,
 * metadata, producer, file names of data and their layout do not enter it. Throws the coded errors of reading ONNX.
 */
export const artefactDigest = (folder: string, stages: readonly Stage[], serve: ServeHints): string => {
  const ids = stages.map(({ id }) => id);
  if (new Set(ids).size !== ids.length)
    throw new GateError('build-failed', `two stages are called the same: ${ids.join(', ')}`, { where: folder });
  const graphs = stages.map(({ id, graph }) => [id, graphDigest(folder, graph)]);
  const hints = Object.entries(serve).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([graphs, hints]))
    .digest('hex');
};

/** Bytes in use: the graphs and the external data that they reference, each distinct range once. */
export const artefactBytes = (folder: string, stages: readonly Stage[]): number => usedBytes(folder, ...stages.map(({ graph }) => graph));
