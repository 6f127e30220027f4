import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Confinement, confinementCandidates, findConfinement } from '../../src/processes/confinement.ts';
import { openLineChannel } from '../../src/processes/line-channel.ts';
import { descendants, identifyProcess } from '../../src/processes/process-tree.ts';
import { type Command, type CommandResult, runCommand } from '../../src/processes/run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'confinement-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Forks twice, leads a session of its own, clears its environment, closes its files, and writes for as long as it lives. */
const daemon = `
import os, sys, time
if os.fork() > 0: os._exit(0)
os.setsid()
if os.fork() > 0: os._exit(0)
os.chdir('/')
for fd in range(64):
    try: os.close(fd)
    except OSError: pass
if len(sys.argv) > 3: os.execve(sys.executable, [sys.executable, *sys.argv[:3]], {})
while True:
    with open(sys.argv[1] + '.' + sys.argv[2], 'a') as file: file.write('x')
    time.sleep(0.01)
`;
writeFileSync(join(folder, 'daemon.py'), daemon);
const hasPython = (process.env['PATH'] ?? '').split(':').some((path) => existsSync(join(path, 'python3')));

const environment = { PATH: process.env['PATH'] ?? '' };
const base = { cwd: folder, environment, timeoutSeconds: 30, maxOutputBytes: 1e6 };
const marks: Confinement = { kind: 'marks', asRoot: [], argv: [] };
const ways = [...confinementCandidates(), marks].map((confinement) => [confinement.kind, confinement] as const);

describe.concurrent.each(ways)('processes held together by %s', (kind, confinement) => {
  const run = (argv: readonly string[], more: Partial<Command> = {}): Promise<CommandResult> =>
    runCommand({ ...base, argv, confinement, ...more });
  const sh = (script: string, more: Partial<Command> = {}): Promise<CommandResult> => run(['sh', '-c', script], more);
  const size = (name: string): number => (existsSync(name) ? readFileSync(name).length : 0);
  /** Until it has written its first bytes, for ten seconds at most. */
  const startDaemon = (name: string, ...more: readonly string[]): string => {
    const started = `python3 ${join(folder, 'daemon.py')} ${join(folder, name)} ${kind} ${more.join(' ')}`;
    return `${started}; n=0; until [ -s ${join(folder, `${name}.${kind}`)} ] || [ $n -ge 200 ]; do n=$((n + 1)); sleep 0.05; done`;
  };

  it('end the way they would end alone', async () => {
    expect(await sh('cat; printf err >&2; exit 3', { input: 'in' })).toMatchObject({ code: 3, stdout: Buffer.from('in'), stderr: 'err' });
    for (const signal of ['KILL', 'TERM', 'ABRT', 'SEGV', 'INT'])
      expect(await sh(`kill -${signal} $$`)).toMatchObject({ status: 'signalled', signal: `SIG${signal}`, stderr: '' });
    expect(await run(['no-such-program'])).toMatchObject({ status: 'failed-to-start', stderr: expect.stringContaining('ENOENT') });
  });

  it('see their own environment, arguments and folder, and a /proc', async () => {
    const { stdout } = await run(['env'], { environment: { ...environment, ONLY: 'this' } });
    const names = stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0] ?? '');
    expect(names.filter((name) => !['PATH', 'ONLY', 'OPTIMIZATION_GATE_MARK'].includes(name))).toEqual([]);
    expect((await run(['printf', '%s;', 'a b', '$HOME', '"'])).stdout.toString()).toBe('a b;$HOME;";');
    symlinkSync('/bin/echo', join(folder, `a=${kind}`));
    expect((await run([`./a=${kind}`, 'said'])).stdout.toString()).toBe('said\n');
    rmSync(join(folder, `a=${kind}`));
    const ids = await Promise.all(Array.from({ length: 4 }, async () => (await sh('echo $$')).stdout.toString()));
    expect(new Set(ids).size).toBe(4);
    expect((await sh('pwd; readlink /proc/self/cwd; test -w /dev/null && echo yes')).stdout.toString()).toBe(`${folder}\n${folder}\nyes\n`);
  });

  it('stop within their limits, with time to say so', async () => {
    const said = await sh("trap 'echo last; exit 0' TERM; while :; do sleep 0.02; done", { timeoutSeconds: 0.3 });
    expect(said).toMatchObject({ status: 'timeout', stdout: Buffer.from('last\n') });
    expect((await sh('exec sleep 60', { timeoutSeconds: 0.2 })).status).toBe('timeout');
    const fill = 'const all = []; setInterval(() => all.push(Buffer.alloc(2 ** 24, 1)), 5)';
    expect((await run([process.execPath, '-e', fill], { memoryBytes: 3e8 })).status).toBe('memory');
  });

  it.skipIf(!hasPython)('end together with the first of them, daemons too', async () => {
    expect((await sh(startDaemon('plain'))).code).toBe(0);
    const before = size(join(folder, `plain.${kind}`));
    expect(before).toBeGreaterThan(0);
    await new Promise((done) => setTimeout(done, 100));
    expect(size(join(folder, `plain.${kind}`))).toBe(before);
  });

  it.skipIf(!hasPython)(`${kind === 'marks' ? 'miss' : 'end'} a daemon that clears its environment`, async () => {
    const file = join(folder, `cleared.${kind}`);
    const { stdout } = await sh(`${startDaemon('cleared', 'clear')}; cat /proc/[0-9]*/cmdline | tr '\\0' ' '`);
    expect(stdout.toString()).toContain('daemon.py');
    const before = size(file);
    expect(before).toBeGreaterThan(0);
    await new Promise((done) => setTimeout(done, 100));
    expect(size(file) > before).toBe(kind === 'marks');
    const left = await runCommand({
      ...base,
      argv: [
        'sh',
        '-c',
        `for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline 2>/dev/null | grep -q 'daemon.py ${file.replace(`.${kind}`, '')} ${kind} $' && echo $p; done`,
      ],
    });
    for (const path of left.stdout
      .toString()
      .trim()
      .split('\n')
      .filter((each) => each !== ''))
      process.kill(Number(path.slice(6)), 'SIGKILL');
    expect(left.stdout.toString() !== '').toBe(kind === 'marks');
  });

  it('are seen from outside, by the process that was started', async () => {
    const program = `const { spawn } = require('node:child_process'); spawn('sleep', ['60'], { detached: true }); process.stdin.on('data', () => console.log(1))`;
    const channel = openLineChannel({
      where: 'here',
      argv: [process.execPath, '-e', program],
      cwd: folder,
      environment,
      memoryBytes: null,
      confinement,
    });
    expect(await channel.ask({}, 20)).toBe(1);
    const seen = descendants(channel.pid ?? 0);
    const names = seen.map(({ pid }) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
    expect(names).toContain('sleep');
    await channel.close(0.1);
    expect(seen.filter(({ pid }) => identifyProcess(pid) !== null)).toEqual([]);
  });
});

describe('the way that this machine has', () => {
  it('is the strongest one that works', () => {
    expect(findConfinement()).toEqual(ways.map(([, confinement]) => confinement).find(({ kind }) => kind === findConfinement().kind));
  });
});
