import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import type { CommandContext } from '../../src/run/context.ts';
import { takeMachineLock } from '../../src/run/machine-lock.ts';

const source = resolve(import.meta.dirname, '../../src/run/machine-lock.ts');
const program = `
import { takeMachineLock } from ${JSON.stringify(source)};
const host = { log: { info: (text) => console.log(text) } };
const context = { now: () => new Date(), clock: () => performance.now(), host, signal: AbortSignal.timeout(5000) };
const lock = await takeMachineLock(context, 'measuring', 'measurement').catch((thrown) => (console.log(thrown.code, thrown.message), null));
if (lock !== null) console.log('held');
if (process.argv[1] !== 'keep') lock?.release();
else process.kill(process.pid, 'SIGKILL');
`;

/** Takes the lock as a user of this machine, in a process of its own; `keep`: is killed while it holds it. */
const takenBy = (user: number, temporary: string, keep = false): string =>
  spawnSync(process.execPath, ['--input-type=module', '-e', program, ...(keep ? ['keep'] : [])], {
    uid: user,
    env: { TMPDIR: temporary },
    encoding: 'utf8',
  }).stdout;

// Another user can be played by the superuser only.
it.skipIf(process.getuid?.() !== 0)('every user of the machine can take the lock, and break that of a dead process', () => {
  const temporary = mkdtempSync(join(tmpdir(), 'machine-lock-'));
  try {
    chmodSync(temporary, 0o1777);
    const [first, second] = [65_534, 65_533];
    expect(takenBy(first, temporary)).toBe('held\n');
    expect(takenBy(second, temporary)).toBe('held\n');
    expect(takenBy(first, temporary, true)).toBe('held\n');
    // Silent for longer than a living holder is.
    utimesSync(join(temporary, 'optimization-gate', 'measuring.lock'), 0, 0);
    expect(takenBy(second, temporary)).toBe('held\n');
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
});

it('says for how long another one held it, and counts nothing where it was free', async () => {
  const said: string[] = [];
  const context = {
    now: () => new Date(),
    clock: () => performance.now(),
    host: { log: { info: (text: string) => said.push(text) } },
    signal: AbortSignal.timeout(10_000),
  } as unknown as CommandContext;
  const name = `waiting-${process.pid}`;
  const first = await takeMachineLock(context, name, 'measurement on this machine');
  expect([first.waitedSeconds, said]).toEqual([0, []]);
  setTimeout(() => first.release(), 400);
  const second = await takeMachineLock(context, name, 'measurement on this machine');
  second.release();
  expect(second.waitedSeconds).toBeGreaterThanOrEqual(0.3);
  expect(said).toEqual([
    `Waiting for another measurement on this machine (process ${process.pid}).`,
    `Waited ${second.waitedSeconds} s for another measurement on this machine.`,
  ]);
});
