import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { identifyProcess } from '../../src/processes/process-tree.ts';
import { askWorker, type WorkerLimits } from '../../src/run/worker-process.ts';
import { testFolder } from '../testkit/folder.ts';

const describeIt = { type: 'describe' as const, library: true, provider: 'cpu', threads: 1 };
const patient: WorkerLimits = { seconds: 60, silenceSeconds: 60, memoryBytes: null, named: 'limits.seconds' };
const ready = `{ type: 'ready' }`;

/** A worker that does this with each message. */
const asked = (body: string, limits: Partial<WorkerLimits> = {}, expected: 'ready' | 'described' = 'ready') => {
  const folder = testFolder();
  const program = join(folder, 'worker.mjs');
  writeFileSync(program, `process.on('message', async (message) => { ${body} });\n`);
  const environment = { PATH: process.env['PATH'] ?? '' };
  return askWorker({ program, environment, cwd: folder }, describeIt, expected, { ...patient, ...limits }, 'launch 7');
};

describe('askWorker', () => {
  it('hands over the answer, and leaves no process', async () => {
    await expect(asked(`process.send(${ready}); setInterval(() => {}, 1000);`)).resolves.toEqual({ type: 'ready' });
    const error = `{ code: 'build-failed', message: String(process.pid), arm: null }`;
    const failure: { message: string } = await asked(
      `process.send({ type: 'failed', error: ${error} }); setInterval(() => {}, 1000);`,
    ).then(
      () => ({ message: '' }),
      (thrown: Error) => thrown,
    );
    expect(Number(failure.message)).toBeGreaterThan(1);
    expect(identifyProcess(Number(failure.message))).toBeNull();
  });

  it('throws what the worker reports, with its arm', async () => {
    const error = `{ code: 'session-failed', message: 'no kernel', arm: 'base' }`;
    await expect(asked(`process.send({ type: 'failed', error: ${error} });`)).rejects.toMatchObject({
      coded: { code: 'session-failed', message: 'no kernel', arm: 'base' },
    });
  });

  it.each([
    ['an exit', 'console.error("kernel panic"); process.exit(4);', {}, 'launch-crashed', /exit status 4.*kernel panic/s],
    ['a signal', `process.kill(process.pid, 'SIGSEGV');`, {}, 'launch-crashed', /SIGSEGV/],
    ['an exception', 'throw new Error("undefined behaviour");', {}, 'launch-crashed', /undefined behaviour/],
    ['silence', 'setInterval(() => {}, 1000);', { silenceSeconds: 1 }, 'launch-timeout', /too long/],
    [
      'no end in spite of signs of life',
      `setInterval(() => process.send({ heartbeat: 'p' }), 50);`,
      { seconds: 1.5, silenceSeconds: 1 },
      'launch-timeout',
      /too long.*no end within 1\.5 s \(limits\.seconds\), last seen at p/,
    ],
    [
      'a hang that takes no signal',
      `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); for (;;);`,
      { seconds: 1 },
      'launch-timeout',
      /too long/,
    ],
    [
      'hunger',
      'const kept = []; setInterval(() => kept.push(Buffer.alloc(32 << 20, 1)), 5);',
      { memoryBytes: 400 << 20 },
      'launch-memory',
      /memory/,
    ],
    ['another answer', `process.send(${ready});`, {}, 'internal', /answered ready instead of described/, 'described'],
    ['nonsense', `process.send({ type: 'ready', extra: 1 });`, {}, 'document-invalid', /extra/],
  ] as const)('turns %s into a coded error', async (_what, body, limits, code, says, expected: 'ready' | 'described' = 'ready') => {
    const failed = asked(body, limits, expected);
    await expect(failed).rejects.toMatchObject({ code });
    await expect(failed).rejects.toThrow(says);
  });

  it('lets signs of life outlast the silence that is allowed', async () => {
    const body = `let beats = 0; const timer = setInterval(() => { process.send({ heartbeat: 'p' }); if (++beats === 12) { clearInterval(timer); process.send(${ready}); } }, 250);`;
    await expect(asked(body, { silenceSeconds: 2 })).resolves.toEqual({ type: 'ready' });
  });
});
