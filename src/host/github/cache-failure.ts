/** Why the workflow cache did not do what was asked, sorted by what can be done about it. */
export type CacheFailureKind =
  /** Another job reserved the key. */
  | 'taken'
  | 'read-only'
  | 'token'
  | 'too-large'
  | 'quota'
  | 'proxy'
  /** No answer in time. */
  | 'silent'
  | 'slow'
  | 'network'
  /** Worth another try. */
  | 'server'
  /** The entry is not what was saved. */
  | 'damaged'
  | 'refused';

/** What to do about each kind. */
const remedies = {
  taken: 'Nothing is lost: that job saves the same.',
  'read-only':
    'A run that an untrusted event started may only read. Elsewhere `cache-mode: write` in the workflow allows it to write. `cache: false` turns the cache off.',
  token: 'The token is valid as long as the job. Run the job again, or turn the cache off with `cache: false`.',
  'too-large': 'Lower what one job builds, or turn the cache off with `cache: false`.',
  quota: 'Delete entries under Actions → Caches, wait for the limit to end, or raise the limit in the settings of the repository.',
  proxy: 'Let the proxy pass the hosts of GitHub Actions, or name them in `no_proxy` on the runner.',
  silent: 'See githubstatus.com and the network of the runner. `cache: false` turns the cache off.',
  slow: 'See the network of the runner. `cache: false` turns the cache off where building is faster.',
  network: 'See whether the runner reaches that host. `cache: false` turns the cache off.',
  server: 'See githubstatus.com; a later run uses the cache again.',
  damaged: 'A run that may write saves a new entry, which takes its place.',
  refused: 'Run the job again. `cache: false` turns the cache off.',
} as const satisfies Record<CacheFailureKind, string>;

/** One call of the cache that failed. */
export class CacheFailure extends Error {
  readonly kind: CacheFailureKind;

  constructor(kind: CacheFailureKind, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = 'CacheFailure';
    this.kind = kind;
  }

  get remedy(): string {
    return remedies[this.kind];
  }
}

const codeOf = (error: unknown): string => {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : '';
};

/** A thrown value as a failure: a lost connection where it is nothing else. `host`: what was asked. */
export const transportFailure = (error: unknown, host: string): CacheFailure => {
  if (error instanceof CacheFailure) return error;
  const message = error instanceof Error ? error.message || codeOf(error) : String(error);
  const proxied = /tunneling socket could not be established|statusCode=\d+|\bproxy\b/i.test(message);
  if (proxied) return new CacheFailure('proxy', `the proxy does not connect to ${host} (${message})`, { cause: error });
  if (/timeout/i.test(message)) return new CacheFailure('silent', `${host} does not answer`, { cause: error });
  return new CacheFailure('network', `the connection to ${host} failed (${message})`, { cause: error });
};

const isPage = (type: string, text: string): boolean => /html/i.test(type) || /^\s*<(!doctype\s+html|html|head|body)\b/i.test(text);

/** What an answer says in one line: the message of the cache service, or the code of the blob storage. */
const saidIn = (text: string): string => {
  const blob = /<Code>([^<]{1,80})<\/Code>/.exec(text)?.[1];
  if (blob !== undefined) return blob;
  try {
    const { msg, message } = JSON.parse(text) as { msg?: unknown; message?: unknown };
    const said = typeof msg === 'string' ? msg : message;
    return typeof said === 'string' ? said.replace(/\s+/g, ' ').slice(0, 300) : '';
  } catch {
    return '';
  }
};

/** An answer that is not the one that was asked for, by its status, its type and its text. */
export const answerFailure = (answer: {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly host: string;
}): CacheFailure => {
  const { status, type, text, host } = answer;
  const said = saidIn(text);
  const shown = `${status}${said === '' ? '' : `, "${said}"`}`;
  if (status === 407) return new CacheFailure('proxy', `a proxy in front of ${host} asks for a password (${shown})`);
  if (status === 413) return new CacheFailure('too-large', `${host} takes no entry of this size (${shown})`);
  if (isPage(type, text)) return new CacheFailure('proxy', `a web page came in place of an answer of ${host} (${shown})`);
  if (/already exists/i.test(said) || status === 409) return new CacheFailure('taken', `another job reserved the same key (${shown})`);
  if (status === 429 || status === 507 || /insufficient usage|quota|rate limit/i.test(said))
    return new CacheFailure('quota', `the cache of this repository takes no more for now (${shown})`);
  if (/denied|read.only|no writable scopes/i.test(said) && status !== 401)
    return new CacheFailure('read-only', `this job may not do that (${shown})`);
  if (status === 401) return new CacheFailure('token', `${host} refuses the token of this job (${shown})`);
  if (status === 403) return new CacheFailure('read-only', `${host} refuses this job (${shown})`);
  if (status >= 500) return new CacheFailure('server', `${host} failed (${shown})`);
  return new CacheFailure('refused', `${host} answered with ${shown}`);
};
