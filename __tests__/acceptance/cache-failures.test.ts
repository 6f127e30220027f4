import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { descendants, isSameProcess } from '../../src/processes/process-tree.ts';
import { expectFiles, filledFolder, openCache, serve } from '../host/github/cache-job.ts';
import { job, publish, restore, save } from '../host/github/job-steps.ts';
import { startEnterpriseCache } from '../testkit/enterprise-cache.ts';
import { events } from '../testkit/events.ts';
import { testFolder } from '../testkit/folder.ts';
import type { Fault, ResultsService } from '../testkit/results-service.ts';

const page = '<!DOCTYPE html><html><body>Sign in to the network</body></html>';

/** The service as a proxy in front of a host of Azure, for which the toolkit takes the Azure library. */
const throughAzure = (service: ResultsService): Record<string, string> => {
  service.state.downloads = 'http://gate.blob.core.windows.net';
  return { ...service.environment(), http_proxy: service.url, no_proxy: '127.0.0.1' };
};

describe('each failure of a save has words of its own, once', () => {
  const onSave: readonly (readonly [string, string, Fault, RegExp])[] = [
    [
      'a token that may only read',
      'CreateCacheEntry',
      { status: 200, body: '{"ok":false,"message":"cache write denied: token has no writable scopes"}' },
      /may not do that.*cache write denied.*only read/,
    ],
    [
      'a refused job',
      'CreateCacheEntry',
      { status: 403, body: '{"msg":"permission denied"}' },
      /may not do that.*403, "permission denied"/,
    ],
    [
      'an expired token',
      'CreateCacheEntry',
      { status: 401, body: '{"msg":"token expired"}' },
      /token of this job is refused.*"token expired"/,
    ],
    [
      'an entry that is too large',
      'PUT blob',
      {
        status: 413,
        type: 'application/xml',
        body: '<?xml version="1.0"?><Error><Code>RequestBodyTooLarge</Code><Message>The body is too large.</Message></Error>',
      },
      /no entry of this size is accepted \(127\.0\.0\.1: 413, "The body is too large\."\)/,
    ],
    [
      'too large by a page of a proxy',
      'PUT blob',
      { status: 413, type: 'text/html', body: page },
      /no entry of this size is accepted.*: 413\)/,
    ],
    [
      'a full cache',
      'CreateCacheEntry',
      { status: 403, body: '{"msg":"insufficient usage to create entry"}' },
      /takes no more for now.*quota.*Delete entries/,
    ],
    ['a limit of calls', 'CreateCacheEntry', { status: 429, body: '{"msg":"slow down"}' }, /takes no more for now.*429, "slow down"/],
    ['a proxy that asks for a password', 'CreateCacheEntry', { status: 407, type: 'text/html', body: page }, /a proxy.*407\).*no_proxy/],
    ['a page of a gateway', 'CreateCacheEntry', { status: 502, type: 'text/html', body: page }, /a web page answered.*502\).*no_proxy/],
    ['a page that says that all is well', 'CreateCacheEntry', { status: 200, type: 'text/html', body: page }, /a web page answered.*200\)/],
    ['an answer that is none', 'CreateCacheEntry', { status: 200, body: '[]' }, /the operation failed \("Unable to parse message/],
    ['an outage', 'FinalizeCacheEntryUpload', { status: 503 }, /the cache service failed \(127\.0\.0\.1: 503\).*githubstatus/],
    [
      'a size that the service does not confirm',
      'FinalizeCacheEntryUpload',
      { status: 200, body: '{"ok":false,"message":"size does not match"}' },
      /the operation failed \("size does not match"\)/,
    ],
    ['a service that hangs when a key is reserved', 'CreateCacheEntry', 'hang', /did not answer \(limit 2 s\)/],
    ['a service that hangs at the end', 'FinalizeCacheEntryUpload', 'hang', /did not answer \(limit 2 s\)/],
    ['an upload that hangs', 'PUT blob', 'hang', /too slow \(it moved \d+ bytes in 1 s\)/],
    ['lost connections', 'CreateCacheEntry', 'reset', /the connection failed \(.*ECONNRESET/],
  ];

  test.each(onSave)('%s', async (_, call, fault, words) => {
    const service = await serve();
    const here = await filledFolder();
    const { save, said, temporary } = await openCache(service.environment(), { findSeconds: 2 });
    service.state.faults.set(call, fault);
    expect([await save('one', here), await save('two', here)]).toEqual(['off', 'off']);
    expect(said).toEqual([expect.stringMatching(words)]);
    expect(said[0]).toMatch(/^The workflow cache was not written: /);
    expect(said[0]).not.toMatch(/sig=|Sign in|githubusercontent/);
    expect(await readdir(temporary)).toEqual([]);
  });

  test.each<Fault>([
    { status: 200, body: '{"ok":false,"message":"cache entry already exists"}' },
    { status: 409, body: '{"code":"already_exists","msg":"x"}' },
    { status: 200, body: '{"ok":false}' },
  ])('a key that another job reserved is no failure: %o', async (fault) => {
    const service = await serve();
    service.state.faults.set('CreateCacheEntry', fault);
    const { save, said } = await openCache(service.environment());
    expect(await save('k', await filledFolder())).toBe('exists');
    expect(said).toEqual([]);
  });
});

