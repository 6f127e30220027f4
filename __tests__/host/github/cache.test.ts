import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { workflowCache } from '../../../src/host/github/cache.ts';
import { cacheLimits } from '../../../src/host/github/cache-transfer.ts';
import { startEnterpriseCache } from '../../testkit/enterprise-cache.ts';
import { testFolder } from '../../testkit/folder.ts';
import { type Fault, type ResultsService, startResultsService, truncateBlob } from '../../testkit/results-service.ts';
import { job, publish, restore, save } from './job-steps.ts';

const files = { 'blobs/ab/model.bin': Buffer.alloc(300_000, 'weights'), 'index.json': Buffer.from('{}'), empty: Buffer.alloc(0) };
const paths = Object.keys(files);

const filledFolder = async (): Promise<string> => {
  const folder = testFolder();
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
};

const serve = async (): Promise<ResultsService> => {
  const started = await startResultsService(join(testFolder(), 'blobs'));
  onTestFinished(() => started.close());
  return started;
};

const expectFiles = async (folder: string): Promise<void> => {
  for (const [path, content] of Object.entries(files)) expect((await readFile(join(folder, path))).equals(content)).toBe(true);
  expect((await stat(join(folder, 'index.json'))).mtimeMs).toBe(1_700_000_000_000);
};

/** A transfer must move 100 kB in a second here, and each second attempt comes soon. */
const limits = { ...cacheLimits, findSeconds: 20, windowBytes: 100_000, windowSeconds: 1, pauseSeconds: 0.02 };

/** The cache of one job, and what it said. */
const opened = (environment: Readonly<Record<string, string>>, changed: Partial<typeof limits> = {}) => {
  const said: string[] = [];
  const cache = workflowCache(environment, { ...limits, ...changed }, (text) => said.push(text));
  return {
    said,
    save: (key: string, folder: string, ...names: readonly string[]) =>
      cache.save(
        key,
        folder,
        names.map((path) => ({ path, used: 1_700_000_000 })),
      ),
    restore: async (folder: string, ...prefixes: readonly string[]) => {
      const found = await cache.restore(prefixes, folder);
      return found.status === 'nothing' ? 'nothing' : `${found.status} ${found.key}`;
    },
  };
};

