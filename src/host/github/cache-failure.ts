/** What each kind of failure is called, and what to do about it. */
const words = {
  'read-only': {
    what: 'this job may not do that',
    remedy:
      'A run that an untrusted event started may only read. Elsewhere `cache-mode: write` in the workflow allows it to write. `cache: false` turns the cache off.',
  },
  token: {
    what: 'the token of this job is refused',
    remedy: 'The token is valid as long as the job. Run the job again, or turn the cache off with `cache: false`.',
  },
  'too-large': {
    what: 'no entry of this size is accepted',
    remedy: 'Lower what one job builds, or turn the cache off with `cache: false`.',
  },
  quota: {
    what: 'the cache of this repository takes no more for now',
    remedy: 'Delete entries under Actions → Caches, wait for the limit to end, or raise the limit in the settings of the repository.',
  },
  proxy: {
    what: 'a proxy or a web page answered in place of the cache service',
    remedy: 'Let the proxy pass the hosts of GitHub Actions, or name them in `no_proxy` on the runner.',
  },
  silent: {
    what: 'the cache service did not answer',
    remedy: 'See githubstatus.com and the network of the runner. `cache: false` turns the cache off.',
  },
  slow: {
    what: 'the transfer is too slow',
    remedy: 'See the network of the runner. `cache: false` turns the cache off where building is faster.',
  },
  network: {
    what: 'the connection failed',
    remedy: 'See whether the runner reaches the hosts of GitHub Actions. `cache: false` turns the cache off.',
  },
  server: { what: 'the cache service failed', remedy: 'See githubstatus.com; a later run uses the cache again.' },
  damaged: { what: 'its content does not unpack', remedy: 'A run that may write to the cache replaces the entry.' },
  other: { what: 'the operation failed', remedy: 'Run the job again. `cache: false` turns the cache off.' },
} as const;

/** Why the workflow cache did not do what was asked, sorted by what can be done about it. `taken`: another job reserved the key. */
export type CacheFailureKind = keyof typeof words | 'taken';

export interface CacheFailure {
  readonly kind: CacheFailureKind;
  /** What the toolkit or the service said of it, in one line. */
  readonly detail: string;
}

export const failureText = (doing: 'read' | 'written', kind: keyof typeof words, detail: string): string =>
  `The workflow cache was not ${doing}: ${words[kind].what} (${detail}). The run goes on without it. ${words[kind].remedy}`;

/** What an operation that failed left to judge it by. */
export interface FailureEvidence {
  readonly doing: 'restore' | 'save';
  /** The last message of the toolkit. */
  readonly said: string;
  /** What tar said. */
  readonly tar: string;
  /** The last answer over HTTP, where it was a bad one. */
  readonly bad: { readonly host: string; readonly status: number; readonly type: string } | null;
  /** An entry was found, or reserved. */
  readonly isTransfer: boolean;
}

const isPage = (text: string): boolean => /<(!doctype\s+html|html|head|body)\b/i.test(text);

/** A message without the toolkit's frame around it, in one line, without signatures. */
const plainly = (said: string): string => {
  const inner = said
    .replace(/^.*Failed request: \(\d+\)[^:]*(: |$)/s, '')
    .replace(/^.*another job may be creating this cache\. More details: /s, '')
    .replace(/^Unable to reserve cache with key \S+\. More details: /, '')
    .replace(/^Failed to \w+: /, '');
  if (isPage(inner)) return '';
  const [line = ''] = inner.trim().split(/[\r\n]/);
  return line.replace(/\bsig=[^&\s"']+/g, 'sig=***').slice(0, 300);
};

/** Words of the toolkit and the service that mean a kind, whatever the status. */
const byWords: readonly (readonly [CacheFailureKind, RegExp])[] = [
  ['quota', /insufficient usage|quota|rate limit/i],
  ['read-only', /(read|write) denied|no (writable|readable) scopes/i],
  ['taken', /already exists|Response was not ok/i],
  ['too-large', /over the (10GB|data cap) limit/i],
  ['proxy', /tunneling socket could not be established/i],
  [
    'network',
    /\bE(CONNREFUSED|CONNRESET|NOTFOUND|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN|PIPE)\b|socket hang up|\baborted\b|Incomplete download/,
  ],
];

const byStatus = (status: number): CacheFailureKind | null => {
  if (status === 407) return 'proxy';
  if (status === 413) return 'too-large';
  if (status === 409) return 'taken';
  if (status === 429 || status === 507) return 'quota';
  if (status === 401) return 'token';
  if (status === 403) return 'read-only';
  return status >= 500 ? 'server' : null;
};

const kindOf = ({ doing, said, tar, bad, isTransfer }: FailureEvidence): CacheFailureKind => {
  if (bad?.status === 407 || bad?.status === 413) return byStatus(bad.status) ?? 'other';
  if (isPage(said) || /html/i.test(bad?.type ?? '')) return 'proxy';
  const named = byWords.find(([, pattern]) => pattern.test(said))?.[0] ?? (bad === null ? null : byStatus(bad.status));
  if (named !== null) return named;
  // The entry is listed, and what it was is gone or is no archive. A full disk says nothing of it.
  const isBroken = doing === 'restore' && isTransfer && !/No space left|Disk quota/i.test(tar);
  return isBroken && (bad !== null || /failed with error/.test(said)) ? 'damaged' : 'other';
};

/** Sorts a failure of the toolkit by its message, by the last answer that its connections got, and by what tar said. */
export const judgeFailure = (evidence: FailureEvidence): CacheFailure => {
  const { said, tar, bad } = evidence;
  const kind = kindOf(evidence);
  const ofTar = tar.trim().split('\n')[0]?.trim() ?? '';
  const text = ofTar !== '' && kind !== 'proxy' && /failed with error/.test(said) ? ofTar.slice(0, 300) : plainly(said);
  const parts = [...(bad === null ? [] : [`${bad.host}: ${bad.status}`]), ...(text === '' ? [] : [JSON.stringify(text)])];
  return { kind, detail: parts.length === 0 ? 'the toolkit gave no reason' : parts.join(', ') };
};