describe('each failure of a restore has words of its own, once', () => {
  test.each([
    ['GetCacheEntryDownloadURL', 'hang', 'did not answer (limit 2 s)', false],
    ['GET blob', 'hang', 'bytes in 1 s', false],
    ['GET blob', 'trickle', 'bytes in 1 s', false],
    ['HEAD blob', 'hang', 'bytes in 1 s', true],
    ['GET blob', 'trickle', 'bytes in 1 s', true],
  ] as const)('%s that makes one wait (%s) ends all use of the cache', async (call, fault, words, azure) => {
    const service = await serve();
    const here = await filledFolder();
    await (await openCache(service.environment())).save('k', here);
    const environment = azure ? throughAzure(service) : service.environment();
    const { save, restore, said, temporary } = await openCache(environment, { findSeconds: 2 });
    service.state.faults.set(call, fault);
    const [there, before] = [testFolder(), descendants(process.pid).length];
    expect([await restore(there, 'k'), await restore(there, 'k'), await save('l', here)]).toEqual(['nothing', 'nothing', 'off']);
    expect(said).toEqual([expect.stringContaining(words)]);
    expect(descendants(process.pid)).toHaveLength(before);
    expect([await readdir(temporary), await readdir(there)]).toEqual([[], []]);
  });

  const gone: Fault = { status: 404, type: 'application/xml', body: '<Error><Code>BlobNotFound</Code></Error>' };
  test.each([
    ['a page in place of the content', 'GET blob', { status: 200, type: 'text/html', body: page }, false, 'nothing', 'a web page answered'],
    ['content that is gone', 'GET blob', gone, false, 'damaged k', 'does not unpack'],
    ['content that is gone from Azure', 'HEAD blob', gone, true, 'damaged k', 'does not unpack'],
    ['an expired address', 'GET blob', { status: 403, type: 'application/xml', body: '<Error/>' }, false, 'nothing', 'may not do that'],
    [
      'a token that may not read',
      'GetCacheEntryDownloadURL',
      { status: 403, body: '{"msg":"cache read denied: x"}' },
      false,
      'nothing',
      'cache read denied',
    ],
  ] as const)('%s', async (_, call, fault, azure, outcome, words) => {
    const service = await serve();
    await (await openCache(service.environment())).save('k', await filledFolder());
    const { restore, said } = await openCache(azure ? throughAzure(service) : service.environment());
    service.state.faults.set(call, fault);
    expect(await restore(testFolder(), 'k')).toBe(outcome);
    expect(said).toEqual([expect.stringContaining(words)]);
  });

  test.each([
    ['empty', () => Buffer.alloc(0)],
    ['with other bits', (whole: Buffer) => Buffer.from(whole.map((byte, at) => (at === whole.length - 30 ? byte ^ 255 : byte)))],
    ['another archive', () => Buffer.from('PK\x03\x04 something else')],
  ])('an entry that is %s is damaged', async (_, damage) => {
    const service = await serve();
    const { save, restore, said } = await openCache(service.environment());
    await save('k', await filledFolder());
    for (const { blob } of service.state.entries) await writeFile(blob, damage(await readFile(blob)));
    expect(await restore(testFolder(), 'k')).toBe('damaged k');
    expect(said).toEqual([expect.stringContaining('A run that may write to the cache replaces the entry')]);
  });

  test('a process that somebody kills', async () => {
    const service = await serve();
    const { restore, said, temporary } = await openCache(service.environment());
    service.state.faults.set('GetCacheEntryDownloadURL', 'hang');
    const before = new Set(descendants(process.pid).map(({ pid }) => pid));
    const restored = restore(testFolder(), 'k');
    while (service.state.calls.length === 0) await sleep(20);
    for (const { pid } of descendants(process.pid)) if (!before.has(pid)) process.kill(pid, 'SIGKILL');
    expect(await restored).toBe('nothing');
    expect(said).toEqual([expect.stringContaining('the process of the cache was ended by SIGKILL')]);
    expect(await readdir(temporary)).toEqual([]);
  });

  test('a process whose parent is killed ends too', async () => {
    const service = await serve();
    service.state.faults.set('GetCacheEntryDownloadURL', 'hang');
    const steps = JSON.stringify([restore(testFolder(), 'k')]);
    const program = join(import.meta.dirname, '..', 'host', 'github', 'job.ts');
    const event = join(testFolder(), 'event.json');
    await writeFile(event, JSON.stringify(events.push('refs/heads/topic')));
    const around = { GITHUB_EVENT_NAME: 'push', GITHUB_EVENT_PATH: event, GITHUB_REPOSITORY: 'octo/models', GITHUB_ACTIONS: 'true' };
    const parent = spawn(process.execPath, [program, steps], {
      env: { ...process.env, ...around, ...service.environment() },
      stdio: 'ignore',
    });
    while (service.state.calls.length === 0) await sleep(20);
    const children = descendants(parent.pid ?? 0).filter(({ pid }) => pid !== parent.pid);
    expect(children).toHaveLength(1);
    parent.kill('SIGKILL');
    await vi.waitFor(() => expect(children.filter(isSameProcess)).toEqual([]), { timeout: 5000 });
  });

  test('a connection that nobody answers at all, and one that nobody takes', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as { port: number };
    const at = (where: number) => ({
      ACTIONS_CACHE_SERVICE_V2: '1',
      ACTIONS_RESULTS_URL: `http://127.0.0.1:${where}/`,
      ACTIONS_RUNTIME_TOKEN: 'x',
    });
    const [unanswered, untaken] = [await openCache(at(port), { findSeconds: 2 }), await openCache(at(1))];
    expect([await unanswered.restore(testFolder(), 'k'), await untaken.restore(testFolder(), 'k')]).toEqual(['nothing', 'nothing']);
    expect(unanswered.said).toEqual([expect.stringContaining('did not answer (limit 2 s)')]);
    expect(untaken.said).toEqual([expect.stringMatching(/the connection failed \(.*ECONNREFUSED/)]);
  });
});

