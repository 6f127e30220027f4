import { expect } from 'vitest';
import { busyHeadText } from '../../src/records/busy-head.ts';
import { changedEngine } from './measured-run.ts';
import type { Situation } from './situation.ts';

/** Times a loop of some milliseconds in each round, beside so many processes that are never idle. */
const timing = (helpers: number, comment = ''): string => `${comment}import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
for (let at = 0; at < ${helpers}; at++) spawn(process.execPath, ['-e', 'const parent = process.ppid; while (process.ppid === parent);'], { stdio: 'ignore', detached: true });
let sum = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const started = performance.now();
  for (let at = 0; at < 1e7; at++) sum += at % 7;
  process.stdout.write(JSON.stringify({ latency: performance.now() - started, size: sum > 0 ? 100 : 0 }) + '\\n');
}
process.exit();
`;

/** The verdict on the time and its reason; '' without one. */
const judged = async (base: string, head: string): Promise<{ readonly verdict: string; readonly reason: string }> => {
  const project = changedEngine(base, head);
  const ended = await project.gate('--base', 'HEAD~1');
  const latency = project.verdict().cells[0]?.metrics.find(({ id }) => id === 'latency');
  expect(latency?.state, ended.stderr).toBe('measured');
  return { verdict: latency?.verdict ?? '', reason: latency?.reason ?? '' };
};

const row = (example: string, before: string, now: string, source: Situation['source'], check: Situation['check']): Situation => ({
  kind: 'shared-machine',
  example,
  before,
  now,
  source,
  speed: 'slow',
  available: process.platform === 'linux',
  check,
});

/** Head is compared: neither undecided for that reason nor worse. */
const compares = (base: number, head: number) => async (): Promise<void> => {
  const { verdict, reason } = await judged(timing(base), timing(head, '// head\n'));
  expect(reason).not.toContain(busyHeadText);
  expect(verdict).not.toBe('regressed');
};

export const situations: readonly Situation[] = [
  row('Busy processes that head starts beside its answers slow both sides', 'passed', 'inconclusive', 'reported', async () => {
    const { verdict, reason } = await judged(timing(0), timing(3));
    // A machine that is busy itself can leave head the less.
    if (verdict !== 'regressed') expect([verdict, reason]).toEqual(['inconclusive', expect.stringContaining(busyHeadText)]);
  }),
  row('Both sides start such processes', 'passed', 'passed', 'neighbour', compares(1, 1)),
  row('Base starts such processes, and head starts none', 'passed', 'passed', 'neighbour', compares(2, 0)),
];
