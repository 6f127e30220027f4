import { expect, test } from 'vitest';
import { mayShareProcess, openSharedSubject } from '../../src/building/shared-subject.ts';
import { type LineChannel, openLineChannel } from '../../src/processes/line-channel.ts';
import type { PlannedBuild } from '../../src/records/plan.ts';

const program = "process.stdin.on('data', () => console.log(process.pid));";

const start = async (): Promise<LineChannel> =>
  openLineChannel({ where: 'here', argv: [process.execPath, '-e', program], cwd: process.cwd(), environment: {}, memoryBytes: null });

test('is one process for one name, and another once it was closed or goes by another name', async () => {
  const shared = openSharedSubject();
  const ask = async (name: string): Promise<readonly unknown[]> => {
    const answer = await (await shared.channel(name, start)).ask({}, 10);
    return [answer, shared.used];
  };
  const [first, fresh] = await ask('a');
  expect([typeof first, fresh]).toEqual(['number', false]);
  expect(await ask('a')).toEqual([first, true]);
  const old = await shared.channel('a', start);
  const [second, other] = await ask('b');
  expect([second === first, other]).toEqual([false, false]);
  expect(await old.ended).toMatchObject({ code: 0 });
  await shared.close();
  const [third, anew] = await ask('b');
  expect([third === second, anew]).toEqual([false, false]);
  await shared.close();
  await shared.close();
});

test('starts anew after a start that failed', async () => {
  const shared = openSharedSubject();
  await expect(shared.channel('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await (await shared.channel('a', start)).ask({}, 10)).toBeTypeOf('number');
  await shared.close();
});

test('is for variants of a built-in on a small model, and for nothing whose seconds are a metric', () => {
  const builtin = { door: { kind: 'builtin', optimization: 'x', entry: null } } as PlannedBuild['subject'];
  const module = { door: { kind: 'module', module: 'x.mjs' } } as PlannedBuild['subject'];
  const build = (subject: PlannedBuild['subject'], name: string, on: string | null) => ({ subject, told: { name, options: {} }, on });
  const small = 2 ** 20;
  expect(mayShareProcess(build(builtin, 'depth-50', null), small)).toBe(true);
  expect(mayShareProcess(build(builtin, 'main', 'a'.repeat(64)), small)).toBe(true);
  expect(mayShareProcess(build(builtin, 'main', null), small)).toBe(false);
  expect(mayShareProcess(build(module, 'depth-50', null), small)).toBe(false);
  expect(mayShareProcess(build(builtin, 'depth-50', null), 2 ** 25 + 1)).toBe(false);
  expect(mayShareProcess(build(builtin, 'depth-50', null), Number.POSITIVE_INFINITY)).toBe(false);
});
