import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { GateError } from '../errors.ts';
import { type CommandContext, workerProgram } from '../run/context.ts';
import { locateRuntime } from '../run/runtime-description.ts';
import { filesBelow, watchFiles } from './file-watch.ts';
import { type FolderWatch, foldersOf, movableAbove, watchFolders } from './folder-watch.ts';
import { searchedLibraries } from './searched-libraries.ts';

/** The files of the running program, as they were before any code of head ran. */
export interface ProgramWatch {
  /** Throws `program-changed` where something was done to them. */
  requireUntouched(): void;
  /** After a `setup`, which may install the very same once more: throws `program-changed` where they hold something else. */
  settle(): Promise<void>;
}

/** Everything that is loaded later than now: the worker program, parts on demand, the native runtime, and Node itself. */
export const watchProgram = async (context: CommandContext): Promise<ProgramWatch> => {
  const { folder, libraries } = await locateRuntime(context);
  const parts = [
    dirname(context.worker),
    libraries,
    join(folder, 'dist'),
    join(folder, 'lib'),
    join(dirname(folder), 'onnxruntime-common'),
  ];
  const single = [process.execPath, join(context.packageRoot, 'package.json'), join(folder, 'package.json')];
  const searchPath = workerProgram(context).environment['LD_LIBRARY_PATH'] ?? '';
  const own = (): readonly string[] => [...single, ...parts.flatMap(filesBelow)];
  const list = (): readonly string[] => [...own(), ...searchedLibraries(searchPath)];
  // Those that hold these change in each run.
  const changing = [context.root, context.storeRoot, resolve(tmpdir())];
  const isStill = (folder: string): boolean => !changing.some((path) => `${path}/`.startsWith(`${folder}/`));
  const above = movableAbove(context.packageRoot).filter(isStill);
  const folders = (): FolderWatch => watchFolders([...foldersOf(own(), context.packageRoot), ...above]);
  let watch = await watchFiles(list);
  let places = folders();
  const refuse = ([first, ...more]: readonly string[]): void => {
    if (first === undefined) return;
    const besides = more.length === 0 ? '' : `, and to ${more.length} more files`;
    throw new GateError(
      'program-changed',
      `The gate's own program files were looked at after code under test had run. Something wrote to ${first}${besides}.`,
      {
        where: relative(context.packageRoot, first),
      },
    );
  };
  return {
    requireUntouched: () => refuse([...watch.touched(), ...places.moved()]),
    settle: async () => {
      refuse(await watch.changed());
      watch = await watch.again(list);
      places = folders();
    },
  };
};
