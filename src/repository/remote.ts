import type { Git } from './git.ts';

/** Where commits are fetched from. */
export interface Remote {
  /** What git is given: the name of a remote, or an address. */
  readonly address: string;
  /** Name of the remote whose branches this clone tracks; null for an address. */
  readonly name: string | null;
}

/**
 * `origin`, or the only remote there is; null where there is none, or several without an `origin`.
 */
export const soleRemote = async (git: Git): Promise<Remote | null> => {
  const remotes = ((await git.line(['remote'])) ?? '').split('\n').filter((name) => name !== '');
  const name = remotes.includes('origin') ? 'origin' : remotes.length === 1 ? (remotes[0] ?? null) : null;
  return name === null ? null : { address: name, name };
};

/**
 * Server and path of an address such as `https://github.com/octo/models.git` or
 * `git@github.com:octo/models`; null for other forms.
 */
const placeOf = (address: string): { readonly server: string; readonly path: string } | null => {
  const short = /^(?:[\w.-]+@)?([\w.-]+):(?!\/\/)(.+)$/.exec(address);
  const long = /^(?:https?|ssh|git):\/\/(?:[^@/]*@)?([^/:]+)(?::\d+)?\/(.+)$/.exec(address);
  const [, server, path] = long ?? short ?? [];
  if (server === undefined || path === undefined) return null;
  return {
    server: server.toLowerCase(),
    path: path
      .toLowerCase()
      .replace(/^\/+|\/+$/g, '')
      .replace(/\.git$/, ''),
  };
};

/**
 * Where to fetch the base of a change from: this clone's remote, unless it is another repository of
 * the same server. In a clone of a fork `origin` is the fork, whose branches its owner chooses, so
 * the repository itself is asked by its address.
 */
export const remoteFor = async (git: Git, repository: string): Promise<Remote | null> => {
  const remote = await soleRemote(git);
  if (remote === null) return null;
  const here = placeOf((await git.line(['config', '--get', `remote.${remote.name}.url`])) ?? '');
  const wanted = placeOf(repository);
  if (here === null || wanted === null || here.server !== wanted.server || here.path === wanted.path) return remote;
  return { address: repository, name: null };
};

/** Names of a remote's branches may not be options or patterns. */
const plainName = /^(?![-/])(?!.*\.\.)[^\p{Cc} ~^:?*[\\]+$/u;

/** Commit of a ref as the remote has it now; null where it cannot be asked or has none. */
export const askRef = async (git: Git, remote: Remote, ref: string): Promise<string | null> => {
  if (!plainName.test(ref)) return null;
  const listed = await git.line(['ls-remote', '--end-of-options', remote.address, ref], { network: true });
  const line = (listed ?? '').split('\n').find((each) => each.endsWith(`\t${ref}`));
  return /^[0-9a-f]{40,64}(?=\t)/.exec(line ?? '')?.[0] ?? null;
};

/** Name of the branch that the remote's HEAD is; null where it cannot be asked. */
export const askDefaultBranch = async (git: Git, remote: Remote): Promise<string | null> => {
  const listed = await git.line(['ls-remote', '--symref', '--end-of-options', remote.address, 'HEAD'], { network: true });
  return /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(listed ?? '')?.[1] ?? null;
};
