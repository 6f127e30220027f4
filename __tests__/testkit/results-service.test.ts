import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { testFolder } from './folder.ts';
import { startResultsService } from './results-service.ts';

const start = async () => {
  const service = await startResultsService(join(testFolder(), 'blobs'));
  onTestFinished(() => service.close());
  const call = async (method: string, body: unknown, scope?: string): Promise<Record<string, string>> => {
    const token = service.environment(scope).ACTIONS_RUNTIME_TOKEN;
    const url = `${service.url}/twirp/github.actions.results.api.v1.CacheService/${method}`;
    const response = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: JSON.stringify(body) });
    return (await response.json()) as Record<string, string>;
  };
  return { service, call };
};

test('a blob of several blocks is put together in the order of its list', async () => {
  const { call } = await start();
  const { signed_upload_url: url = '' } = await call('CreateCacheEntry', { key: 'k', version: 'v' });
  const put = (query: string, body: string) => fetch(`${url}&${query}`, { method: 'PUT', body });
  expect((await put('comp=block&blockid=Qg%3D%3D', 'world')).status).toBe(201);
  expect((await put('comp=block&blockid=QQ%3D%3D', 'hello ')).status).toBe(201);
  expect((await put('comp=blocklist', '<BlockList><Latest>QQ==</Latest><Latest>Qg==</Latest></BlockList>')).status).toBe(201);
  expect(await call('FinalizeCacheEntryUpload', { key: 'k', version: 'v', size_bytes: '10' })).toMatchObject({ ok: false });
  expect(await call('FinalizeCacheEntryUpload', { key: 'k', version: 'v', size_bytes: '11' })).toMatchObject({ ok: true });
  const { signed_download_url: from = '' } = await call('GetCacheEntryDownloadURL', { key: 'k', version: 'v' });
  expect(await (await fetch(from)).text()).toBe('hello world');
  expect(await (await fetch(from, { headers: { range: 'bytes=6-8' } })).text()).toBe('wor');
  expect((await fetch(from.replace(/sig=.*/, 'sig=guess'))).status).toBe(403);
});

test('scopes: a pull request reads the entries of main and its own, nobody else reads its own', async () => {
  const { service, call } = await start();
  const fill = async (key: string, scope: string): Promise<void> => {
    const { signed_upload_url: url = '' } = await call('CreateCacheEntry', { key, version: 'v' }, scope);
    await fetch(url, { method: 'PUT', body: key });
    await call('FinalizeCacheEntryUpload', { key, version: 'v', size_bytes: String(key.length) }, scope);
  };
  await fill('of-main', 'refs/heads/main');
  await fill('of-seven', 'refs/pull/7/merge');
  const found = async (scope: string) =>
    (await call('GetCacheEntryDownloadURL', { key: 'none', restore_keys: ['of-'], version: 'v' }, scope)).matched_key;
  expect(await found('refs/pull/7/merge')).toBe('of-seven');
  expect(await found('refs/pull/8/merge')).toBe('of-main');
  expect(await found('refs/heads/main')).toBe('of-main');
  service.state.faults.set('every', { status: 503 });
  expect(await call('GetCacheEntryDownloadURL', { key: 'of-main', version: 'v' })).toMatchObject({ msg: 'injected fault' });
});
