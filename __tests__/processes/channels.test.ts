import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { type ChildChannel, openChild } from '../../src/processes/child-channel.ts';
import { type LineChannel, openLineChannel } from '../../src/processes/line-channel.ts';
import { identifyProcess } from '../../src/processes/process-tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'channels-'));
const opened: (ChildChannel | LineChannel)[] = [];
afterAll(async () => {
  for (const one of opened) await ('kill' in one ? one.kill() : one.close(0));
  rmSync(folder, { recursive: true, force: true });
});

const environment = { PATH: process.env['PATH'] ?? '' };
let programs = 0;
const child = (script: string, memoryBytes: number | null = null): ChildChannel => {
  programs += 1;
  const program = join(folder, `child-${programs}.mjs`);
  writeFileSync(program, script);
  const channel = openChild({
    where: 'launch 1',
    role: 'launch',
    program,
    args: ['one', 'two words'],
    environment,
    cwd: folder,
    memoryBytes,
  });
  opened.push(channel);
  return channel;
};
const lines = (script: string, more: { memoryBytes?: number; maxLineBytes?: number } = {}): LineChannel => {
  const argv = [
    process.execPath,
    '-e',
    `const answer = (run) => require('node:readline').createInterface({ input: process.stdin }).on('line', run);${script}`,
  ];
  const channel = openLineChannel({ where: 'subject', argv, cwd: folder, environment, memoryBytes: null, ...more });
  opened.push(channel);
  return channel;
};
const coded = (code: string, text = ''): unknown => expect.objectContaining({ code, message: expect.stringContaining(text) });

describe('an end before the first answer', () => {
  it('is told from a later one, and from one by a limit', async () => {
    const startOf = async (failing: Promise<unknown>): Promise<unknown> =>
      failing.then(
        () => 'an answer',
        (thrown: unknown) => (thrown instanceof GateError ? thrown.starting : thrown),
      );
    const answering = `answer((line) => { if (line === '2') process.exit(3); console.log(line); });`;
    const lineByLine = lines(answering);
    expect(await startOf(lineByLine.ask(2, 20))).toBe(true);
    const later = lines(answering);
    await later.ask(1, 20);
    expect(await startOf(later.ask(2, 20))).toBe(false);
    expect(await startOf(lines(`answer(() => process.stdout.write('{"a', () => process.exit(3)));`).ask(1, 20))).toBe(false);
    expect(await startOf(lines('setInterval(() => {}, 1000);').ask(1, 0.3))).toBe(false);
    const missing = openLineChannel({ where: 'subject', argv: [join(folder, 'none')], cwd: folder, environment, memoryBytes: null });
    opened.push(missing);
    expect(await startOf(missing.ask(1, 20))).toBe(true);
    expect(await startOf(child('process.exit(3);').receive({ timeoutSeconds: 20 }))).toBe(true);
    const beating = child('process.send({ heartbeat: 1 }, () => process.exit(3));');
    expect(await startOf(beating.receive({ timeoutSeconds: 20 }))).toBe(false);
  });
});

describe('openChild', () => {
  it('exchanges messages in order and ends cleanly', async () => {
    const channel = child(`process.on('message', (m) => { process.send({ got: m, args: process.argv.slice(2) }); process.send(2); });`);
    channel.send({ a: [1.5, 'ü'] });
    expect(await channel.receive({ timeoutSeconds: 20 })).toEqual({ got: { a: [1.5, 'ü'] }, args: ['one', 'two words'] });
    expect(await channel.receive({ timeoutSeconds: 20 })).toBe(2);
    await channel.kill();
    expect((await channel.ended).end.status).toBe('killed');
  });

  it('hands over what was sent before a crash, then reports the crash with the last output', async () => {
    const channel = child(`process.send('partial'); console.error('bad thing happened'); process.exitCode = 7; process.disconnect();`);
    expect(await channel.receive({ timeoutSeconds: 20 })).toBe('partial');
    await expect(channel.receive({ timeoutSeconds: 20 })).rejects.toEqual(coded('launch-crashed', 'bad thing happened'));
    await expect(channel.receive({ timeoutSeconds: 20 })).rejects.toEqual(coded('launch-crashed', 'exit status 7'));
    channel.send('into the void');
  });

  it('ends a child that is too slow, or silent between heartbeats', async () => {
    await expect(child('setInterval(() => {}, 1000); process.on("message", () => {})').receive({ timeoutSeconds: 0.5 })).rejects.toEqual(
      coded('launch-timeout'),
    );
    const silent = child('process.send("ready"); process.on("message", () => {})');
    expect(await silent.receive({ timeoutSeconds: 20 })).toBe('ready');
    await expect(silent.receive({ timeoutSeconds: 60, silenceSeconds: 0.3, named: 'limits.seconds' })).rejects.toEqual(
      coded('launch-timeout', 'no sign of life within 0.3 s (limits.seconds)'),
    );
  });

  it('lets heartbeats prolong the silence and never hands them over', async () => {
    const channel = child('process.send("ready"); let n = 0; setInterval(() => process.send(++n < 30 ? { heartbeat: n } : "done"), 50);');
    expect(await channel.receive({ timeoutSeconds: 20 })).toBe('ready');
    expect(await channel.receive({ timeoutSeconds: 20, silenceSeconds: 1 })).toBe('done');
  });

  it('limits memory and reports what cannot be loaded', async () => {
    const hog = child('const a = []; setInterval(() => a.push(Buffer.alloc(8e6, 1)), 5);', 150e6);
    await expect(hog.receive({ timeoutSeconds: 30 })).rejects.toEqual(coded('launch-memory'));
    const missing = openChild({
      where: 'x',
      role: 'launch',
      program: join(folder, 'missing.mjs'),
      args: [],
      environment,
      cwd: folder,
      memoryBytes: null,
    });
    await expect(missing.receive({ timeoutSeconds: 20 })).rejects.toEqual(coded('launch-crashed', 'missing.mjs'));
    const nowhere = openChild({
      where: 'x',
      role: 'subject',
      program: 'x.mjs',
      args: [],
      environment,
      cwd: join(folder, 'missing'),
      memoryBytes: null,
    });
    await expect(nowhere.receive({ timeoutSeconds: 20 })).rejects.toEqual(coded('subject-crashed', 'could not be started'));
  });
});

