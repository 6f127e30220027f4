import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findConfinement } from '../../src/processes/confinement.ts';
import { allowedEnvironment } from '../../src/processes/environment.ts';
import { busyHeadWarning } from '../../src/records/busy-head.ts';
import type { LaunchRequest, PolicyProcess } from '../../src/records/protocol.ts';
import { measureExternally } from '../../src/worker/external.ts';
import type { LaunchTools } from '../../src/worker/launch-tools.ts';

const folder = mkdtempSync(join(tmpdir(), 'gate-waiting-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const spin = 'const end = Date.now() + 30_000; while (Date.now() < end);';
/** One process after the other, each of which is busy for 5 ms. */
const brief = (before: string): string =>
  `use Time::HiRes "time"; ${before} for (;;) { my $one = fork; if (!$one) { my $end = time + 0.005; 1 while time < $end; exit } waitpid $one, 0 }`;
/** What a program does beside its answers, of which each takes 20 ms. */
const kinds = {
  quiet: '',
  child: `spawn(process.execPath, ['-e', '${spin}']);`,
  orphan: `spawnSync('/bin/sh', ['-c', '"$0" -e "${spin}" > /dev/null 2>&1 &', process.execPath]);`,
  thread: `new Worker('${spin}', { eval: true });`,
  reaped: `spawn('/usr/bin/perl', ['-e', '${brief('')}']);`,
  unreaped: `spawn('/usr/bin/perl', ['-e', '${brief('$SIG{CHLD} = "IGNORE";')}']);`,
} as const;

const program = (kind: keyof typeof kinds): PolicyProcess => {
  const file = join(folder, `${kind}.mjs`);
  writeFileSync(
    file,
    `import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
${kinds[kind]}
for await (const line of createInterface({ input: process.stdin })) {
  await new Promise((done) => setTimeout(done, 20));
  console.log('{"ms":1}');
}
process.exit();`,
  );
  return {
    argv: [process.execPath, file],
    cwd: folder,
    environment: allowedEnvironment(process.env),
    optimization: 'external-measurement',
    options: null,
    confinement: findConfinement(),
    reports: [],
    seconds: 10,
    memoryBytes: 2 ** 30,
  };
};

const point = { id: 'rounds', kind: 'external', series: ['ms'], rounds: 20, warmUp: 2, arms: ['base', 'head'] } as const;
const warningsOf = async (base: keyof typeof kinds, head: keyof typeof kinds): Promise<readonly string[]> => {
  const request = { launch: 'mini/bench#screen-0', seed: 1, policies: { base: program(base), head: program(head) } };
  const clock = { wall: () => performance.now(), cpu: () => 0 };
  return (await measureExternally(point, request as unknown as LaunchRequest, { clock, beat: () => {} } as unknown as LaunchTools))
    .warnings;
};

describe.skipIf(process.platform !== 'linux')('what waits while the other side is asked', () => {
  it.each(['child', 'orphan', 'thread', 'reaped', 'unreaped'] as const)('is busy in head: a %s', async (kind) => {
    expect(await warningsOf('quiet', kind)).toEqual([busyHeadWarning]);
  });

  it.each([
    ['quiet', 'quiet'],
    ['thread', 'thread'],
    ['child', 'quiet'],
  ] as const)('is no warning about head: base %s, head %s', async (base, head) => {
    expect(await warningsOf(base, head)).toEqual([]);
  });
});
