import { posix } from 'node:path';
import type { Repository } from '../../repository/repository.ts';
import type { Read } from '../subjects.ts';
import { type CommandText, commandTexts } from './command-text.ts';
import { lockFiles } from './lock-entries.ts';
import { library } from './named-version.ts';

/** One side's files of commands and of values. */
export interface CommandTree {
  /** The files among those of the globs in which a line matches an extended regular expression. */
  readonly with: (expression: string, globs?: readonly string[]) => Promise<readonly string[]>;
  /** The manifests and lock files that name the package. */
  readonly manifests: () => Promise<readonly string[]>;
  readonly fileAt: (path: string) => Promise<string | null>;
  /** What some files can be started as; nothing of one that is not there. */
  readonly textsOf: (paths: readonly string[]) => Promise<readonly CommandText[]>;
}

/** Files that hold commands; and those that hold values of their variables. */
export const commandFiles = [
  ...['.github/**', '**/*.yml', '**/*.yaml', '**/*.sh', '**/*.bash', '**/*.zsh', '**/*.ps1', '**/*.cmd', '**/*.bat'],
  ...['**/*.mk', '**/[Mm]akefile', '**/GNUmakefile', '**/[Jj]ustfile', '**/Dockerfile*', '**/*.Dockerfile', '**/Containerfile*'],
  ...['**/Jenkinsfile*', '**/*.groovy', '**/*.fish', '**/*.just', '.husky/**', '.devcontainer/**', '.buildkite/**', '.circleci/**'],
];
export const valueFiles = ['**/*.env', '**/.env*', '**/*.txt', '**/*.toml', '**/*.cfg', '**/*.ini', '**/*.json', '**/*.properties'];

/** Files that say nothing to a program: documents, what is asked of people, lists for bots; and what others install. */
const unread =
  /(?:^|\/)node_modules\/|\.(?:md|mdx|markdown|rst|adoc|svg|html?|ipynb)$|^\.github\/(?:ISSUE_TEMPLATE|DISCUSSION_TEMPLATE|PULL_REQUEST_TEMPLATE)(?:\/|\.)|^\.github\/(?:dependabot|renovate|labeler|release)\.|(?:^|\/)(?:CHANGELOG|renovate\.json)/i;
const isLock = (path: string): boolean => lockFiles.includes(posix.basename(path)) || posix.basename(path) === 'pnpm-workspace.yaml';

/** More bytes than a script has that a person writes. */
const largestScript = 256 * 1024;
const largestText = 1024 * 1024;

/**
 * The files of a commit, or those on disk that it has too.
 * @param read of that side
 */
export const commandTree = (repository: Pick<Repository, 'filesWith'>, commit: string, read: Read): CommandTree => {
  const files = new Map<string, string | null>();
  const texts = new Map<string, readonly CommandText[]>();
  const load = async (paths: readonly string[]): Promise<void> => {
    const wanted = [...new Set(paths)].filter((path) => !files.has(path));
    const found = wanted.length === 0 ? [] : await read(wanted);
    for (const [at, path] of wanted.entries()) {
      const text = found[at] ?? null;
      files.set(path, text === null || text.length > largestText ? null : text);
    }
  };
  return {
    with: async (expression, globs = commandFiles) =>
      (await repository.filesWith(commit, expression, globs)).filter((path) => !unread.test(path) && !isLock(path)),
    manifests: async () => {
      const globs = [...lockFiles, 'package.json'].map((name) => `**/${name}`);
      return (await repository.filesWith(commit, library, globs)).filter((path) => !unread.test(path));
    },
    fileAt: async (path) => {
      await load([path]);
      return files.get(path) ?? null;
    },
    textsOf: async (paths) => {
      await load(paths);
      return paths.flatMap((path) => {
        const text = files.get(path) ?? null;
        const own = texts.get(path) ?? (text === null || text.length > largestScript ? [] : commandTexts(path, text));
        texts.set(path, own);
        return own;
      });
    },
  };
};
