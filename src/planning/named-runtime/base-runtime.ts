import { realpathSync } from 'node:fs';
import { join, posix, relative, resolve } from 'node:path';
import type { Config } from '../../config/config.ts';
import { digestOf } from '../../records/decode.ts';
import type { Plan } from '../../records/plan.ts';
import { textBehind } from '../../repository/on-disk.ts';
import type { Repository } from '../../repository/repository.ts';
import type { CommandContext } from '../../run/context.ts';
import { describeRuntime, locateRuntime } from '../../run/runtime-description.ts';
import { servingDigest } from '../../run/serving-code.ts';
import { configFile } from '../configurations.ts';
import { ownWorker, type Read } from '../subjects.ts';
import { commandTree } from './command-tree.ts';
import { installedVersions } from './installed-versions.ts';
import { jsonMap, jsonOf } from './json-map.ts';
import { contentDigest, manifestVersions, type NamedOnSides, type RuntimeSide } from './manifest-versions.ts';
import { type NamedVersion, namedDifference, specsOf } from './named-version.ts';

/** More bytes than any lock file has. */
const largestText = 64 * 1024 * 1024;

/** The path of the library in the checkout; null where it lies outside. */
const pathInside = (repository: Repository, folder: string): string | null => {
  const path = relative(realpathSync(repository.folder), realpathSync(folder)).replaceAll('\\', '/');
  return path === '..' || path.startsWith('../') || posix.isAbsolute(path) ? null : path;
};

/** What a library that lies in the tree itself is. */
const contentOf = async (repository: Repository, side: RuntimeSide, folder: string): Promise<readonly NamedVersion[]> => {
  const path = posix.join(folder, 'package.json');
  const detail = await contentDigest(repository, side, folder);
  const { version } = jsonMap(jsonOf((await side.read([path]))[0] ?? ''));
  return detail === null ? [] : [{ spec: typeof version === 'string' ? version : 'no version', detail, path }];
};

/** What both sides' files say of the version of the library that lies in a folder. */
const namedOnSides = async (
  context: CommandContext,
  repository: Repository,
  base: RuntimeSide,
  head: RuntimeSide,
  folder: string,
): Promise<NamedOnSides> => {
  const path = pathInside(repository, folder);
  // That of the gate itself is not the user's.
  const isOwn = path === null && !relative(realpathSync(context.packageRoot), realpathSync(folder)).startsWith('..');
  if (isOwn) return { base: [], head: [] };
  const { workflow } = context.host;
  const configurationPath = relative(repository.folder, resolve(context.root, configFile(context))).replaceAll('\\', '/');
  const names = {
    action: workflow.kind === 'change' ? workflow.action : null,
    workflow: workflow.kind === 'change' ? workflow : null,
    configuration: configurationPath,
  };
  const ofCommands = (): Promise<NamedOnSides> =>
    installedVersions(commandTree(repository, base.commit, base.read), commandTree(repository, head.commit, head.read), names);
  if (path === null) return ofCommands();
  const at = path.split('/').indexOf('node_modules');
  if (at === -1) {
    const [was, is] = await Promise.all([contentOf(repository, base, path), contentOf(repository, head, path)]);
    return was.length + is.length > 0 ? { base: was, head: is } : ofCommands();
  }
  const holder = path.split('/').slice(0, at).join('/') || '.';
  const ofManifests = await manifestVersions(repository, base, head, holder);
  const nothing = ofManifests.base.length + ofManifests.head.length === 0;
  // A folder without a manifest of its own was filled by a command.
  const isProject = await isTracked(repository, [base, head], posix.join(holder, 'package.json'));
  if (!nothing && isProject) return ofManifests;
  const found = await ofCommands();
  return found.base.length + found.head.length > 0 ? found : ofManifests;
};

const isTracked = async (repository: Repository, sides: readonly RuntimeSide[], path: string): Promise<boolean> => {
  const found = await Promise.all(sides.map(({ commit }) => repository.textsAt(commit, [path], largestText)));
  return found.flat().some((text) => text !== null);
};

/** What base is measured with, and by which program; `baseWorker` as in the plan. */
export type BaseRuntime = Pick<Plan, 'baseWorker'> & { readonly baseRuntime: NonNullable<Plan['baseRuntime']> };

/**
 * What base would be measured with. Its library is not installed: where base's commit names another
 * version of it than the files on disk, the runtime is another one. What serves is base's own only
 * where base's tree holds it. Throws `runtime-not-found`.
 * @param library whether ONNX Runtime is needed
 */
export const describeBaseRuntime = async (
  context: CommandContext,
  repository: Repository,
  commits: { readonly base: string; readonly head: string },
  settings: Config['runtime'],
  library: boolean,
): Promise<BaseRuntime> => {
  const [running, located] = await Promise.all([describeRuntime(context, settings, library), library ? locateRuntime(context) : null]);
  const atBase: Read = (paths) => repository.textsAt(commits.base, paths, largestText);
  const onDisk: Read = async (paths) => paths.map((path) => textBehind(join(repository.folder, path)));
  const entry = await ownWorker(context, repository, atBase);
  const serving = (entry === null ? null : await servingDigest(entry, atBase)) ?? running.serving;
  const runtime = { ...running, serving };
  const baseWorker = serving === running.serving ? null : entry;
  if (located === null) return { baseRuntime: runtime, baseWorker };
  const base = { commit: commits.base, tree: { commit: commits.base }, read: atBase };
  const head = { commit: commits.head, tree: 'working-tree', read: onDisk } as const;
  const named = await namedOnSides(context, repository, base, head, located.folder);
  const difference = namedDifference(named.base, named.head);
  if (difference === null) return { baseRuntime: runtime, baseWorker };
  const ort = specsOf(named.base);
  const digest = digestOf(JSON.stringify([runtime.digest, named.base.map(({ spec, detail }) => [spec, detail]), difference]));
  return { baseRuntime: { ...runtime, ort, digest, named: difference }, baseWorker };
};
