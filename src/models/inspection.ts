import { join } from 'node:path';
import { countMultiplyAdds } from '../onnx/count.ts';
import { readModel } from '../onnx/read.ts';
import type { Stage } from '../records/serving.ts';
import { artefactBytes } from './artefact.ts';

export interface Inspection {
  /** Graphs plus the external data that they reference. */
  readonly bytes: number;
  /** Elements of the initializers in use, all stages. */
  readonly parameters: number;
  /** Multiply-adds of one decode step of the decoder after `past` tokens. */
  readonly multiplyAdds: number;
  /** Operators of the decoder whose multiplications are not in the count. */
  readonly unknown: readonly string[];
}

/** What the files of an artefact tell without running it. Throws the coded errors of reading ONNX. */
export const inspectArtefact = (folder: string, stages: readonly Stage[], past: number): Inspection => {
  const counts = stages.map(({ id, graph }) => ({
    id,
    ...countMultiplyAdds(readModel(join(folder, graph)), { past, batch: 1, tokens: 1 }),
  }));
  const decoder = counts.find(({ id }) => id === 'decoder');
  return {
    bytes: artefactBytes(folder, stages),
    parameters: counts.reduce((sum, { parameters }) => sum + parameters, 0),
    multiplyAdds: decoder?.multiplyAdds ?? 0,
    unknown: decoder?.unknown ?? [],
  };
};
