import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findConfinement } from '../../src/processes/confinement.ts';
import { allowedEnvironment } from '../../src/processes/environment.ts';
import type { LaunchRequest, PolicyProcess } from '../../src/records/protocol.ts';
import { measureExternally } from '../../src/worker/external.ts';
import type { LaunchTools } from '../../src/worker/launch-tools.ts';
import type { Clock } from '../../src/worker/rounds.ts';

const folder = mkdtempSync(join(tmpdir(), 'gate-external-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let written = 0;
/** A program that answers every line with what `answer` makes of its number. */
const program = (
  answer: string,
  { reports = [], seconds = 5 }: Partial<Pick<PolicyProcess, 'reports' | 'seconds'>> = {},
): PolicyProcess => {
  const file = join(folder, `program-${written++}.mjs`);
  writeFileSync(
    file,
    `import { createInterface } from 'node:readline';
for await (const line of createInterface({ input: process.stdin })) {
  const round = Number(/^round (\\d+)$/.exec(line)?.[1]);
  console.log(${answer});
}`,
  );
  return {
    argv: [process.execPath, file],
    cwd: folder,
    environment: allowedEnvironment(process.env),
    confinement: findConfinement(),
    optimization: 'external-measurement',
    options: null,
    reports,
    seconds,
    memoryBytes: 2 ** 30,
  };
};

const point = { id: 'rounds', kind: 'external', series: ['ms', 'size'], rounds: 20, warmUp: 2, arms: ['base', 'head'] } as const;
const measure = (base: PolicyProcess, head: PolicyProcess, clock: Clock = { wall: () => 0, cpu: () => 0 }) =>
  measureExternally(
    point,
    { launch: 'mini/bench#screen-0', seed: 1, policies: { base, head } } as unknown as LaunchRequest,
    { clock, beat: () => {} } as unknown as LaunchTools,
  ).then(({ values }) => values);

describe('an external measurement', () => {
  it('asks both programs round by round and drops what warmed up', async () => {
    const columns = await measure(program('JSON.stringify({ ms: round, size: 7 })'), program('JSON.stringify({ size: 8, ms: -round })'));
    const counted = Array.from({ length: 20 }, (_, i) => i + 3);
    expect(columns['base']).toEqual({ ms: counted, size: counted.map(() => 7) });
    expect(columns['head']).toEqual({ ms: counted.map((round) => -round), size: counted.map(() => 8) });
  });

  it('takes fewer rounds of a slow program, and never fewer than fifteen', async () => {
    let now = 0;
    const fine = program('JSON.stringify({ ms: round, size: 7 })');
    const columns = await measure(fine, fine, { wall: () => (now += 3000), cpu: () => 0 });
    expect(columns['head']?.['ms']).toHaveLength(15);
  });

  it('gives each program its time for the start and all answers together, and says which answer did not come in it', async () => {
    const fine = program('JSON.stringify({ ms: round, size: 7 })');
    const slow = program('await new Promise((done) => setTimeout(() => done(JSON.stringify({ ms: 1, size: 1 })), 300))', { seconds: 1 });
    const thrown = await measure(slow, fine).catch((error: unknown) => error);
    expect(thrown).toMatchObject({
      arm: 'base',
      message: expect.stringMatching(/its answer to `round [2-4]` was missing after 1 s \(limits\.seconds, for all answers\)/),
      cause: { code: 'subject-timeout' },
    });
  });

  it('lets an arm report what its own configuration names, and then expects it; it is not judged', async () => {
    const plain = program('JSON.stringify({ ms: round, size: 7 })');
    const columns = await measure(plain, program('JSON.stringify({ ms: round, size: 7, more: 1 })', { reports: ['ms', 'more', 'size'] }));
    expect(Object.keys(columns['head'] ?? {})).toEqual(['ms', 'size']);
    const lacking = await measure(plain, program('JSON.stringify({ ms: round, size: 7 })', { reports: ['more'] })).catch(
      (error: unknown) => error,
    );
    expect(lacking).toMatchObject({ arm: 'head', message: expect.stringContaining('more is not there: {"ms":') });
    const dropped = await measure(plain, program('JSON.stringify({ ms: round })', { reports: ['ms'] })).catch((error: unknown) => error);
    expect(dropped).toMatchObject({
      arm: 'head',
      message: expect.stringMatching(/Expected a JSON object with ms, size, got one in which size is not/),
    });
  });

  it('shortens what it read in its message', async () => {
    const thrown = await measure(
      program('JSON.stringify({ ms: round, size: 7 })'),
      program('JSON.stringify({ ms: "x".repeat(5000), size: 1 })'),
    ).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ message: expect.stringMatching(/^.{100,500}…$/s) });
  });

  it.each([
    ['is no number', 'JSON.stringify({ ms: "fast", size: 1 })', 'subject-protocol', /ms is no finite number/],
    ['is not there', 'JSON.stringify({ size: 1 })', 'subject-protocol', /ms is not there/],
    ['was not asked for', 'JSON.stringify({ ms: 1, size: 1, other: 2 })', 'subject-protocol', /"other" is too many/],
    ['is no object', '"[1, 2]"', 'subject-protocol', /a JSON object/],
    ['is no JSON', '"fast"', 'subject-protocol', /JSON/],
    ['never comes', 'process.exit(3)', 'subject-crashed', /3/],
  ])('names the arm whose answer %s', async (_what, answer, code, message) => {
    const thrown = await measure(program('JSON.stringify({ ms: round, size: 7 })'), program(answer)).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ arm: 'head', message: expect.stringMatching(message), cause: { code } });
  });
});
