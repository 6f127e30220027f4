import { realpathSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import type { Config } from '../config/config.ts';
import { digestOf } from '../records/decode.ts';
import type { RuntimeSpec } from '../records/plan.ts';
import { textBehind } from '../repository/on-disk.ts';
import type { Repository } from '../repository/repository.ts';
import type { CommandContext } from '../run/context.ts';
import { describeRuntime, locateRuntime } from '../run/runtime-description.ts';

/** Says which version lies in the `node_modules` of its folder, or of one below. */
const manifests = ['package.json', 'package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock'];

/** The name and a version behind it, in one line or in an entry of `package-lock.json`. */
const versionNamed = /(?<![\w-])onnxruntime-node(?!\w|-[a-z])(?:": \{\s*"version": "|[^\n]*?)(\d+\.\d+\.\d+(?:-[\w.]+)?)/g;

/** The versions of onnxruntime-node that some manifests, lock files or workflows name, each once. */
export const namedVersions = (texts: readonly (string | null)[]): readonly string[] =>
  [...new Set(texts.flatMap((text) => [...(text ?? '').matchAll(versionNamed)].map(([, version = '']) => version)))].sort();

/** More bytes than any lock file has. */
const largestText = 64 * 1024 * 1024;

const upwards = (folder: string): readonly string[] => (folder === '.' ? ['.'] : [folder, ...upwards(posix.dirname(folder))]);

/** Files of either side that decide what was installed there: manifests for what lies in the checkout, else workflows. */
const decidingFiles = async (context: CommandContext, repository: Repository, commits: readonly string[]): Promise<readonly string[]> => {
  const { folder } = await locateRuntime(context);
  const inside = relative(realpathSync(repository.folder), realpathSync(folder)).split('/');
  const at = inside.indexOf('node_modules');
  if (inside[0] !== '..')
    return at === -1
      ? []
      : upwards(inside.slice(0, at).join('/') || '.').flatMap((each) => manifests.map((name) => posix.join(each, name)));
  if (!relative(realpathSync(context.packageRoot), realpathSync(folder)).startsWith('..')) return [];
  const listed = await Promise.all(commits.map((commit) => repository.filesAt(commit, '.github')));
  return [...new Set(listed.flat())].filter((path) => /\.ya?ml$/.test(path));
};

/**
 * What base would be measured with. Its library is not installed: where base's commit names another
 * version of it than the files on disk, the runtime is another one. Throws `runtime-not-found`.
 */
export const describeBaseRuntime = async (
  context: CommandContext,
  repository: Repository,
  commits: { readonly base: string; readonly head: string },
  settings: Config['runtime'],
): Promise<RuntimeSpec> => {
  const runtime = await describeRuntime(context, settings);
  const files = await decidingFiles(context, repository, [commits.base, commits.head]);
  const was = namedVersions(await repository.textsAt(commits.base, files, largestText));
  const is = namedVersions(files.map((path) => textBehind(join(repository.folder, path))));
  if (was.join() === is.join()) return runtime;
  return { ...runtime, ort: was.join(', ') || 'of no name', digest: digestOf(JSON.stringify([runtime.digest, was])) };
};
