import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { GateError } from '../errors.ts';
import { type ModelSource, openModelSource } from '../models/model-source.ts';
import { reached } from '../repository/on-disk.ts';

/** Where models are looked for: the user's repository first, then those that the gate ships. */
const folders = (root: string, packageRoot: string): readonly string[] => [join(root, 'models'), join(packageRoot, 'models')];

/** Ids of all models that can be named in a configuration. */
export const modelIds = (root: string, packageRoot: string): readonly string[] => {
  const ids = folders(root, packageRoot).flatMap((folder) =>
    (reached(() => readdirSync(folder)) ?? []).filter((name) => existsSync(join(folder, name, 'card.json'))),
  );
  return [...new Set(ids)].sort();
};

/** Folder of a model's source files, or null. */
export const findModelFolder = (id: string, root: string, packageRoot: string): string | null => {
  const found = folders(root, packageRoot).find((folder) => existsSync(join(folder, id, 'card.json')));
  return found === undefined ? null : join(found, id);
};

/** The model's files, checked against the digests of its card. Throws `model-unknown`, and what `openModelFolder` throws. */
export const openModel = (id: string, root: string, packageRoot: string): ModelSource => {
  const folder = findModelFolder(id, root, packageRoot);
  if (folder === null)
    throw new GateError('model-unknown', `The model was looked for. Expected a folder models/${id} with a card.json, found none.`, {
      where: id,
    });
  return openModelFolder(id, folder);
};

/** The same in a folder that was found. Throws `model-invalid` for a card of another model, too. */
export const openModelFolder = (id: string, folder: string): ModelSource => {
  const source = openModelSource(folder);
  if (source.id !== id)
    throw new GateError('model-invalid', `The card of the model was read. Expected the id of its folder, ${id}, got ${source.id}.`, {
      where: join(folder, 'card.json'),
    });
  return source;
};
