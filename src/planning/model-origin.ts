import { posix } from 'node:path';
import type { Repository } from '../repository/repository.ts';
import type { TreePaths } from '../repository/tree-paths.ts';

/**
 * Where a tree has a model: in files of its own, or nowhere. Of one in a submodule, or behind a link
 * out of the repository, no commit of the repository holds the content, only where it is.
 */
export type ModelOrigin =
  | { readonly kind: 'files' | 'nowhere' }
  /** `root`: path of the submodule; `commit`: the one that the tree pins. */
  | { readonly kind: 'submodule'; readonly root: string; readonly commit: string }
  /** `folder`: where the link leads for this model, absolute or relative to the root of the repository. */
  | { readonly kind: 'outside'; readonly link: string; readonly folder: string };

/** Where base's commit and the working tree have their models. */
export interface ModelOrigins {
  readonly base: (id: string) => Promise<ModelOrigin>;
  readonly head: (id: string) => Promise<ModelOrigin>;
}

/** Where models lie below a working directory, in paths of the repository. */
export const modelsBelow = (folder: string): string => posix.join(folder, 'models');

/** As many as Linux follows. */
const mostLinks = 40;

/** @param folder of the model, in paths of the repository */
export const modelOrigin = async (tree: Pick<TreePaths, 'entry'>, folder: string): Promise<ModelOrigin> => {
  let path = posix.join(folder, 'card.json');
  for (let links = 0; links <= mostLinks; links++) {
    const parts = path.split('/');
    let led: string | null = null;
    for (const at of parts.keys()) {
      const part = parts.slice(0, at + 1).join('/');
      const entry = await tree.entry(part);
      if (entry.kind === 'submodule') return { kind: 'submodule', root: entry.root, commit: entry.commit };
      if (entry.kind === 'nothing') return { kind: 'nowhere' };
      if (entry.kind !== 'link') continue;
      const rest = parts.slice(at + 1).join('/');
      led = posix.join(posix.isAbsolute(entry.target) ? entry.target : posix.join(posix.dirname(part), entry.target), rest);
      if (posix.isAbsolute(led) || led.startsWith('../')) return { kind: 'outside', link: part, folder: posix.dirname(led) };
      break;
    }
    if (led === null) return { kind: 'files' };
    path = led;
  }
  return { kind: 'nowhere' };
};

/** @param folders in which each side works */
export const modelOrigins = (
  repository: Repository,
  folders: { readonly head: string; readonly base: string },
  base: string,
): ModelOrigins => {
  const listing = (tree: Parameters<Repository['paths']>[0]): (() => Promise<TreePaths>) => {
    let listed: Promise<TreePaths> | null = null;
    return () => {
      listed ??= repository.paths(tree);
      return listed;
    };
  };
  const [ofBase, ofHead] = [listing({ commit: base }), listing('working-tree')];
  return {
    base: async (id) => modelOrigin(await ofBase(), posix.join(modelsBelow(folders.base), id)),
    head: async (id) => modelOrigin(await ofHead(), posix.join(modelsBelow(folders.head), id)),
  };
};

/** Whether both trees have a model at the same place outside of the repository: then a change of the one to the other changes no model. */
export const isSamePlace = (one: ModelOrigin, other: ModelOrigin): boolean => {
  if (one.kind === 'submodule') return other.kind === 'submodule' && one.root === other.root && one.commit === other.commit;
  return one.kind === 'outside' && other.kind === 'outside' && one.folder === other.folder;
};