test.each([
  ['steady', 'restored k'],
  ['trickle', 'nothing'],
] as const)('what counts is the pace, not the time: %s', async (fault, outcome) => {
  const service = await serve();
  const here = testFolder();
  await writeFile(join(here, 'file'), randomBytes(400));
  await (await openCache(service.environment())).save('k', here);
  service.state.faults.set('GET blob', fault);
  const { restore, said } = await openCache(service.environment(), { windowBytes: 100 });
  const before = performance.now();
  // The first window also has the headers.
  expect(await restore(testFolder(), 'k')).toBe(outcome);
  expect(performance.now() - before).toBeGreaterThan(2000);
  expect(said).toHaveLength(fault === 'steady' ? 0 : 1);
});

test('the whole operation has a limit, however well it moves', async () => {
  const service = await serve();
  await (await openCache(service.environment())).save('k', await filledFolder());
  service.state.faults.set('GET blob', 'trickle');
  const { restore, said } = await openCache(service.environment(), { windowBytes: 0, wholeSeconds: 3 });
  expect(await restore(testFolder(), 'k')).toBe('nothing');
  expect(said).toEqual([expect.stringContaining('it did not end within 3 s')]);
});

test('a mode of the workflow that allows less says nothing', async () => {
  const service = await serve();
  const here = await filledFolder();
  const mode = (name: string) => openCache({ ...service.environment(), ACTIONS_CACHE_MODE: name });
  const [read, writeOnly, write] = [await mode('read'), await mode('write-only'), await mode('write')];
  expect([await read.save('k', here), await writeOnly.save('k', here), await writeOnly.restore(testFolder(), 'k')]).toEqual([
    'off',
    'saved',
    'nothing',
  ]);
  expect(await write.restore(testFolder(), 'k')).toBe('restored k');
  expect([read, writeOnly, write].flatMap(({ said }) => said)).toEqual([]);
});

