import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';

const identity = {
  GIT_AUTHOR_NAME: 'Test',
  GIT_AUTHOR_EMAIL: 'test@example.invalid',
  GIT_COMMITTER_NAME: 'Test',
  GIT_COMMITTER_EMAIL: 'test@example.invalid',
};

/** Runs git without the user's configuration; resolves to its standard output, rejects with its standard error. */
export const git = (
  folder: string,
  args: readonly string[],
  options: { readonly input?: string | Uint8Array; readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<string> =>
  new Promise((resolve, reject) => {
    const environment = { PATH: process.env.PATH ?? '', HOME: folder, GIT_CONFIG_NOSYSTEM: '1', ...identity, ...options.environment };
    const child = execFile('git', args, { cwd: folder, env: environment, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`git ${args.join(' ')}: ${stderr || error.message}`));
      else resolve(stdout);
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input ?? '');
  });

/** What a commit holds at a path: a file, one that may be run, a symbolic link, the commit of a submodule, or nothing any more. */
export type Committed =
  | string
  | Uint8Array
  | { readonly program: string }
  | { readonly link: string }
  | { readonly submodule: string }
  | null;

type Stored = Exclude<Committed, { readonly submodule: string } | null>;

const modeAndInput = (content: Stored): readonly [mode: string, input: string | Uint8Array] => {
  if (typeof content === 'string' || content instanceof Uint8Array) return ['100644', content];
  return 'link' in content ? ['120000', content.link] : ['100755', content.program];
};

/** A commit of files on top of a parent, written straight into the object store: no working tree. */
export const commitFiles = async (
  repository: string,
  options: {
    readonly parent: string | null;
    readonly files: Readonly<Record<string, Committed>>;
    readonly message: string;
    readonly index: string;
  },
): Promise<string> => {
  const environment = { GIT_INDEX_FILE: options.index };
  await git(repository, options.parent === null ? ['read-tree', '--empty'] : ['read-tree', options.parent], { environment });
  const lines: string[] = [];
  for (const [path, content] of Object.entries(options.files)) {
    if (content === null) {
      lines.push(`0 ${'0'.repeat(40)}\t${path}\n`);
      continue;
    }
    if (typeof content === 'object' && 'submodule' in content) {
      lines.push(`160000 ${content.submodule}\t${path}\n`);
      continue;
    }
    const [mode, input] = modeAndInput(content);
    const blob = (await git(repository, ['hash-object', '-w', '--stdin'], { input })).trim();
    lines.push(`${mode} ${blob}\t${path}\n`);
  }
  await git(repository, ['update-index', '--add', '--index-info'], { environment, input: lines.join('') });
  const tree = (await git(repository, ['write-tree'], { environment })).trim();
  const parents = options.parent === null ? [] : ['-p', options.parent];
  return (await git(repository, ['commit-tree', tree, ...parents, '-F', '-'], { input: options.message })).trim();
};

/** A bare repository whose only branch holds one commit with the given files. Returns that commit. */
export const createRepository = async (folder: string, files: Readonly<Record<string, string>>, branch = 'main'): Promise<string> => {
  await mkdir(folder, { recursive: true });
  await git(folder, ['init', '--quiet', '--bare', `--initial-branch=${branch}`, '.']);
  const commit = await commitFiles(folder, { parent: null, files, message: 'first', index: `${folder}/first.index` });
  await git(folder, ['update-ref', `refs/heads/${branch}`, commit]);
  return commit;
};
