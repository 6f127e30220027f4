import { existsSync, realpathSync } from 'node:fs';
import { dirname, posix, relative } from 'node:path';
import type { Repository } from '../repository/repository.ts';
import type { CommandContext } from './context.ts';

/** The working directory below the root of the repository, with `/`; '' for the root. */
export const workingFolder = ({ root }: Pick<CommandContext, 'root'>, repository: Pick<Repository, 'folder'>): string =>
  relative(repository.folder, root).split('\\').join('/');

/**
 * The same as it was named, with the links on its way: where they lead is each side's own.
 */
export const namedFolder = (context: Pick<CommandContext, 'root' | 'workingDirectory'>, repository: Pick<Repository, 'folder'>): string => {
  const named = context.workingDirectory;
  for (let above = named; above !== dirname(above); above = dirname(above))
    if (realpathSync(above) === repository.folder) return relative(above, named).split('\\').join('/');
  return workingFolder(context, repository);
};

/** An absolute path relative to the working directory, with the links on its way below that. */
export const namedBelow = (path: string, { root }: Pick<CommandContext, 'root'>): string => {
  for (let above = dirname(path); above !== dirname(above); above = dirname(above))
    if (existsSync(above) && realpathSync(above) === root) return relative(above, path);
  return relative(root, path);
};

/**
 * The folder of base whose place the working directory takes, where base's configuration has
 * another path than head's. It is the same folder where base's lies in it too, else the one in which base's
 * lies as head's does in the working directory.
 * @param working the working directory
 * @param name the configuration of head, relative to the working directory
 * @param former path of the configuration of base
 */
export const formerWorkingFolder = (working: string, name: string, former: string): string => {
  if (working === '' || former.startsWith(`${working}/`)) return working;
  const [below, folder] = [posix.dirname(posix.normalize(name)), posix.dirname(former)];
  if (below === '.') return folder === '.' ? '' : folder;
  if (folder === below) return '';
  return folder.endsWith(`/${below}`) ? folder.slice(0, -below.length - 1) : working;
};