test('an entry of GitHub Enterprise Server, and one that comes from Azure, give what was saved', async () => {
  const enterprise = await startEnterpriseCache();
  onTestFinished(() => enterprise.close());
  const [there, elsewhere] = [testFolder(), testFolder()];
  const { save, restore, said } = await openCache(enterprise.environment());
  expect(await restore(testFolder(), 'k')).toBe('nothing');
  expect([await save('k-1', await filledFolder()), await save('k-1', await filledFolder())]).toEqual(['saved', 'exists']);
  expect(await restore(there, 'k-2', 'k-')).toBe('restored k-1');
  await expectFiles(there);
  const service = await serve();
  await (await openCache(service.environment())).save('k', await filledFolder());
  const azure = await openCache(throughAzure(service));
  expect(await azure.restore(elsewhere, 'k')).toBe('restored k');
  await expectFiles(elsewhere);
  expect(service.state.calls).toContain('HEAD blob');
  expect([...said, ...azure.said]).toEqual([]);
});

test('an entry that is sent in blocks is put together in their order', { timeout: 120_000 }, async () => {
  const service = await serve();
  const [here, there] = [testFolder(), testFolder()];
  // Bytes that do not get smaller, more than the library sends at once.
  const large = randomBytes(130 * 2 ** 20);
  await writeFile(join(here, 'large'), large);
  const { save, restore, said } = await openCache(service.environment(), { windowSeconds: 30 });
  expect([await save('k', here), await restore(there, 'k')]).toEqual(['saved', 'restored k']);
  expect((await readFile(join(there, 'large'))).equals(large)).toBe(true);
  expect(service.state.calls.filter((call) => call === 'PUT blob')).toHaveLength(4);
  expect(said).toEqual([]);
});

test('a proxy that lets nobody through is named, by a job that was told of it', async () => {
  const proxy = createHttpServer();
  proxy.on('connect', (_, socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'));
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  const { port } = proxy.address() as { port: number };
  const environment = {
    ACTIONS_CACHE_SERVICE_V2: '1',
    ACTIONS_RESULTS_URL: 'https://results.example/',
    ACTIONS_RUNTIME_TOKEN: 'x',
    https_proxy: `http://user:password@127.0.0.1:${port}`,
  };
  const run = await job([restore(testFolder(), 'k'), publish], { environment });
  expect(run.results[0]).toBe('nothing');
  expect(run.summary).toMatch(/not read: a proxy or a web page answered.*407.*no_proxy/);
  expect(run.stdout + run.summary).not.toContain('password@');
});

test('a job says it in its log and in its summary, and nothing that the toolkit prints', async () => {
  const service = await serve();
  service.state.readOnly = true;
  const here = await filledFolder();
  const run = await job([save('one', here), save('two', here), publish], { environment: service.environment() });
  expect(run.results.slice(0, 2)).toEqual(['off', 'off']);
  const words = 'The workflow cache was not written: this job may not do that ("cache write denied: token has no writable scopes").';
  expect(run.stdout.split('\n').filter((line) => line.includes('workflow cache'))).toEqual([expect.stringContaining(`warning: ${words}`)]);
  expect(run.summary).toContain(`> [!NOTE]\n> ${words}`);
  expect(run.commands.filter(({ name }) => name === 'debug' || name === 'add-mask')).toEqual([]);
});
