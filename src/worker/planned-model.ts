import { GateError } from '../errors.ts';
import { type ModelSource, openModelSource } from '../models/model-source.ts';

/** The source files of a model, which must be those of the plan. Throws `model-digest-mismatch`, and what `openModelSource` throws. */
export const openPlannedModel = (folder: string | null, digest: string | null): ModelSource => {
  if (folder === null) throw new GateError('internal', 'The files of a model were asked for in a launch that has none.');
  const source = openModelSource(folder);
  if (source.digest !== digest)
    throw new GateError(
      'model-digest-mismatch',
      `The files of the model were read. Expected those that the plan was made for (${digest}), got others (${source.digest}).`,
      { where: folder },
    );
  return source;
};
