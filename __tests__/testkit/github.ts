import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { commitFiles, git } from './git.ts';
import { listen, readBody } from './http.ts';

export interface StoredComment {
  readonly id: number;
  readonly issue: number;
  body: string;
  readonly user: { readonly login: string; readonly type: 'Bot' | 'User' };
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  status: number;
}

/** What goes wrong, for the next `times` requests that match. `after`: the work is done before the answer is lost. */
export interface Fault {
  times: number;
  readonly status: number | 'hang';
  readonly method?: string;
  readonly path?: RegExp;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly after?: boolean;
}

export interface PullRequest {
  readonly number: number;
  readonly state: 'open' | 'closed';
  /** What a closed one was merged as. */
  readonly merged?: string;
  /** `OWNER:BRANCH` */
  readonly label: string;
  readonly sha: string;
  /** Base branch and its commit; `main` where left out. */
  readonly base?: { readonly ref: string; readonly sha: string };
}

export interface GitHubState {
  readonly comments: StoredComment[];
  readonly pullRequests: PullRequest[];
  readonly requests: SeenRequest[];
  readonly faults: Fault[];
  /** The token of a fork's pull request: every write is refused. */
  readOnly: boolean;
  /** The default branch takes no direct commits. */
  protected: boolean;
  /** Requests left in the hour; at 0 every request is refused. */
  remaining: number;
  /** Who the token is; null: the viewer cannot be asked. */
  viewer: string | null;
}

export interface GitHubService {
  readonly state: GitHubState;
  readonly url: string;
  readonly owner: string;
  readonly name: string;
  readonly token: string;
  addComment(issue: number, body: string, user?: { login: string; type: 'Bot' | 'User' }): StoredComment;
  /** Requests other than GET (and queries of GraphQL): what was changed or tried. */
  writes(): readonly SeenRequest[];
  environment(): Record<string, string>;
  close(): Promise<void>;
}

class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly raw?: boolean;
}

interface Call extends SeenRequest {
  readonly accept: string;
  readonly match: RegExpMatchArray;
}

const object = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const MAX_COMMENT = 65_536;

/**
 * A GitHub on loopback that keeps state and enforces GitHub's rules: comments (pages, 65,536 characters), references, contents and
 * `createCommitOnBranch` on a real bare git repository, tokens without write access, protected branches, rate limits, and faults on demand.
 */
