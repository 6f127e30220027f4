import { baselineName } from '../baselines/file-path.ts';
import { GateError } from '../errors.ts';
import type { Repository } from '../repository/repository.ts';
import { type ModelOrigin, type ModelOrigins, modelsBelow } from './model-origin.ts';

/** Ids that the configurations list. */
export interface ListedModels {
  readonly head: readonly string[];
  readonly base: readonly string[];
}

/** Why something must be there that is not; null where nothing says so. */
const whereabouts = (origin: ModelOrigin, place: string): string | null => {
  if (origin.kind === 'submodule') return `${origin.root === place ? 'This' : origin.root} is a submodule, which is not checked out`;
  return origin.kind === 'outside'
    ? `${origin.link === place ? 'This' : origin.link} is a link, and ${origin.folder} holds no card.json on this machine`
    : null;
};

/**
 * Throws `model-missing` for a listed model that the checkout lacks and that base's commit has no files of, where something says
 * that there is one: a submodule, a link out of the repository, a path that git ignores (a step downloads it), or baselines. Without
 * any sign, its name is a mistake of the configuration.
 * @param present ids of the models in the checkout
 * @param folder that head works in
 */
export const requireListedModels = async (
  listed: ListedModels,
  present: readonly string[],
  origins: ModelOrigins,
  repository: Repository,
  base: string,
  folder: string,
): Promise<void> => {
  const measured = async (id: string): Promise<boolean> =>
    (await repository.filesAt(base, 'baselines')).some((path) => path.endsWith(`/${baselineName(id)}`));
  const whyExpected = async (id: string, place: string): Promise<string | null> => {
    const [was, is] = [await origins.base(id), await origins.head(id)];
    const listedByHead = listed.head.includes(id);
    const told = listedByHead ? whereabouts(is, place) : null;
    if (told !== null || was.kind !== 'nowhere') return told;
    if (listedByHead && (await repository.ignoredAmong([`${place}/card.json`])).length > 0)
      return 'No card.json is there, and git ignores it: a step of the job was to bring it';
    if (!(await measured(id))) return null;
    return `No card.json is there, and base has baselines of this model${listedByHead ? '' : ', whose cells are expected until the merge'}`;
  };
  for (const id of new Set([...listed.head, ...listed.base])) {
    if (present.includes(id)) continue;
    const place = `${modelsBelow(folder)}/${id}`;
    const why = await whyExpected(id, place);
    if (why !== null) throw new GateError('model-missing', `The model ${id} was looked for. ${why}.`, { where: place });
  }
};
