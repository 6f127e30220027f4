import { join } from 'node:path';
import { GateError } from '../errors.ts';
import { copySubjectSource } from '../models/model-source.ts';
import { modelFolderOf } from '../planning/plan.ts';
import type { Plan, PlannedBuild } from '../records/plan.ts';
import type { CommandContext } from '../run/context.ts';
import { fileDigest, listRegularFiles } from '../store/disk.ts';
import type { SubjectFolders } from './subject-folders.ts';

/** Copies of the models' source files for optimization code: without evaluation windows, and not those that anything is judged with. */
export interface SourceCopies {
  /**
   * Folder of the model of a build, one for each side. It is made anew where something was written
   * into it: what one side writes, the other never reads.
   */
  folder(build: PlannedBuild): Promise<string>;
}

interface Copy {
  readonly folder: string;
  readonly contents: string;
}

/** Nothing is copied before it is wanted. */
export const openSourceCopies = (context: CommandContext, plan: Plan, folders: SubjectFolders): SourceCopies => {
  const copies = new Map<string, Promise<Copy>>();
  const copy = async (id: string): Promise<Copy> => {
    const model = plan.models.find((each) => each.id === id);
    if (model === undefined) throw new GateError('internal', `The plan has no model ${id}.`);
    const folder = await folders.empty();
    copySubjectSource(modelFolderOf(context, model.folder), folder);
    return { folder, contents: await contentsOf(folder) };
  };
  return {
    folder: async ({ arm, model }) => {
      const name = `${arm} ${model}`;
      const known = await copies.get(name);
      const made =
        known !== undefined && (await contentsOf(known.folder).catch(() => null)) === known.contents ? Promise.resolve(known) : copy(model);
      copies.set(name, made);
      return (await made).folder;
    },
  };
};

/** The digests of all files in a folder. They are few and small. */
const contentsOf = async (folder: string): Promise<string> => {
  const digests = (await listRegularFiles(folder)).map(async (path) => [path, await fileDigest(join(folder, path))]);
  return JSON.stringify(await Promise.all(digests));
};