describe('an entry', () => {
  test('is found by prefix, the newest first, and gives the bytes that were saved; a key is taken once', async () => {
    const service = await serve();
    const here = await filledFolder();
    const [there, elsewhere] = [testFolder(), testFolder()];
    const { save, said } = opened(service.environment());
    expect([
      await save('models-1', here, 'index.json'),
      await save('models-1', here, ...paths),
      await save('models-2', here, ...paths),
    ]).toEqual(['saved', 'exists', 'saved']);
    const { restore } = opened(service.environment('refs/pull/7/merge'));
    expect(await restore(testFolder(), 'other')).toBe('nothing');
    expect(await restore(there, 'nothing-', 'models-')).toBe('restored models-2');
    expect(await restore(elsewhere, 'models-1', 'models-')).toBe('restored models-1');
    await expectFiles(there);
    expect(await readdir(elsewhere)).toEqual(['index.json']);
    expect(said).toEqual([]);
  });

  test('goes on where a connection was lost', async () => {
    const service = await serve();
    const { save, restore } = opened(service.environment());
    await save('k', await filledFolder(), ...paths);
    service.state.cutAfter = 100;
    const there = testFolder();
    expect(await restore(there, 'k')).toBe('restored k');
    await expectFiles(there);
    expect(service.state.calls.filter((call) => call === 'GET blob').length).toBeGreaterThan(1);
  });

  test('is given up, and not called damaged, where what comes is no part of it', async () => {
    const service = await serve();
    const here = await filledFolder();
    await opened(service.environment()).save('k', here, ...paths);
    Object.assign(service.state, { cutAfter: 100, wholeOnly: true });
    const lost = opened(service.environment());
    expect(await lost.restore(testFolder(), 'k')).toBe('nothing');
    expect(lost.said).toEqual([expect.stringContaining('does not go on where a connection was lost')]);
    service.state.faults.set('GET blob', { status: 200, type: 'text/html', body: '<html>Sign in</html>' });
    const proxied = opened(service.environment());
    expect(await proxied.restore(testFolder(), 'k')).toBe('nothing');
    expect(proxied.said).toEqual([expect.stringContaining('a web page came in place of an answer')]);
    service.state.faults.set('GetCacheEntryDownloadURL', {
      status: 200,
      body: '{"ok":true,"matched_key":"k","signed_download_url":"file:///etc/passwd"}',
    });
    const misled = opened(service.environment());
    expect(await misled.restore(testFolder(), 'k')).toBe('nothing');
    expect(misled.said).toEqual([expect.stringContaining('names no address for the transfer')]);
  });

  test('of files that change or go while they are read is not finished', async () => {
    const service = await serve();
    const { save, said } = opened(service.environment());
    expect(await save('k', testFolder(), 'absent')).toBe('off');
    expect(said).toEqual([expect.stringMatching(/a file could not be read or written \(ENOENT.*absent/)]);
    expect(service.state.entries.filter(({ finished }) => finished)).toEqual([]);
  });

  test('is of GitHub Enterprise Server, too', async () => {
    const service = await startEnterpriseCache();
    onTestFinished(() => service.close());
    const there = testFolder();
    const { save, restore } = opened(service.environment());
    expect(await restore(testFolder(), 'k')).toBe('nothing');
    expect([await save('k-1', await filledFolder(), ...paths), await save('k-1', there)]).toEqual(['saved', 'exists']);
    expect(await restore(there, 'k-2', 'k-')).toBe('restored k-1');
    await expectFiles(there);
  });
});

describe('a damaged entry', () => {
  const zstd = (text: string | Buffer): Buffer => zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  const oneFile = (path: string, bytes = 2): string => `${JSON.stringify({ path, bytes, used: 1 })}\n{}{"files":1}\n`;
  const damages: readonly (readonly [string, (whole: Buffer) => Buffer])[] = [
    ['cut off', (whole) => whole.subarray(0, 40)],
    ['empty', () => Buffer.alloc(0)],
    ['with other bits', (whole) => Buffer.from(whole.map((byte, at) => (at === whole.length - 30 ? byte ^ 255 : byte)))],
    ['another archive', () => Buffer.from('PK\x03\x04 something else')],
    ['without an end', () => zstd(oneFile('a').slice(0, -13))],
    ['with a line without end', () => zstd('x'.repeat(100_000))],
    ['with fewer bytes than it says', () => zstd(oneFile('a', 100))],
    ['with a path above the folder', () => zstd(oneFile('../outside'))],
    ['with a path above it further on', () => zstd(oneFile('a/../../outside'))],
    ['with an absolute path', () => zstd(oneFile('/tmp/outside'))],
    ['with a path of another system', () => zstd(oneFile('..\\outside'))],
    ['with one file twice', () => zstd(`${oneFile('a').slice(0, -13)}${oneFile('a').replace('"files":1', '"files":2')}`)],
    ['with a size that none has', () => zstd(oneFile('a', 1e15))],
  ];

  test.each(damages)('%s is told from a good one, and nothing is written beside the folder', async (_, damage) => {
    const service = await serve();
    const { save, restore, said } = opened(service.environment());
    await save('k', await filledFolder(), ...paths);
    for (const { blob } of service.state.entries) await writeFile(blob, damage(await readFile(blob)));
    const around = testFolder();
    const folder = join(around, 'inside');
    await mkdir(folder);
    expect(await restore(folder, 'k')).toBe('damaged k');
    expect(await readdir(around)).toEqual(['inside']);
    expect(said).toEqual([expect.stringMatching(/^The workflow cache was not read: .*A run that may write saves a new entry/)]);
  });

  test('whose content is gone is damaged; whole ones are read again after it', async () => {
    const service = await serve();
    const { save, restore } = opened(service.environment());
    await save('k', await filledFolder(), ...paths);
    await save('l', await filledFolder(), ...paths);
    const [first] = service.state.entries;
    if (first !== undefined) await truncateBlob(first, 40);
    service.state.faults.set('GET blob', { status: 404, type: 'application/xml', body: '<Error><Code>BlobNotFound</Code></Error>' });
    expect(await restore(testFolder(), 'l')).toBe('damaged l');
    service.state.faults.clear();
    expect([await restore(testFolder(), 'k'), await restore(testFolder(), 'l')]).toEqual(['damaged k', 'restored l']);
  });
});

describe('each failure has words of its own', () => {
  const page = '<!DOCTYPE html><html><body>Sign in to the network</body></html>';
  const unavailable: Fault = { status: 503 };
  const onSave: readonly (readonly [string, string, Fault, RegExp])[] = [
    [
      'a token that may only read',
      'CreateCacheEntry',
      { status: 200, body: '{"ok":false,"message":"cache write denied: token has no writable scopes"}' },
      /may not do that.*cache write denied.*only read/,
    ],
    ['a refused job', 'CreateCacheEntry', { status: 403, body: '{"msg":"permission denied"}' }, /permission denied.*only read/],
    [
      'an expired token',
      'CreateCacheEntry',
      { status: 401, body: '{"msg":"token expired"}' },
      /refuses the token of this job \(401, "token expired"\)/,
    ],
    [
      'an entry that is too large',
      'PUT blob',
      { status: 413, type: 'application/xml', body: '<?xml version="1.0"?><Error><Code>RequestBodyTooLarge</Code></Error>' },
      /takes no entry of this size \(413, "RequestBodyTooLarge"\)/,
    ],
    [
      'too large by a page of a proxy',
      'PUT blob',
      { status: 413, type: 'text/html', body: '<html>413</html>' },
      /takes no entry of this size \(413\)/,
    ],
    [
      'a full cache',
      'CreateCacheEntry',
      { status: 403, body: '{"msg":"insufficient usage to create entry"}' },
      /takes no more for now.*insufficient usage.*Delete entries/,
    ],
    ['a limit of calls', 'CreateCacheEntry', { status: 429, body: '{"msg":"slow down"}' }, /takes no more for now \(429, "slow down"\)/],
    [
      'a proxy that asks for a password',
      'CreateCacheEntry',
      { status: 407, type: 'text/html', body: page },
      /a proxy in front of .* asks for a password.*no_proxy/,
    ],
    [
      'a page of a gateway',
      'CreateCacheEntry',
      { status: 502, type: 'text/html', body: page },
      /a web page came in place of an answer.*\(502\).*no_proxy/,
    ],
    [
      'a page that says that all is well',
      'CreateCacheEntry',
      { status: 200, type: 'text/html', body: page },
      /a web page came in place of an answer.*\(200\)/,
    ],
    ['an answer that is none', 'CreateCacheEntry', { status: 200, body: '[]' }, /the answer of .* cannot be read/],
    ['an outage', 'FinalizeCacheEntryUpload', unavailable, /failed \(503, "injected fault"\).*githubstatus/],
    [
      'a size that the service does not confirm',
      'FinalizeCacheEntryUpload',
      { status: 200, body: '{"ok":false,"message":"size does not match"}' },
      /size does not match/,
    ],
    ['a service that hangs', 'CreateCacheEntry', 'hang', /did not answer within 1 s/],
    ['an upload that hangs', 'PUT blob', 'hang', /moved \d+ bytes in 1 s|does not answer/],
    ['lost connections', 'CreateCacheEntry', 'reset', /the connection to .* failed/],
  ];

  test.concurrent.each(onSave)('%s', async (_, call, fault, words) => {
    const [filled, blobs] = [filledFolder(), join(testFolder(), 'blobs')];
    const service = await startResultsService(blobs);
    service.state.faults.set(call, fault);
    const here = await filled;
    const { save, said } = opened(service.environment(), fault === 'hang' ? { findSeconds: 1 } : {});
    expect([await save('one', here, ...paths), await save('two', here, ...paths)]).toEqual(['off', 'off']);
    expect(said).toEqual([expect.stringMatching(words)]);
    expect(said[0]).toMatch(/^The workflow cache was not written: /);
    expect(said[0]).not.toMatch(/sig=|Sign in/);
    await service.close();
  });

  test.each<Fault>([
    { status: 200, body: '{"ok":false,"message":"cache entry already exists"}' },
    { status: 409, body: '{"code":"already_exists","msg":"x"}' },
    { status: 200, body: '{"ok":false}' },
  ])('a key that another job reserved is no failure: %o', async (fault) => {
    const service = await serve();
    service.state.faults.set('CreateCacheEntry', fault);
    const { save, said } = opened(service.environment());
    expect(await save('k', await filledFolder(), ...paths)).toBe('exists');
    expect(said).toEqual([]);
  });

  test.concurrent.each([
    ['GetCacheEntryDownloadURL', 'hang', 'did not answer within 1 s'],
    ['GET blob', 'hang', 'bytes in 1 s'],
    ['GET blob', 'trickle', 'bytes in 1 s'],
  ] as const)('%s that makes one wait (%s) is given up within seconds, once for the whole job', async (call, fault, words) => {
    const [here, there] = [filledFolder(), testFolder()];
    const service = await startResultsService(join(testFolder(), 'blobs'));
    await opened(service.environment()).save('k', await here, ...paths);
    service.state.faults.set(call, fault);
    const { save, restore, said } = opened(service.environment(), { findSeconds: 1 });
    expect([await restore(there, 'k'), await restore(there, 'k'), await save('l', await here, ...paths)]).toEqual([
      'nothing',
      'nothing',
      'off',
    ]);
    expect(said).toEqual([expect.stringContaining(words)]);
    expect(service.state.calls.filter((each) => each === call)).toHaveLength(1);
    await service.close();
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
    const [unanswered, untaken] = [opened(at(port), { findSeconds: 0.3 }), opened(at(1))];
    expect([await unanswered.restore(testFolder(), 'k'), await untaken.restore(testFolder(), 'k')]).toEqual(['nothing', 'nothing']);
    expect(unanswered.said).toEqual([expect.stringContaining('did not answer within 0.3 s')]);
    expect(untaken.said).toEqual([expect.stringMatching(/the connection to 127\.0\.0\.1:1 failed \(.*ECONNREFUSED/)]);
  });

  test('a mode of the workflow that allows less asks for nothing', async () => {
    const service = await serve();
    const here = await filledFolder();
    const mode = (name: string) => opened({ ...service.environment(), ACTIONS_CACHE_MODE: name });
    expect(await mode('read').save('k', here, ...paths)).toBe('off');
    expect([await mode('write-only').save('k', here, ...paths), await mode('write-only').restore(testFolder(), 'k')]).toEqual([
      'saved',
      'nothing',
    ]);
    expect([await mode('none').restore(testFolder(), 'k'), await mode('write').restore(testFolder(), 'k')]).toEqual([
      'nothing',
      'restored k',
    ]);
  });
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
    https_proxy: `http://127.0.0.1:${port}`,
  };
  const run = await job([restore(testFolder(), 'k'), publish], { environment });
  expect(run.results[0]).toBe('nothing');
  expect(run.summary).toMatch(/not read: the proxy does not connect to results\.example \(.*407.*\)\..*no_proxy/);
});

test('a job says it in its log and in its summary', async () => {
  const service = await serve();
  service.state.readOnly = true;
  const here = await filledFolder();
  const run = await job([save('one', here, ...paths), save('two', here, ...paths), publish], { environment: service.environment() });
  expect(run.results.slice(0, 2)).toEqual(['off', 'off']);
  const words = 'The workflow cache was not written: this job may not do that (200, "cache write denied: token has no writable scopes").';
  expect(run.stdout.split('\n').filter((line) => line.includes('workflow cache'))).toEqual([expect.stringContaining(`warning: ${words}`)]);
  expect(run.summary).toContain(`> [!NOTE]\n> ${words}`);
});
