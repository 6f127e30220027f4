import { GateError } from '../errors.ts';
import { copySubjectSource } from '../models/model-source.ts';
import type { Plan, PlannedBuild } from '../records/plan.ts';
import type { Store } from '../store/store.ts';
import type { CommandContext } from './context.ts';
import { modelFolderOf } from './plan.ts';

/** Copies of the models' source files for optimization code: without evaluation windows, and not those that anything is judged with. */
export interface Sources {
  /** Folder of the model of a build, one for each side: what one side writes into it, the other never reads. */
  folder(build: PlannedBuild): Promise<string>;
  release(): Promise<void>;
}

/** Nothing is copied before it is wanted. */
export const openSources = (context: CommandContext, plan: Plan, store: Store): Sources => {
  const copies = new Map<string, Promise<string>>();
  const copy = async (id: string): Promise<string> => {
    const model = plan.models.find((each) => each.id === id);
    if (model === undefined) throw new GateError('internal', `the plan has no model ${id}`);
    const folder = await store.staging();
    copySubjectSource(modelFolderOf(context, model.folder), folder);
    return folder;
  };
  return {
    folder: ({ arm, model }) => {
      const name = `${arm} ${model}`;
      const folder = copies.get(name) ?? copy(model);
      copies.set(name, folder);
      return folder;
    },
    release: async () => {
      for (const folder of await Promise.allSettled(copies.values())) if (folder.status === 'fulfilled') await store.discard(folder.value);
    },
  };
};
