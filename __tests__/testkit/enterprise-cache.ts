import { listen, readBody } from './http.ts';

export interface EnterpriseCache {
  environment(): Record<string, string>;
  close(): Promise<void>;
}

/** The cache of GitHub Enterprise Server (version 1 of its protocol) on loopback: reservation, upload in ranges, look-up by key and prefix. */
export const startEnterpriseCache = async (): Promise<EnterpriseCache> => {
  const entries: { readonly key: string; readonly version: string; content: Buffer; finished: boolean }[] = [];
  const server = await listen(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://loopback');
    const json = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const archive = /^\/archive\/(\d+)$/.exec(pathname)?.[1];
    if (archive !== undefined) return void response.end(entries[Number(archive)]?.content);
    if (request.headers.authorization !== 'Bearer runtime') return json(401, { message: 'no token' });
    const resource = pathname.replace('/tenant/_apis/artifactcache/', '');
    const body = await readBody(request);
    if (request.method === 'GET' && resource === 'cache') {
      const [version, prefixes] = [searchParams.get('version'), (searchParams.get('keys') ?? '').split(',')];
      const found = prefixes
        .map((prefix) => entries.findLastIndex((one) => one.finished && one.version === version && one.key.startsWith(prefix)))
        .find((at) => at >= 0);
      if (found === undefined) return void response.writeHead(204).end();
      return json(200, { cacheKey: entries[found]?.key, archiveLocation: `${server.url}/archive/${found}` });
    }
    if (request.method === 'POST' && resource === 'caches') {
      const { key, version } = JSON.parse(body.toString('utf8')) as { key: string; version: string };
      if (entries.some((one) => one.key === key && one.version === version)) return json(409, { message: 'Cache already exists' });
      entries.push({ key, version, content: Buffer.alloc(0), finished: false });
      return json(201, { cacheId: entries.length });
    }
    const entry = entries[Number(resource.split('/')[1]) - 1];
    if (entry === undefined) return json(404, { message: 'no such entry' });
    if (request.method === 'PATCH') {
      const [, from, to] = /^bytes (\d+)-(\d+)\/\*$/.exec(request.headers['content-range'] ?? '') ?? [];
      if (Number(from) !== entry.content.length || Number(to) - Number(from) + 1 !== body.length)
        return json(400, { message: 'bad range' });
      entry.content = Buffer.concat([entry.content, body]);
      return void response.writeHead(204).end();
    }
    entry.finished = (JSON.parse(body.toString('utf8')) as { size: number }).size === entry.content.length;
    return entry.finished ? void response.writeHead(204).end() : json(400, { message: 'bad size' });
  });
  return {
    environment: () => ({
      ACTIONS_CACHE_URL: `${server.url}/tenant/`,
      ACTIONS_CACHE_SERVICE_V2: 'True',
      ACTIONS_RUNTIME_TOKEN: 'runtime',
      GITHUB_SERVER_URL: 'https://github.example.com',
    }),
    close: server.close,
  };
};
