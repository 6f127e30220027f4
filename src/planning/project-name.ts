import { posix } from 'node:path';
import { configFileName } from '../config/config.ts';
import type { ChosenOptions } from '../config/option-value.ts';

const defaultKey = 'default';

const within = (path: string): string => {
  const plain = posix.normalize(path.replaceAll('\\', '/')).replace(/\/+$/, '');
  return plain === '.' ? '' : plain;
};

/**
 * What tells a project from others of its repository: its folder, its configuration where that has another name than usual. Null for the
 * repository's only one.
 */
export const projectPath = (folder: string, config: string): string | null => {
  const file = within(config);
  const path = file === configFileName ? within(folder) : posix.join(within(folder), file);
  return path === '' ? null : path;
};

/**
 * What tells this project from others of the repository, for reports: its folder, its configuration where that has another name than
 * usual, its `comment-key` where that is its own. Null for a repository's only one.
 */
export const projectName = ({
  workingDirectory,
  config,
  commentKey,
}: Pick<ChosenOptions['options'], 'workingDirectory' | 'config' | 'commentKey'>): string | null => {
  const parts = [projectPath(workingDirectory, config ?? configFileName) ?? '', commentKey === defaultKey ? '' : commentKey].filter(
    (part) => part !== '',
  );
  return parts.length === 0 ? null : parts.join(', ');
};
