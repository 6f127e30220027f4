import { createHash } from 'node:crypto';
import { z } from 'zod';
import { answerFailure, CacheFailure } from './cache-failure.ts';
import { ask, type CacheLimits, persistently, textOf } from './cache-transfer.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where an entry is written, piece by piece in order. */
export interface Upload {
  put(piece: Uint8Array, moved: (bytes: number) => void): Promise<void>;
  /** Makes the entry visible. */
  finish(): Promise<void>;
}

/** A cache service of GitHub. Each call throws a `CacheFailure`. */
export interface CacheService {
  readonly host: string;
  /** The newest entry whose key begins with the first of the prefixes that has one, and its address; null without any. */
  find(prefixes: readonly string[]): Promise<{ readonly key: string; readonly url: string } | null>;
  reserve(key: string): Promise<Upload>;
}

/** What the service takes for the format of an entry: others are not found. */
const version = createHash('sha256').update('optimization-gate/cache/1').digest('hex');

const address = z.url({ protocol: /^https?$/ });

interface Connection {
  readonly base: string;
  readonly token: string;
  readonly limits: CacheLimits;
}

/** A call that is answered with JSON, which `schema` decodes. `status`: what the answer had. */
const call = async <T>(
  connection: Connection,
  asked: {
    readonly method: 'GET' | 'POST';
    readonly path: string;
    readonly accept: string;
    readonly body?: unknown;
    readonly schema: z.ZodType<T>;
  },
): Promise<T | null> => {
  const { base, token, limits } = connection;
  const url = new URL(asked.path, base).href;
  const message = await persistently(limits, () =>
    ask(
      {
        method: asked.method,
        url,
        headers: { authorization: `Bearer ${token}`, accept: asked.accept, 'content-type': 'application/json' },
        ...(asked.body === undefined ? {} : { body: Buffer.from(JSON.stringify(asked.body)) }),
      },
      limits.findSeconds,
    ),
  );
  const text = await textOf(message);
  if (message.statusCode === 204) return null;
  try {
    return asked.schema.parse(JSON.parse(text));
  } catch {
    const { host } = new URL(base);
    const failure = answerFailure({ status: message.statusCode ?? 0, type: message.headers['content-type'] ?? '', text, host });
    throw failure.kind === 'refused' ? new CacheFailure('refused', `the answer of ${host} cannot be read`) : failure;
  }
};

/** An address that the service names. */
const addressOf = (text: string | undefined, host: string): string => {
  const read = address.safeParse(text);
  if (!read.success) throw new CacheFailure('refused', `${host} names no address for the transfer`);
  return read.data;
};

const outcome = { ok: z.boolean(), message: z.string().optional(), msg: z.string().optional() };

/** The service of github.com (version 2): calls in Twirp, content as an Azure block blob. */
const resultsService = (connection: Connection): CacheService => {
  const { host } = new URL(connection.base);
  const twirp = async <T extends { readonly ok: boolean; readonly message?: string | undefined }>(
    method: string,
    body: unknown,
    schema: z.ZodType<T>,
  ): Promise<T> => {
    const path = `/twirp/github.actions.results.api.v1.CacheService/${method}`;
    const answer = await call(connection, { method: 'POST', path, accept: 'application/json', body, schema });
    if (answer === null) throw new CacheFailure('refused', `${host} answered without content`);
    return answer;
  };
  const notOk = (message: string | undefined, otherwise: string): CacheFailure =>
    message === undefined || message === ''
      ? new CacheFailure('taken', otherwise)
      : answerFailure({ status: 200, type: '', text: JSON.stringify({ msg: message }), host });
  return {
    host,
    find: async (prefixes) => {
      const [key = '', ...others] = prefixes;
      const answer = await twirp(
        'GetCacheEntryDownloadURL',
        { key, restore_keys: [key, ...others], version },
        z.object({ ...outcome, matched_key: z.string().optional(), signed_download_url: z.string().optional() }),
      );
      if (!answer.ok) return null;
      return { key: answer.matched_key ?? '', url: addressOf(answer.signed_download_url, host) };
    },
    reserve: async (key) => {
      const answer = await twirp('CreateCacheEntry', { key, version }, z.object({ ...outcome, signed_upload_url: z.string().optional() }));
      if (!answer.ok) throw notOk(answer.message, 'another job reserved the same key');
      const url = addressOf(answer.signed_upload_url, host);
      const blocks: string[] = [];
      let bytes = 0;
      const put = async (query: Readonly<Record<string, string>>, type: string, body: Uint8Array, moved: (bytes: number) => void) => {
        // The address is signed: what stands in it stays as it is.
        const target = `${url}${url.includes('?') ? '&' : '?'}${new URLSearchParams(query)}`;
        const headers = { 'content-type': type, 'x-ms-version': '2020-04-08' };
        const message = await persistently(connection.limits, () =>
          ask({ method: 'PUT', url: target, headers, body, moved }, connection.limits.windowSeconds),
        );
        await textOf(message);
      };
      return {
        put: async (piece, moved) => {
          const id = Buffer.from(String(blocks.length).padStart(8, '0')).toString('base64');
          await put({ comp: 'block', blockid: id }, 'application/octet-stream', piece, moved);
          blocks.push(id);
          bytes += piece.length;
        },
        finish: async () => {
          const list = `<?xml version="1.0" encoding="utf-8"?><BlockList>${blocks.map((id) => `<Latest>${id}</Latest>`).join('')}</BlockList>`;
          await put({ comp: 'blocklist' }, 'application/xml', Buffer.from(list), () => {});
          const finished = await twirp('FinalizeCacheEntryUpload', { key, version, size_bytes: String(bytes) }, z.object(outcome));
          if (!finished.ok) throw notOk(finished.message, 'the service does not take the entry that was sent');
        },
      };
    },
  };
};

