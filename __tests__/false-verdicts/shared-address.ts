import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { LeakFinding } from '../../src/building/leak/leak.ts';
import { LeakScene, measure } from '../commands/leak-scene.ts';
import type { Situation } from './situation.ts';

/** A port at which nothing listens now. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

/**
 * A program that starts a server and answers each round with the size that it is told there.
 * `listen`: JavaScript that leaves in `at` where to ask, and goes on where another has the place.
 */
const asking = (size: number, listen: string): string => `import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
const server = createServer((socket) => socket.end('${size}'));
const opened = (...place) => new Promise((resolve) => server.once('error', () => resolve(false)).listen(...place, () => resolve(true)));
${listen}
const ask = () => new Promise((resolve) => {
  let text = '';
  connect(at).on('data', (chunk) => { text += chunk; }).on('end', () => resolve(text));
});
for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify({ size: Number(await ask()) }));
process.exit();
`;

const atPort = (port: number): string => `await opened(${port}, '127.0.0.1'); const at = { host: '127.0.0.1', port: ${port} };`;
const atAnyPort = "await opened(0, '127.0.0.1'); const at = { host: '127.0.0.1', port: server.address().port };";

const found = (base: string, head: string): Promise<LeakFinding> => {
  const scene = LeakScene.make();
  scene.commit({ 'bench.mjs': asking(100, base) });
  scene.commit({ 'bench.mjs': asking(900, head) });
  return scene.find({ door: measure(`${process.execPath} bench.mjs`) });
};

const row = (example: string, now: string, source: Situation['source'], check: Situation['check']): Situation => ({
  kind: 'shared-copy',
  example,
  before: 'passed',
  now,
  source,
  speed: 'slow',
  available: process.platform === 'linux',
  check,
});

const refused = (example: string, source: Situation['source'], listen: () => Promise<string>): Situation =>
  row(example, 'failed, address-shared', source, async () => {
    const text = await listen();
    expect(await found(text, text)).toMatchObject({ error: { code: 'address-shared' } });
  });

const compared = (example: string, listen: () => Promise<readonly [string, string]>): Situation =>
  row(example, 'compared', 'neighbour', async () => {
    const [base, head] = await listen();
    expect(await found(base, head)).toEqual({ error: null, warning: null });
  });

export const situations: readonly Situation[] = [
  refused('both programs start a server at one port, and what is there first answers both: from 100 to 900 bytes', 'reported', async () =>
    atPort(await freePort()),
  ),
  refused('both programs share a port (SO_REUSEPORT), where the system chooses who answers', 'neighbour', async () => {
    const port = await freePort();
    return `await opened({ host: '127.0.0.1', port: ${port}, reusePort: true }); const at = { host: '127.0.0.1', port: ${port} };`;
  }),
  refused('both programs put a socket in one place, from which they remove the other’s', 'neighbour', async () => {
    const path = JSON.stringify(join(LeakScene.make().folder, 'engine.sock'));
    return `rmSync(${path}, { force: true }); await opened(${path}); const at = { path: ${path} };`;
  }),
  row('a program starts a server where none answers, and leaves it alone', 'failed, address-shared', 'neighbour', async () => {
    const port = 20_000 + (process.pid % 5000);
    const server = `require('node:net').createServer((socket) => socket.end('SIZE')).listen(${port}, '127.0.0.1'); setTimeout(() => process.exit(), 15_000)`;
    const leaving = `import { spawn } from 'node:child_process';
const at = { host: '127.0.0.1', port: ${port} };
const up = () => new Promise((resolve) => connect(at).on('connect', () => resolve(true)).on('error', () => resolve(false)));
if (!(await up())) spawn('setsid', ['-f', process.execPath, '-e', ${JSON.stringify(server)}], { stdio: 'ignore' });
while (!(await up())) await new Promise((resolve) => setTimeout(resolve, 20));`;
    const finding = await found(leaving.replace('SIZE', '100'), leaving.replace('SIZE', '900'));
    expect(finding).toMatchObject({ error: { code: 'address-shared' } });
  }),
  compared('each program starts a server at a port that the system chooses', async () => [atAnyPort, atAnyPort]),
  compared('a program takes the next port where another is taken', async () => {
    const port = await freePort();
    const next = `let port = ${port}; while (!(await opened(port, '127.0.0.1'))) port += 1; const at = { host: '127.0.0.1', port };`;
    return [next, next];
  }),
  compared('base has a port of its own, and head lets the system choose', async () => [atPort(await freePort()), atAnyPort]),
  compared('each program has a socket in its own temporary folder', async () => {
    const own = 'const at = { path: `${process.env.TMPDIR}/engine.sock` }; await opened(at);';
    return [own, own];
  }),
];
