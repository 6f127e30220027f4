import { join } from 'node:path';
import { countMultiplyAdds } from '../onnx/count.ts';
import { joinStages } from '../onnx/joined-graph.ts';
import { readModel } from '../onnx/read.ts';
import type { ServeHints, Stage } from '../records/serving.ts';
import { artefactBytes } from './artefact.ts';
import { type AttentionWork, attentionWork } from './attention-work.ts';
import { type ModuleStructure, moduleStructure } from './module-structure.ts';

export interface Inspection {
  /** Graphs plus the external data that they reference. */
  readonly bytes: number;
  /** Weights that are carried and read, all stages. */
  readonly parameters: number;
  /** Multiply-adds of one decode step of the decoder after `past` tokens. */
  readonly multiplyAdds: number;
  /** Operators of the decoder whose multiplications are not in the count. */
  readonly unknown: readonly string[];
  /** Of the cut into stages. */
  readonly structure: ModuleStructure;
  /** Of the decoder on a text of 1024 tokens; in words why not, where its attention is not recognised. */
  readonly attention: AttentionWork | string;
}

/** Tokens of the text that attention is looked at with. */
const textLength = 1024;

/**
 * What the files of an artefact tell without running it. Modules that stand in the place of a stage `decoder` are counted as the one graph
 * that they make together; a weight that several of them read counts once. Throws the coded errors of reading ONNX.
 */
export const inspectArtefact = (folder: string, stages: readonly Stage[], past: number, serve: ServeHints = {}): Inspection => {
  const models = stages.map(({ id, graph }) => ({ id, model: readModel(join(folder, graph)) }));
  const whole = models.some(({ id }) => id === 'decoder');
  const isModule = (id: string): boolean => (whole ? id === 'decoder' : id !== 'vision');
  const modules = models.filter(({ id }) => isModule(id)).map(({ model }) => model);
  const [only] = modules;
  const joined = modules.length > 1 ? joinStages(modules) : only;
  const setting = { past, batch: 1, tokens: 1 };
  const decoder = joined === undefined ? null : countMultiplyAdds(joined, setting);
  const others = models.filter(({ id }) => !isModule(id)).map(({ model }) => countMultiplyAdds(model, setting).parameters);
  return {
    bytes: artefactBytes(folder, stages),
    parameters: others.reduce((sum, parameters) => sum + parameters, decoder?.parameters ?? 0),
    multiplyAdds: decoder?.multiplyAdds ?? 0,
    unknown: decoder?.unknown ?? [],
    structure: moduleStructure(models.map(({ model }) => model)),
    attention: joined === undefined ? 'there is no decoder' : attentionWork(joined, serve, textLength),
  };
};
