import { join } from 'node:path';
import { findModelFolder, modelIds, openModel } from '../planning/model-folder.ts';
import type { ScoringModel } from './proposed-entry.ts';

/** The models that a configuration in a folder can name. */
export interface ModelsAt {
  /** The one that is proposed first: a model of the project, else a small one that ships with the gate. */
  readonly ids: readonly [string, ...string[]];
  readonly first: ScoringModel;
}

const usual = 'mini-qwen3-dense';
/** What every decoder of a text model here is called with. */
const textInputs: readonly string[] = ['input_ids', 'attention_mask'];

/** Looks for models. Throws what opening the first one throws. */
export const modelsAt = (root: string, packageRoot: string): ModelsAt => {
  const all = modelIds(root, packageRoot);
  const first = all.find((id) => findModelFolder(id, root, packageRoot) === join(root, 'models', id)) ?? usual;
  const { facts } = openModel(first, root, packageRoot);
  const inputs = facts.vision ? [...textInputs, 'image_index'] : textInputs;
  return { ids: [first, ...all.filter((id) => id !== first)], first: { vocabulary: facts.vocabulary, inputs } };
};