describe('openLineChannel', () => {
  it('asks and is answered, in turn', async () => {
    const channel = lines('answer((l) => console.log(JSON.stringify({ echo: JSON.parse(l) })));');
    for (const message of [1, 'two\nlines', { three: ['ü'] }, null]) expect(await channel.ask(message, 20)).toEqual({ echo: message });
    await channel.close(20);
    expect(await channel.ended).toEqual({ status: 'exited', code: 0 });
    await expect(channel.ask(1, 20)).rejects.toEqual(coded('subject-crashed'));
  });

  it('takes an answer that is written in pieces, and the last one before the end', async () => {
    const channel = lines(
      `answer(() => { process.stdout.write('{"a":'); setTimeout(() => { process.stdout.write('"\\u00fc"}\\r\\n'); process.exitCode = 1; process.stdin.destroy(); }, 50); });`,
    );
    expect(await channel.ask(0, 20)).toEqual({ a: 'ü' });
  });

  it.each([
    ['text', 'answer(() => console.log("Loading model..."));', 'Loading model'],
    ['an empty line', 'answer(() => console.log(""));', 'not one line of JSON'],
    ['invalid UTF-8', 'answer(() => process.stdout.write(Buffer.from([0x22, 0xff, 0x22, 0x0a])));', 'UTF-8'],
    ['NaN', 'answer(() => console.log("NaN"));', 'NaN'],
    ['a repeated key', `answer(() => console.log('{"a": [{"b:": 1, "b:": 2}]}'));`, 'a key is repeated'],
    [
      'an endless line',
      'answer(() => { const x = "x".repeat(1e5); const on = () => { while (process.stdout.write(x)); process.stdout.once("drain", on); }; on(); });',
      'more than 200000 bytes',
    ],
  ])('refuses %s', async (_, script, message) => {
    const channel = lines(script, { maxLineBytes: 200_000 });
    await expect(channel.ask(1, 20)).rejects.toEqual(coded('subject-protocol', message));
    await expect(channel.ask(1, 20)).rejects.toEqual(coded('subject-protocol', message));
    await channel.ended;
  });

  it('refuses output that nobody asked for', async () => {
    const channel = lines('answer(() => console.log("1\\n2"));');
    expect(await channel.ask(1, 20)).toBe(1);
    await channel.ended;
    await expect(channel.ask(1, 20)).rejects.toEqual(coded('subject-protocol', 'before any question'));
  });

  it('reports a crash in the middle of an answer with the end of standard error', async () => {
    const channel = lines(
      `answer(() => { process.stdout.write('{"half'); console.error('Traceback: boom'); setTimeout(() => process.abort(), 100); });`,
    );
    const failure = await channel.ask(1, 20).catch((error: unknown) => error);
    expect(failure).toEqual(coded('subject-crashed', 'in the middle of an answer'));
    expect(failure).toEqual(coded('subject-crashed', 'Traceback: boom'));
  });

  it('ends what hangs, does not read, or takes too much memory, with its descendants', async () => {
    const hanging = lines(
      `require('fs').writeFileSync('grandchild.pid', String(require('child_process').spawn('sleep', ['100']).pid)); answer(() => {});`,
    );
    await expect(hanging.ask(1, 1, 'waiting for one')).rejects.toEqual(coded('subject-timeout', 'ended: waiting for one'));
    await hanging.ended;
    await expect.poll(() => identifyProcess(Number(readFileSync(join(folder, 'grandchild.pid'), 'utf8')))).toBeNull();
    await expect(lines('setInterval(() => {}, 1000);').ask('x'.repeat(1e6), 0.5)).rejects.toEqual(coded('subject-timeout'));
    await expect(
      lines('answer(() => { const a = []; setInterval(() => a.push(Buffer.alloc(8e6, 1)), 5); });', { memoryBytes: 150e6 }).ask(1, 30),
    ).rejects.toEqual(coded('subject-memory', 'limits.memory allows 150000000 bytes'));
  });

  it('says what cannot be started', async () => {
    const channel = openLineChannel({ where: 'subject', argv: ['no-such-program'], cwd: folder, environment, memoryBytes: null });
    await expect(channel.ask(1, 20)).rejects.toEqual(coded('subject-crashed', 'could not be started'));
  });
});
