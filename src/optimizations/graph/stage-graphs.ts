import { join } from 'node:path';
import type { BuildContext, BuildResult } from '../../contract/build.ts';
import type { OnnxModel } from '../../onnx/model.ts';
import { packedWeights, packWeight } from '../../onnx/packed-weights.ts';
import { readModel } from '../../onnx/read.ts';
import type { Architecture } from '../../onnx/recognise/architecture.ts';
import { recognise } from '../../onnx/recognise/recognise.ts';
import { findInitializer } from '../../onnx/tensor.ts';
import { finishRewrite, startRewrite } from './rewrite.ts';

/** One stage of a model, to be edited in place: `architecture` names the tensors of `model` as it was read. */
export interface StageGraph {
  readonly stage: string;
  readonly model: OnnxModel;
  readonly architecture: Architecture;
}

/**
 * Reads every stage, lets `edit` change the ones that it wants to, and writes all of them; weights that stay are shared with the
 * input. `edit` returns exact numbers; those of several stages are added up. Packed weights are open while they are edited; `as found`: those
 * that are left and still have zeros enough are packed again.
 * @throws GateError of reading, recognising and writing.
 */
export const rewriteStages = async <Options>(
  { input, output }: BuildContext<Options>,
  edits: (stage: string) => boolean,
  edit: (graph: StageGraph) => Promise<Readonly<Record<string, number>>>,
  storage: 'as found' | 'open' = 'as found',
): Promise<BuildResult> => {
  const facts: Record<string, number> = {};
  for (const { id, graph } of input.stages) {
    const source = readModel(join(input.folder, graph));
    const model = startRewrite(source);
    if (edits(id))
      for (const [name, value] of Object.entries(await edit({ stage: id, model, architecture: recognise(model) })))
        facts[name] = (facts[name] ?? 0) + value;
    if (storage === 'as found')
      for (const { name } of packedWeights(source)) if (findInitializer(model, name) !== undefined) packWeight(model, name);
    finishRewrite(model, output);
  }
  return { stages: input.stages, facts };
};