export const startGitHub = async (options: {
  readonly repository: string;
  readonly owner?: string;
  readonly name?: string;
  readonly defaultBranch?: string;
  readonly viewer?: string | null;
}): Promise<GitHubService> => {
  const owner = options.owner ?? 'octo';
  const name = options.name ?? 'models';
  const defaultBranch = options.defaultBranch ?? 'main';
  const token = `ghs_${randomUUID().replaceAll('-', '')}`;
  const login = 'github-actions[bot]';
  const viewer = options.viewer === undefined ? login : options.viewer;
  const state: GitHubState = {
    comments: [],
    pullRequests: [],
    requests: [],
    faults: [],
    readOnly: false,
    protected: false,
    remaining: 1_000,
    viewer,
  };
  let base = '';
  let lastId = 1_000;

  const addComment: GitHubService['addComment'] = (issue, body, user = { login, type: 'Bot' }) => {
    lastId += 1;
    const comment = { id: lastId, issue, body, user };
    state.comments.push(comment);
    return comment;
  };

  const asJson = (comment: StoredComment) => ({
    id: comment.id,
    body: comment.body,
    user: comment.user,
    html_url: `${base}/${owner}/${name}/pull/${comment.issue}#issuecomment-${comment.id}`,
  });

  const pullJson = (one: PullRequest) => ({
    number: one.number,
    state: one.state,
    merge_commit_sha: one.merged ?? null,
    head: { label: one.label, sha: one.sha, repo: { full_name: `${one.label.split(':')[0]}/${name}` } },
    base: { ref: defaultBranch, sha: 'b'.repeat(40), ...one.base, repo: { full_name: `${owner}/${name}` } },
  });

  const bodyOf = (call: Call): string => {
    const { body } = object(call.body);
    if (typeof body !== 'string' || body === '') throw new Refusal(422, "Validation Failed: body can't be blank");
    if (body.length > MAX_COMMENT) throw new Refusal(422, 'Validation Failed: body is too long (maximum is 65536 characters)');
    return body;
  };

  const commentOf = (call: Call): StoredComment => {
    const found = state.comments.find((comment) => comment.id === Number(call.match[1]));
    if (found === undefined) throw new Refusal(404, 'Not Found');
    return found;
  };

  const page = (call: Call, all: readonly unknown[]): Reply => {
    const size = Math.min(Number(call.query.get('per_page') ?? 30), 100);
    const number = Number(call.query.get('page') ?? 1);
    const next = new URLSearchParams(call.query);
    next.set('page', String(number + 1));
    const more = number * size < all.length;
    return {
      status: 200,
      body: all.slice((number - 1) * size, number * size),
      ...(more ? { headers: { link: `<${base}${call.path}?${next}>; rel="next"` } } : {}),
    };
  };

  const resolve = async (revision: string): Promise<string | null> =>
    /^[0-9a-f]{40}$/.test(revision)
      ? revision
      : git(options.repository, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]).then(
          (text) => text.trim(),
          () => null,
        );

  const contents = async (call: Call): Promise<Reply> => {
    const revision = await resolve(call.query.get('ref') ?? defaultBranch);
    const path = decodeURIComponent(call.match[1] ?? '');
    const text = await git(options.repository, ['cat-file', 'blob', `${revision}:${path}`]).catch(() => null);
    if (text === null) throw new Refusal(404, 'Not Found');
    if (call.accept.includes('raw')) return { status: 200, body: text, raw: true };
    return { status: 200, body: { type: 'file', path, encoding: 'base64', content: Buffer.from(text).toString('base64') } };
  };

  const commits = async (call: Call): Promise<Reply> => {
    const revision = await resolve(call.query.get('sha') ?? defaultBranch);
    if (revision === null) throw new Refusal(404, 'Not Found');
    const path = call.query.get('path');
    const log = await git(options.repository, ['log', '--format=%H%x00%B%x01', revision, ...(path === null ? [] : ['--', path])]);
    const entries = log.split('\u0001').map((entry) => entry.trim().split('\0'));
    return page(
      call,
      entries.filter((entry) => entry[0] !== '').map(([sha, message]) => ({ sha, commit: { message: (message ?? '').trim() } })),
    );
  };

  /** How the right side of `LEFT...RIGHT` stands to the left one. */
  const compare = async (call: Call): Promise<Reply> => {
    const sides = decodeURIComponent(call.match[1] ?? '').split('...');
    const [left = '', right = ''] = await Promise.all(
      sides.map((side) =>
        git(options.repository, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${side}^{commit}`]).catch(() => ''),
      ),
    );
    if (sides.length !== 2 || left === '' || right === '') throw new Refusal(404, 'Not Found');
    const common = await git(options.repository, ['merge-base', left.trim(), right.trim()]).catch(() => '');
    const status = left === right ? 'identical' : common === left ? 'ahead' : common === right ? 'behind' : 'diverged';
    return { status: 200, body: { status, commits: [], files: [] } };
  };

  const reference = async (call: Call): Promise<Reply> => {
    const sha = await resolve(`refs/heads/${decodeURIComponent(call.match[1] ?? '')}`);
    if (sha === null) throw new Refusal(404, 'Not Found');
    return { status: 200, body: { ref: `refs/heads/${call.match[1]}`, object: { sha, type: 'commit' } } };
  };

  const mutationError = (type: string, message: string): Reply => ({
    status: 200,
    body: { data: { createCommitOnBranch: null }, errors: [{ type, path: ['createCommitOnBranch'], message }] },
  });

  const commitOnBranch = async (input: Record<string, unknown>): Promise<Reply> => {
    const branch = object(input.branch);
    const message = object(input.message);
    const additions = (object(input.fileChanges).additions ?? []) as { path: string; contents: string }[];
    if (branch.repositoryNameWithOwner !== `${owner}/${name}`) return mutationError('NOT_FOUND', 'Could not resolve to a Repository');
    if (state.readOnly) return mutationError('FORBIDDEN', 'Resource not accessible by integration');
    if (state.protected && branch.branchName === defaultBranch) {
      return mutationError('UNPROCESSABLE', 'Repository rule violations found\n\nChanges must be made through a pull request.\n\n');
    }
    const ref = `refs/heads/${String(branch.branchName)}`;
    const head = await resolve(ref);
    if (head === null) return mutationError('NOT_FOUND', `Could not resolve to a Ref with the name '${ref}'`);
    const stale = (at: string): Reply =>
      mutationError('STALE_DATA', `Expected branch to point to "${at}" but it did not. Pull and try again.`);
    if (head !== input.expectedHeadOid) return stale(String(input.expectedHeadOid));
    const commit = await commitFiles(options.repository, {
      parent: head,
      files: Object.fromEntries(additions.map((file) => [file.path, Buffer.from(file.contents, 'base64')])),
      message: `${String(message.headline)}${message.body === undefined ? '' : `\n\n${String(message.body)}`}`,
      index: `${options.repository}/${randomUUID()}.index`,
    });
    try {
      await git(options.repository, ['update-ref', ref, commit, head]);
    } catch {
      return stale(head);
    }
    return { status: 200, body: { data: { createCommitOnBranch: { commit: { oid: commit } } } } };
  };

  const graphql = (call: Call): Promise<Reply> | Reply => {
    const { query, variables } = object(call.body);
    const text = String(query);
    if (text.includes('createCommitOnBranch')) return commitOnBranch(object(object(variables).input));
    if (/\bviewer\b/.test(text)) {
      return state.viewer === null
        ? { status: 200, body: { data: null, errors: [{ type: 'FORBIDDEN', message: 'Resource not accessible by integration' }] } }
        : { status: 200, body: { data: { viewer: { login: state.viewer } } } };
    }
    return { status: 200, body: { errors: [{ type: 'UNKNOWN', message: 'testkit: no such query' }] } };
  };

  const prefix = `/repos/${owner}/${name}`;
  const routes: readonly (readonly [string, RegExp, (call: Call) => Promise<Reply> | Reply])[] = [
    [
      'GET',
      /^\/issues\/(\d+)\/comments$/,
      (call) => page(call, state.comments.filter((one) => one.issue === Number(call.match[1])).map(asJson)),
    ],
    ['POST', /^\/issues\/(\d+)\/comments$/, (call) => ({ status: 201, body: asJson(addComment(Number(call.match[1]), bodyOf(call))) })],
    [
      'PATCH',
      /^\/issues\/comments\/(\d+)$/,
      (call) => {
        const comment = commentOf(call);
        comment.body = bodyOf(call);
        return { status: 200, body: asJson(comment) };
      },
    ],
    [
      'DELETE',
      /^\/issues\/comments\/(\d+)$/,
      (call) => {
        state.comments.splice(state.comments.indexOf(commentOf(call)), 1);
        return { status: 204, body: null };
      },
    ],
    [
      'GET',
      /^\/pulls$/,
      (call) => {
        const states = call.query.get('state') ?? 'open';
        const wanted = (one: PullRequest) => [one.state, 'all'].includes(states) && one.label === (call.query.get('head') ?? one.label);
        const listed = state.pullRequests.filter(wanted);
        return page(
          call,
          listed.map((one) => ({ ...pullJson(one), merged_at: one.merged === undefined ? null : '2026-01-01T00:00:00Z' })),
        );
      },
    ],
    [
      'GET',
      /^\/pulls\/(\d+)$/,
      (call) => {
        const found = state.pullRequests.find((one) => one.number === Number(call.match[1]));
        if (found === undefined) throw new Refusal(404, 'Not Found');
        return { status: 200, body: { ...pullJson(found), merged: found.merged !== undefined } };
      },
    ],
    ['GET', /^\/git\/ref\/heads(?:\/|%2F)(.+)$/, reference],
    ['GET', /^\/contents\/(.+)$/, contents],
    ['GET', /^\/commits$/, commits],
    ['GET', /^\/compare\/(.+)$/, compare],
  ];

  const answer = async (seen: SeenRequest, request: IncomingMessage): Promise<Reply> => {
    if (!/^(token|bearer) ./i.test(request.headers.authorization ?? '')) throw new Refusal(401, 'Requires authentication');
    if (!request.headers.authorization?.endsWith(token)) throw new Refusal(401, 'Bad credentials');
    if (state.remaining <= 0) throw new Refusal(403, 'API rate limit exceeded for installation.');
    state.remaining -= 1;
    const call = { ...seen, accept: request.headers.accept ?? '' };
    if (seen.path === '/graphql' && seen.method === 'POST') return graphql({ ...call, match: [''] });
    if (state.readOnly && seen.method !== 'GET') throw new Refusal(403, 'Resource not accessible by integration');
    for (const [method, pattern, handle] of seen.path.startsWith(prefix) ? routes : []) {
      const match = seen.path.slice(prefix.length).match(pattern);
      if (method === seen.method && match !== null) return handle({ ...call, match });
    }
    throw new Refusal(404, 'Not Found');
  };

  const write = (response: ServerResponse, seen: SeenRequest, reply: Reply): void => {
    seen.status = reply.status;
    response.writeHead(reply.status, {
      'content-type': reply.raw ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8',
      'x-ratelimit-limit': '1000',
      'x-ratelimit-remaining': String(state.remaining),
      'x-ratelimit-reset': String(Math.floor(Date.now() / 1000) + 3_600),
      ...reply.headers,
    });
    response.end(reply.status === 204 ? '' : reply.raw ? String(reply.body) : JSON.stringify(reply.body));
  };

  const server = await listen(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://loopback');
    const text = (await readBody(request)).toString('utf8');
    const seen: SeenRequest = {
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      body: text === '' ? null : JSON.parse(text),
      status: 0,
    };
    state.requests.push(seen);
    const refuse = (error: unknown): Reply => {
      if (error instanceof Refusal)
        return { status: error.status, body: { message: error.message, documentation_url: 'https://docs.github.com/rest' } };
      throw error;
    };
    const fault = state.faults.find(
      (one) => one.times > 0 && (one.method ?? seen.method) === seen.method && (one.path === undefined || one.path.test(seen.path)),
    );
    if (fault === undefined) return write(response, seen, await answer(seen, request).catch(refuse));
    fault.times -= 1;
    if (fault.after) await answer(seen, request).catch(refuse);
    if (fault.status === 'hang') return;
    const { headers } = fault;
    write(response, seen, {
      status: fault.status,
      body: fault.body ?? { message: 'Injected fault' },
      ...(headers === undefined ? {} : { headers }),
    });
  });
  base = server.url;

  return {
    state,
    url: server.url,
    owner,
    name,
    token,
    addComment,
    writes: () =>
      state.requests.filter((one) =>
        one.path === '/graphql' ? /\bmutation\b/.test(String(object(one.body).query)) : one.method !== 'GET',
      ),
    environment: () => ({
      GITHUB_ACTIONS: 'true',
      GITHUB_API_URL: server.url,
      GITHUB_GRAPHQL_URL: `${server.url}/graphql`,
      GITHUB_SERVER_URL: 'http://github.localhost',
      GITHUB_REPOSITORY: `${owner}/${name}`,
      GITHUB_TOKEN: token,
    }),
    close: server.close,
  };
};
