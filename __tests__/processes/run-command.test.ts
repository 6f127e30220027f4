import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { identifyProcess, isSameProcess } from '../../src/processes/process-tree.ts';
import { type Command, runCommand } from '../../src/processes/run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'processes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const environment = { PATH: process.env['PATH'] ?? '' };
const base = { cwd: folder, environment, timeoutSeconds: 30, maxOutputBytes: 1e6 };
const sh = (script: string, more: Partial<Command> = {}) => runCommand({ ...base, argv: ['sh', '-c', script], ...more });
const node = (script: string, more: Partial<Command> = {}) => runCommand({ ...base, argv: [process.execPath, '-e', script], ...more });
/** A killed process closes its pipes a little before it is gone, so its absence is waited for. */
const lives = (pidFile: string): boolean => identifyProcess(Number(readFileSync(join(folder, pidFile), 'utf8'))) !== null;

describe('runCommand', () => {
  it('reports output, errors and exit status', async () => {
    expect(await sh('printf out; printf err >&2; exit 3')).toMatchObject({
      status: 'exited',
      code: 3,
      stdout: Buffer.from('out'),
      stderr: 'err',
      truncated: false,
      seconds: null,
    });
  });

  it('gives the child its input, its folder and exactly its environment', async () => {
    const result = await runCommand({ ...base, argv: ['env'], environment: { PATH: '/usr/bin:/bin', ONLY: 'this' } });
    expect(result.stdout.toString().trim().split('\n').sort()).toEqual(['ONLY=this', 'PATH=/usr/bin:/bin']);
    expect((await sh('cat; pwd', { input: 'hello ' })).stdout.toString()).toContain(`hello ${folder}`);
    expect((await sh('exit 0', { input: 'x'.repeat(1e6) })).code).toBe(0);
  });

  it('runs no shell', async () => {
    expect((await runCommand({ ...base, argv: ['echo', '$HOME; exit 1', '*'] })).stdout.toString()).toBe('$HOME; exit 1 *\n');
  });

  it('says what cannot be started', async () => {
    expect(await runCommand({ ...base, argv: ['no-such-program-anywhere'] })).toMatchObject({
      status: 'failed-to-start',
      code: null,
      stderr: expect.stringContaining('ENOENT'),
    });
    expect((await sh('exit 0', { cwd: join(folder, 'missing') })).status).toBe('failed-to-start');
    expect((await runCommand({ ...base, argv: ['echo', 'a\0b'] })).status).toBe('failed-to-start');
    expect((await runCommand({ ...base, argv: [] })).status).toBe('failed-to-start');
  });

  it('keeps the start of a flood of output and the end of a flood of errors', async () => {
    const result = await sh('head -c 3000000 /dev/zero; head -c 3000000 /dev/zero | tr "\\0" x >&2; printf last >&2', {
      maxOutputBytes: 1000,
    });
    expect(result).toMatchObject({ status: 'exited', code: 0, truncated: true });
    expect(result.stdout).toHaveLength(1000);
    expect(result.stderr).toHaveLength(64 * 1024 + 1);
    expect(result.stderr).toMatch(/^…x+last$/);
  });

  it('ends what takes too long, with everything that it started', async () => {
    const result = await sh('sleep 100 & echo $! > late.pid; wait', { timeoutSeconds: 0.5 });
    expect(result).toMatchObject({ status: 'timeout', code: null });
    await expect.poll(() => lives('late.pid')).toBe(false);
  });

  it('kills what ignores the request to end', async () => {
    const result = await sh('trap "" TERM; echo $$ > stubborn.pid; while true; do sleep 0.1; done', { timeoutSeconds: 0.3 });
    expect(result.status).toBe('timeout');
    await expect.poll(() => lives('stubborn.pid')).toBe(false);
  });

  it('ends what the program left behind, and does not wait for its pipes', async () => {
    expect((await sh('sleep 100 & echo $! > left.pid')).code).toBe(0);
    await expect.poll(() => lives('left.pid')).toBe(false);
    expect((await sh('setsid sleep 100 & echo $! > session.pid; sleep 0.5')).code).toBe(0);
    await expect.poll(() => lives('session.pid')).toBe(false);
  });

  it('limits the memory of the whole tree', async () => {
    const hog = 'const a = []; setInterval(() => a.push(Buffer.alloc(8e6, 1)), 5);';
    writeFileSync(join(folder, 'hog.cjs'), hog);
    expect(await node(hog, { memoryBytes: 150e6 })).toMatchObject({ status: 'memory', code: null });
    expect((await sh(`${process.execPath} hog.cjs & wait`, { memoryBytes: 150e6 })).status).toBe('memory');
    expect((await node('Buffer.alloc(8e6, 1)', { memoryBytes: 1e9 })).status).toBe('exited');
  });

  it('tells signals, requests and exits apart', async () => {
    expect((await sh('kill -SEGV $$')).status).toBe('signalled');
    expect((await sh('sleep 100', { signal: AbortSignal.timeout(200) })).status).toBe('killed');
    expect((await sh('sleep 100', { signal: AbortSignal.abort() })).status).toBe('killed');
  });

  it('measures with the clock that it is given', async () => {
    let now = 10;
    expect((await sh('exit 0', { clock: () => (now += 2) })).seconds).toBe(2);
  });
});

it('a process id names one process only', () => {
  const self = identifyProcess(process.pid);
  expect(self?.pid).toBe(process.pid);
  expect(self !== null && isSameProcess(self)).toBe(true);
  expect(isSameProcess({ pid: process.pid, startTicks: '1' })).toBe(false);
  expect(identifyProcess(2 ** 30)).toBeNull();
});
