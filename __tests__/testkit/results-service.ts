import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { listen, readBody } from './http.ts';

export interface CacheEntry {
  readonly id: number;
  readonly key: string;
  readonly version: string;
  readonly scope: string;
  readonly blob: string;
  finished: boolean;
}

/** What a call gets in place of its answer: none at all, 20 or 200 bytes of its content a second, a lost connection, or another answer. */
export type Fault = 'hang' | 'trickle' | 'steady' | 'reset' | { readonly status: number; readonly type?: string; readonly body?: string };

export interface ResultsState {
  readonly entries: CacheEntry[];
  /** Twirp methods and blob verbs, in the order in which they came. */
  readonly calls: string[];
  /** A token of a low-trust event: reads only. */
  readOnly: boolean;
  /** Where downloads are said to be: the toolkit takes another way for Azure's own hosts, which a test reaches with this service as a proxy. */
  downloads: string | null;
  /** A download loses its connection after so many bytes. */
  cutAfter: number | null;
  /** By the name that `calls` has; `every` for all. */
  readonly faults: Map<string, Fault>;
}

export interface ResultsService {
  readonly state: ResultsState;
  readonly url: string;
  /** What the runner puts into the environment of a step. `scope`: the ref that the run is on; it reads its own and `main`'s entries. */
  environment(scope?: string): Record<string, string>;
  close(): Promise<void>;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The workflow cache (version 2 of its protocol) on loopback: reservation, upload as Azure block blobs, look-up by key and prefix; blobs on disk. */
export const startResultsService = async (folder: string, mainScope = 'refs/heads/main'): Promise<ResultsService> => {
  await mkdir(folder, { recursive: true });
  const state: ResultsState = { entries: [], calls: [], readOnly: false, faults: new Map(), cutAfter: null, downloads: null };
  const secret = randomUUID();
  let url = '';
  let lastId = 0;

  const json = (response: ServerResponse, status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };

  const visible = (scope: string): readonly CacheEntry[] =>
    state.entries.filter((one) => one.finished && (one.scope === scope || one.scope === mainScope));

  const methods: Record<string, (input: Record<string, unknown>, scope: string) => Promise<unknown> | unknown> = {
    CreateCacheEntry: (input, scope) => {
      const { key, version } = input;
      if (state.readOnly) return { ok: false, message: 'cache write denied: token has no writable scopes' };
      if (state.entries.some((one) => one.key === key && one.version === version && one.scope === scope))
        return { ok: false, message: 'already exists' };
      lastId += 1;
      const entry = { id: lastId, key: text(key), version: text(version), scope, blob: join(folder, `${lastId}.blob`), finished: false };
      state.entries.push(entry);
      return { ok: true, signed_upload_url: `${url}/account/cache/${entry.id}?sig=${secret}` };
    },
    FinalizeCacheEntryUpload: async (input, scope) => {
      const entry = state.entries.find((one) => one.key === input.key && one.version === input.version && one.scope === scope);
      const size = entry === undefined ? -1 : await stat(entry.blob).then((facts) => facts.size);
      if (entry === undefined || size !== Number(input.size_bytes)) return { ok: false, message: 'size does not match' };
      entry.finished = true;
      return { ok: true, entry_id: String(entry.id) };
    },
    GetCacheEntryDownloadURL: (input, scope) => {
      const candidates = visible(scope).filter((one) => one.version === input.version);
      const prefixes = [text(input.key), ...((input.restore_keys ?? []) as string[])];
      const found =
        candidates.find((one) => one.key === input.key) ??
        prefixes.map((prefix) => candidates.findLast((one) => one.key.startsWith(prefix))).find((one) => one !== undefined);
      if (found === undefined) return { ok: false };
      return { ok: true, matched_key: found.key, signed_download_url: `${state.downloads ?? url}/account/cache/${found.id}?sig=${secret}` };
    },
  };

  const twirp = async (request: IncomingMessage, response: ServerResponse, method: string): Promise<void> => {
    const input = JSON.parse((await readBody(request)).toString('utf8')) as Record<string, unknown>;
    const scope = /^Bearer runtime (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (scope === undefined) return json(response, 401, { code: 'unauthenticated', msg: 'no runtime token' });
    const handle = methods[method];
    if (handle === undefined) return json(response, 404, { code: 'bad_route', msg: method });
    json(response, 200, await handle(input, scope));
  };

  const blockFile = (entry: CacheEntry, id: string): string => `${entry.blob}.${Buffer.from(id).toString('hex')}`;

  const upload = async (request: IncomingMessage, response: ServerResponse, entry: CacheEntry, query: URLSearchParams): Promise<void> => {
    if (query.get('comp') === 'blocklist') {
      const list = (await readBody(request)).toString('utf8');
      const draft = createWriteStream(`${entry.blob}.whole`);
      for (const [, id] of list.matchAll(/<(?:Latest|Uncommitted|Committed)>([^<]+)</g)) {
        await pipeline(createReadStream(blockFile(entry, id ?? '')), draft, { end: false });
        await rm(blockFile(entry, id ?? ''));
      }
      await new Promise<void>((resolve) => draft.end(resolve));
      await rename(`${entry.blob}.whole`, entry.blob);
    } else {
      await pipeline(request, createWriteStream(query.get('comp') === 'block' ? blockFile(entry, query.get('blockid') ?? '') : entry.blob));
    }
    response.writeHead(201, {
      etag: `"${randomUUID()}"`,
      'last-modified': new Date().toUTCString(),
      'x-ms-request-id': randomUUID(),
      'x-ms-version': '2025-01-05',
    });
    response.end();
  };

  const download = async (
    request: IncomingMessage,
    response: ServerResponse,
    entry: CacheEntry,
    fault: 'trickle' | 'steady' | null,
  ): Promise<void> => {
    const { size } = await stat(entry.blob);
    const range = /^bytes=(\d+)-(\d+)?$/.exec(String(request.headers['x-ms-range'] ?? request.headers.range ?? ''));
    const start = Number(range?.[1] ?? 0);
    const end = Math.min(Number(range?.[2] ?? size - 1), size - 1);
    response.writeHead(range === null ? 200 : 206, {
      'content-length': end - start + 1,
      etag: `"${entry.id}"`,
      ...(range === null ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
    });
    if (request.method === 'HEAD') return void response.end();
    if (fault !== null) {
      // Two bytes per second, or two hundred.
      const [drop, every] = fault === 'trickle' ? [1, 500] : [10, 50];
      const whole = await readFile(entry.blob);
      let at = start;
      const drops = setInterval(() => {
        response.write(whole.subarray(at, at + drop));
        at += drop;
        if (at > end) response.end();
      }, every);
      return void response.on('close', () => clearInterval(drops));
    }
    if (state.cutAfter !== null && end - start >= state.cutAfter) {
      for await (const part of createReadStream(entry.blob, { start, end: start + state.cutAfter - 1 })) response.write(part);
      setTimeout(() => response.socket?.destroy(), 20);
      return;
    }
    await pipeline(createReadStream(entry.blob, { start, end }), response);
  };

  const fail = async (fault: Exclude<Fault, 'trickle' | 'steady'>, response: ServerResponse): Promise<void> => {
    if (fault === 'hang') return;
    if (fault === 'reset') return void response.socket?.destroy();
    const { status, type = 'application/json', body = JSON.stringify({ code: 'unavailable', msg: 'injected fault' }) } = fault;
    response.writeHead(status, { 'content-type': type });
    response.end(body);
  };

  const server = await listen(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://loopback');
    const method = /^\/twirp\/github\.actions\.results\.api\.v1\.CacheService\/(\w+)$/.exec(pathname)?.[1];
    state.calls.push(method ?? `${request.method} blob`);
    const fault = state.faults.get(state.calls.at(-1) ?? '') ?? state.faults.get('every');
    if (fault !== undefined && fault !== 'trickle' && fault !== 'steady') return fail(fault, response);
    if (method !== undefined) return twirp(request, response, method);
    const entry = state.entries.find((one) => pathname === `/account/cache/${one.id}`);
    if (entry === undefined || searchParams.get('sig') !== secret) return json(response, 403, { code: 'AuthenticationFailed' });
    return request.method === 'PUT' ? upload(request, response, entry, searchParams) : download(request, response, entry, fault ?? null);
  });
  url = server.url;

  return {
    state,
    url,
    environment: (scope = mainScope) => ({
      ACTIONS_CACHE_SERVICE_V2: 'True',
      ACTIONS_RESULTS_URL: `${url}/`,
      ACTIONS_RUNTIME_TOKEN: `runtime ${scope}`,
      GITHUB_SERVER_URL: 'http://github.localhost',
    }),
    close: server.close,
  };
};

/** Damages the blob of an entry, as a lost upload would. */
export const truncateBlob = async (entry: CacheEntry, bytes: number): Promise<void> => {
  const whole = await readFile(entry.blob);
  await writeFile(entry.blob, whole.subarray(0, bytes));
};
