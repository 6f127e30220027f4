import { GitHubFailure, type GraphqlError, graphqlFailure, restFailure } from './failure.ts';

export interface ApiAnswer {
  readonly data: unknown;
  readonly link: string;
}

/** GitHub's two interfaces for one repository. Every failure is thrown as a `GitHubFailure`; nothing is tried twice. */
export interface Client {
  /** Whether the token is that of a person, and not of an app such as GitHub Actions. */
  readonly isPerson: boolean;
  /** `route` is a template such as `GET /repos/{owner}/{repo}/commits`; owner and repo are filled in. */
  rest(route: string, parameters: Readonly<Record<string, unknown>>): Promise<ApiAnswer>;
  graphql(query: string, variables: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
}

export interface ClientOptions {
  readonly token: string;
  readonly owner: string;
  readonly repository: string;
  readonly apiUrl: string;
  readonly graphqlUrl: string;
  /** Time for one answer, milliseconds. */
  readonly timeout: number;
}

/** GitHub's prefixes of tokens that act for a person; older ones are 40 hexadecimal digits. */
const isOfPerson = (token: string): boolean => /^(?:ghp_|github_pat_|gho_|ghu_|[0-9a-f]{40}$)/.test(token);

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Loads the toolkit only here, that is, when the first request is due; its requests go through the toolkit's own HTTP client. */
export const openClient = async (options: ClientOptions): Promise<Client> => {
  const [{ getOctokit }, { toolkitFetch }] = await Promise.all([import('@actions/github'), import('./transport.ts')]);
  const silent = (): void => {};
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const { request: octokit } = getOctokit(options.token, {
    baseUrl: options.apiUrl,
    log,
    request: { fetch: toolkitFetch(options.timeout / 1000) },
  });
  const send = async (route: string, parameters: Readonly<Record<string, unknown>>): Promise<ApiAnswer> => {
    try {
      const response = await octokit(route, { ...parameters, request: { signal: AbortSignal.timeout(options.timeout) } });
      return { data: response.data, link: response.headers.link ?? '' };
    } catch (error) {
      throw restFailure(error);
    }
  };
  return {
    isPerson: isOfPerson(options.token),
    rest: (route, parameters) => send(route, { owner: options.owner, repo: options.repository, ...parameters }),
    graphql: async (query, variables) => {
      const { data } = await send(`POST ${options.graphqlUrl}`, { query, variables });
      if (!isObject(data)) throw new GitHubFailure('wait', 'the answer is not an object');
      const errors = data['errors'];
      if (Array.isArray(errors) && errors.length > 0) {
        throw graphqlFailure(
          errors.filter(isObject).map(
            (one): GraphqlError => ({
              type: one['type'] === undefined ? undefined : String(one['type']),
              message: String(one['message']),
            }),
          ),
        );
      }
      if (!isObject(data['data'])) throw new GitHubFailure('wait', 'the answer holds no data');
      return data['data'];
    },
  };
};

const MAX_PAGES = 50;

/** All entries of a listing, page by page (100 each, at most 5,000). */
export const listAll = async (
  client: Client,
  route: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<readonly unknown[]> => {
  const all: unknown[] = [];
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const { data, link } = await client.rest(route, { ...parameters, per_page: 100, page });
    if (!Array.isArray(data)) throw new GitHubFailure('wait', 'the answer is not a list');
    all.push(...data);
    if (!/rel="next"/.test(link)) break;
  }
  return all;
};
