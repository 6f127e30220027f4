import { posix } from 'node:path';
import { configFileName } from '../config/config.ts';
import type { ChosenOptions } from '../config/option-value.ts';

const defaultKey = 'default';

const within = (path: string): string => {
  const plain = posix.normalize(path.replaceAll('\\', '/')).replace(/\/+$/, '');
  return plain === '.' ? '' : plain;
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
  const file = within(config ?? configFileName);
  const path = file === configFileName ? within(workingDirectory) : posix.join(within(workingDirectory), file);
  const parts = [path, commentKey === defaultKey ? '' : commentKey].filter((part) => part !== '');
  return parts.length === 0 ? null : parts.join(', ');
};
