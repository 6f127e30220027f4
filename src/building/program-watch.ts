import { existsSync, lstatSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { GateError } from '../errors.ts';
import { modelFiles } from '../models/model-source.ts';
import { type FolderWatch, foldersOf, movableAbove, watchFolders } from '../records/folder-watch.ts';
import { providerFacts } from '../records/provider.ts';
import { reached } from '../repository/on-disk.ts';
import { type CommandContext, subjectEnvironment } from '../run/context.ts';
import type { LocatedRuntime } from '../run/runtime-description.ts';
import { filesBelow, watchFiles } from './file-watch.ts';
import { neededLibraries } from './needed-libraries.ts';
import { searchedLibraries } from './searched-libraries.ts';

/** The files of the running program and of the models that it judges with, as they were before any code of head ran. */
export interface ProgramWatch {
  /** Whether a file is one of them, or a hard link to one: then nobody, not even the gate, may do anything to it. */
  covers(path: string): boolean;
  /** Throws `program-changed` where something was done to them. */
  requireUnmodified(): void;
  /** The same, and reads all of them once more: what exchanges blocks of files leaves their times. */
  requireContents(): Promise<void>;
  /** After a `setup`, which may install the very same once more: throws `program-changed` where they hold something else. */
  settle(): Promise<void>;
}

/**
 * Everything that is loaded later than now: the worker program, parts on demand, the native runtime, Node itself, and the models.
 * @param runtime that every later process loads; null: none does
 * @param models folders of those that launches read
 */
export const watchProgram = async (
  context: CommandContext,
  runtime: LocatedRuntime | null,
  models: readonly string[],
): Promise<ProgramWatch> => {
  const libraries = runtime === null ? [] : [runtime.libraries];
  const ofRuntime = runtime === null ? [] : [runtime.folder];
  const common = runtime === null ? noPackage : packageAt('onnxruntime-common', join(runtime.folder, 'dist', 'index.js'));
  const tops = [context.packageRoot, ...ofRuntime, ...common.folders];
  const loaded = ofRuntime.flatMap((folder) => [join(folder, 'dist'), join(folder, 'lib')]);
  const parts = [dirname(context.worker), ...libraries, ...loaded, ...common.folders, ...common.nearer];
  const manifests = [context.packageRoot, ...ofRuntime].map((each) => join(each, 'package.json'));
  // A package that is there for a moment only changes its folder, or the one that gets this folder.
  const single = [process.execPath, ...manifests, ...common.links, ...common.nearer, ...common.nearer.map((each) => dirname(each))];
  const judging = models.flatMap(modelFiles);
  const own = (): readonly string[] => [...single, ...judging, ...parts.flatMap(filesBelow)];
  const searched = (): readonly string[] => libraries.flatMap((folder) => librariesSearched(context, folder));
  // A library that is there for a moment only changes its folder. Elsewhere workers do not look.
  const around = context.searchesLibraries ? new Set(searched().map((file) => dirname(file))) : [];
  const list = (): readonly string[] => [...own(), ...searched(), ...around];
  // Those that hold these change in each run.
  const changing = [context.root, context.storeRoot, resolve(tmpdir())];
  const isStill = (folder: string): boolean => !changing.some((path) => `${path}/`.startsWith(`${folder}/`));
  const above = [...tops, process.execPath].flatMap(movableAbove).filter(isStill);
  const folders = (): FolderWatch => watchFolders([...tops.flatMap((top) => [...foldersOf(own(), top)]), ...above]);
  let watch = await watchFiles(list);
  const identities = (): ReadonlySet<string> => new Set(list().flatMap((path) => [path, realPath(path)].map(identityOf)));
  let covered = identities();
  let places = folders();
  const refuse = ([first, ...more]: readonly string[]): void => {
    if (first === undefined) return;
    const besides = more.length === 0 ? '' : `, and to ${more.length} more files`;
    throw new GateError(
      'program-changed',
      `The files of the gate's program and of the models were looked at after code under test had run. Something wrote to ${first}${besides}.`,
      {
        where: relative(context.packageRoot, first),
      },
    );
  };
  return {
    covers: (path) => covered.has(identityOf(path)),
    requireUnmodified: () => refuse([...watch.touched(), ...places.moved()]),
    requireContents: async () => refuse([...watch.touched(), ...places.moved(), ...(await watch.reread())]),
    settle: async () => {
      refuse(await watch.changed());
      watch = await watch.again(list);
      // A setup may have written one anew with the same content.
      covered = identities();
      places = folders();
    },
  };
};

const realPath = (path: string): string => reached(() => realpathSync(path)) ?? path;

/** The same for all hard links to a file; the path where nothing is there. */
const identityOf = (path: string): string => {
  const entry = reached(() => lstatSync(path, { bigint: true }));
  return entry === null ? path : `${entry.dev} ${entry.ino}`;
};

/** @param folder that of the runtime's libraries; those of accelerators are not looked at */
const librariesSearched = (context: CommandContext, folder: string): readonly string[] => {
  const own = filesBelow(folder).filter((file) => !basename(file).includes('providers'));
  return searchedLibraries(subjectEnvironment(context)['LD_LIBRARY_PATH'] ?? '', own.flatMap(neededLibraries));
};

/** Whether worker processes need `LD_LIBRARY_PATH`: they load a library from there, or an accelerator may. */
export const needsSearchPath = (context: CommandContext, { libraries }: LocatedRuntime, provider: string): boolean =>
  providerFacts(provider).ownLibraries || librariesSearched(context, libraries).length > 0;

/** What decides which package of a name a file loads. */
interface PackagePlace {
  /** That of the package; none where there is none. */
  readonly folders: readonly string[];
  /** Under what name it was found, which may be a link. */
  readonly links: readonly string[];
  /** Folders of packages in which one of this name would come first. */
  readonly nearer: readonly string[];
}

const noPackage: PackagePlace = { folders: [], links: [], nearer: [] };

const packageAt = (name: string, from: string): PackagePlace => {
  const places = createRequire(from).resolve.paths(name) ?? [];
  const at = places.findIndex((place) => existsSync(join(place, name)));
  const links = (at === -1 ? [] : places.slice(at, at + 1)).map((place) => join(place, name));
  return { folders: links.map((link) => realpathSync(link)), links, nearer: places.slice(0, Math.max(0, at)) };
};
