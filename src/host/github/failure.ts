/** Why GitHub did not do what was asked, sorted by what can be done about it. */
export type FailureKind =
  /** Worth another try, after `seconds` where GitHub says so. */
  | 'wait'
  /** GitHub does not know the token. */
  | 'token'
  /** The token may not. */
  | 'permission'
  | 'not-found'
  /** Another writer was faster. */
  | 'stale'
  /** The branch takes no direct commits. */
  | 'protected'
  | 'other';

export class GitHubFailure extends Error {
  readonly kind: FailureKind;
  readonly seconds: number | null;

  constructor(kind: FailureKind, message: string, options: { readonly seconds?: number | null; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'GitHubFailure';
    this.kind = kind;
    this.seconds = options.seconds ?? null;
  }
}

/** What to do about a failure of kind `token`. */
export const tokenRemedy = "The token is wrong, expired or revoked: give the input `token` a valid one, or leave it out for the job's own.";

const LIMIT_PAUSE_SECONDS = 60;
type Headers = Readonly<Record<string, string | number | undefined>>;

const number = (value: string | number | undefined): number | null => {
  const parsed = value === undefined || value === '' ? Number.NaN : Number(value);
  return Number.isFinite(parsed) && parsed >= 0 ? parsed : null;
};

/** Seconds that the answer asks to wait: `Retry-After`, or until the limit's reset, counted from the answer's own date. */
const askedPause = (headers: Headers): number | null => {
  const after = number(headers['retry-after']);
  if (after !== null) return after;
  const reset = number(headers['x-ratelimit-reset']);
  const sent = Date.parse(String(headers['date'] ?? ''));
  if (number(headers['x-ratelimit-remaining']) !== 0 || reset === null || Number.isNaN(sent)) return null;
  return Math.max(0, reset - sent / 1000) + 1;
};

/** A refused or lost REST request. Without a status (connection lost, no answer in time) it is worth another try. */
export const restFailure = (error: unknown): GitHubFailure => {
  if (error instanceof GitHubFailure) return error;
  const { status, message, response } = error as {
    status?: number;
    message?: string;
    response?: { headers?: Headers; data?: { message?: unknown } };
  };
  const said = typeof response?.data?.message === 'string' ? response.data.message : (message ?? String(error));
  const text = response === undefined ? `no answer: ${said}` : `${status ?? ''} ${said}`.trim();
  const headers = response?.headers ?? {};
  const seconds = askedPause(headers);
  if (response === undefined || status === undefined || status >= 500) return new GitHubFailure('wait', text, { seconds, cause: error });
  const limited = status === 429 || (status === 403 && (seconds !== null || /rate limit|abuse detection/i.test(said)));
  if (limited) return new GitHubFailure('wait', text, { seconds: seconds ?? LIMIT_PAUSE_SECONDS, cause: error });
  if (status === 401) return new GitHubFailure('token', text, { cause: error });
  if (status === 403)
    return new GitHubFailure(/not accessible|permission|forbidden|must have/i.test(said) ? 'permission' : 'other', text, { cause: error });
  return new GitHubFailure(status === 404 ? 'not-found' : 'other', text, { cause: error });
};

export interface GraphqlError {
  readonly type?: string | undefined;
  readonly message: string;
}

/** The first error of a GraphQL answer. */
export const graphqlFailure = (errors: readonly GraphqlError[]): GitHubFailure => {
  const { type = '', message } = errors[0] ?? { message: 'no reason given' };
  const text = `${type} ${message.replace(/\s+/g, ' ').trim()}`.trim();
  if (type === 'STALE_DATA' || /expected branch to point to/i.test(message)) return new GitHubFailure('stale', text);
  if (type === 'RATE_LIMITED' || /rate limit/i.test(message)) return new GitHubFailure('wait', text, { seconds: LIMIT_PAUSE_SECONDS });
  if (/PROTECT|RULE/.test(type) || /rule violation|protected branch|through a pull request/i.test(message))
    return new GitHubFailure('protected', text);
  if (type === 'FORBIDDEN' || /not accessible/i.test(message)) return new GitHubFailure('permission', text);
  if (type === 'NOT_FOUND') return new GitHubFailure('not-found', text);
  if (type === 'SERVICE_UNAVAILABLE' || /something went wrong|timeout|timed out/i.test(message)) return new GitHubFailure('wait', text);
  return new GitHubFailure('other', text);
};
