import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { toolkitFetch } from '../../../src/host/github/transport.ts';

const servers: Server[] = [];
const sockets: Socket[] = [];

const listen = async (server: Server): Promise<number> => {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
  return text;
};

/** Says what it was asked, and never answers `/hangs`. */
const echo = (): Server =>
  createServer((request, response) => {
    if (request.url === '/hangs') return;
    if (request.url === '/empty') return void response.writeHead(204).end();
    if (request.url === '/full') return void response.writeHead(500, { 'retry-after': '7' }).end('ßorry');
    void bodyOf(request).then((body) => {
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      response.end(JSON.stringify({ method: request.method, host: request.headers.host, body, agent: request.headers['user-agent'] }));
    });
  });

/** A proxy that leads every name to one port, and counts. */
const proxyTo = (port: number, asked: string[]): Server =>
  createServer().on('connect', (request: IncomingMessage, socket: Socket) => {
    asked.push(request.url ?? '');
    const through = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      socket.pipe(through).pipe(socket);
    });
    sockets.push(socket, through);
  });

const sent = (more: { method?: string; body?: string; signal?: AbortSignal } = {}) => ({
  method: 'GET',
  headers: { 'user-agent': 'a test' },
  signal: AbortSignal.timeout(10_000),
  ...more,
});

beforeEach(() => {
  for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY']) vi.stubEnv(name, '');
});

afterEach(() => {
  vi.unstubAllEnvs();
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

it('sends method, body and headers, and gives status, headers and text back', async () => {
  const port = await listen(echo());
  const fetch = toolkitFetch(10);
  const answer = await fetch(`http://127.0.0.1:${port}/`, sent({ method: 'POST', body: '{"ä":1}' }));
  expect(answer.status).toBe(200);
  expect(answer.headers.get('set-cookie')).toBe('a=1, b=2');
  expect(await answer.json()).toMatchObject({ method: 'POST', body: '{"ä":1}' });
  const failed = await fetch(`http://127.0.0.1:${port}/full`, sent());
  expect([failed.status, failed.headers.get('retry-after'), await failed.text()]).toEqual([500, '7', 'ßorry']);
  expect(await (await fetch(`http://127.0.0.1:${port}/empty`, sent())).text()).toBe('');
});

it('ends with the reason of the signal when no answer comes, and with an error when nobody listens', async () => {
  const port = await listen(echo());
  await expect(toolkitFetch(10)(`http://127.0.0.1:${port}/hangs`, sent({ signal: AbortSignal.timeout(50) }))).rejects.toMatchObject({
    name: 'TimeoutError',
  });
  await expect(toolkitFetch(0.05)(`http://127.0.0.1:${port}/hangs`, sent())).rejects.toThrow(/timeout/i);
  await expect(toolkitFetch(10)('http://127.0.0.1:1/', sent())).rejects.toThrow();
});

it('goes through the proxy of the environment, except to hosts that need none', async () => {
  const asked: string[] = [];
  const port = await listen(echo());
  const proxy = await listen(proxyTo(port, asked));
  vi.stubEnv('http_proxy', `http://127.0.0.1:${proxy}`);
  const answer = await toolkitFetch(10)('http://api.example.invalid/', sent());
  expect(await answer.json()).toMatchObject({ host: 'api.example.invalid:80' });
  expect(asked).toEqual(['api.example.invalid:80']);
  vi.stubEnv('no_proxy', 'example.invalid');
  await expect(toolkitFetch(10)('http://api.example.invalid/', sent())).rejects.toThrow();
  expect(asked).toHaveLength(1);
});