/** The service of GitHub Enterprise Server (version 1): REST, content in ranges. */
const enterpriseService = (connection: Connection): CacheService => {
  const { host } = new URL(connection.base);
  const accept = 'application/json;api-version=6.0-preview.1';
  const path = (resource: string): string => `_apis/artifactcache/${resource}`;
  return {
    host,
    find: async (prefixes) => {
      const keys = encodeURIComponent(prefixes.join(','));
      const schema = z.object({ cacheKey: z.string(), archiveLocation: address });
      const found = await call(connection, { method: 'GET', path: path(`cache?keys=${keys}&version=${version}`), accept, schema });
      return found === null ? null : { key: found.cacheKey, url: found.archiveLocation };
    },
    reserve: async (key) => {
      const schema = z.object({ cacheId: z.int() });
      const reserved = await call(connection, { method: 'POST', path: path('caches'), accept, body: { key, version }, schema });
      if (reserved === null) throw new CacheFailure('refused', `${host} answered without content`);
      const resource = path(`caches/${reserved.cacheId}`);
      let bytes = 0;
      return {
        put: async (piece, moved) => {
          const headers = {
            authorization: `Bearer ${connection.token}`,
            accept,
            'content-type': 'application/octet-stream',
            'content-range': `bytes ${bytes}-${bytes + piece.length - 1}/*`,
          };
          const url = new URL(resource, connection.base).href;
          const message = await persistently(connection.limits, () =>
            ask({ method: 'PATCH', url, headers, body: piece, moved }, connection.limits.windowSeconds),
          );
          await textOf(message);
          bytes += piece.length;
        },
        finish: async () => {
          await call(connection, { method: 'POST', path: resource, accept, body: { size: bytes }, schema: z.unknown() });
        },
      };
    },
  };
};

/** Whether the job runs on GitHub Enterprise Server, whose service is the older one. */
const isEnterpriseServer = (environment: Environment): boolean => {
  const named = environment['GITHUB_SERVER_URL'];
  const host = URL.parse(named === undefined || named === '' ? 'https://github.com' : named)?.hostname.toLowerCase() ?? '';
  return host !== 'github.com' && !host.endsWith('.ghe.com') && !host.endsWith('.localhost');
};

/** The cache service that the runner names, or null. */
export const cacheService = (environment: Environment, limits: CacheLimits): CacheService | null => {
  const old = isEnterpriseServer(environment) || !environment['ACTIONS_CACHE_SERVICE_V2'];
  const base = environment[old ? 'ACTIONS_CACHE_URL' : 'ACTIONS_RESULTS_URL'] ?? '';
  const token = environment['ACTIONS_RUNTIME_TOKEN'] ?? '';
  if (token === '' || URL.parse(base) === null) return null;
  return (old ? enterpriseService : resultsService)({ base, token, limits });
};
